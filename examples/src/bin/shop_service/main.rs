//! A web service over SQLite in which every read is cached and every write says what it changes, with eight clients that
//! check every answer: none may be older than the last write that was acknowledged before it was asked for.

mod client;
mod service;
mod store;

use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cache_core::Cache;
use lexopt::prelude::*;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::client::Tally;
use crate::store::Store;

const HELP: &str = "\
Hammers a cached web service and checks that no answer is out of date.

Usage: shop_service [--requests N] [--forget]

  --requests N  how many requests the clients make together (default: 1000000)
  --forget      have the writes say nothing, to see that the check finds what is out of date then
  --help        print this";

/// What the clients do.
#[derive(Clone, Copy, Debug)]
struct Plan {
    n_requests: u64,
    n_clients: u64,
    percent_writes: u32,
    n_articles: u32,
    n_users: u32,
    forget: bool,
}

impl Plan {
    fn new(n_requests: u64) -> Self {
        let (n_articles, n_users) = (500, 50);
        Self { n_requests, n_clients: 8, percent_writes: 4, n_articles, n_users, forget: false }
    }

    fn n_requests_each(&self) -> u64 {
        self.n_requests.div_ceil(self.n_clients)
    }
}

fn main() -> ExitCode {
    match args().and_then(|plan| plan.map(|plan| report(&plan)).transpose()) {
        Ok(Some(exit_code)) => exit_code,
        Ok(None) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn args() -> Result<Option<Plan>> {
    let mut plan = Plan::new(1_000_000);
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("requests") => plan.n_requests = parser.value()?.parse()?,
            Long("forget") => plan.forget = true,
            Short('h') | Long("help") => return Ok(None),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Some(plan))
}

/// Says what the clients have seen. It is a failure if an answer was out of date.
fn report(plan: &Plan) -> Result<ExitCode> {
    let (tally, time) = run(plan)?;
    let (n_reads, n_writes) = (&tally.n_reads, &tally.n_writes);
    let (n_reads, n_writes) = (n_reads.load(Ordering::SeqCst), n_writes.load(Ordering::SeqCst));
    let n_violations = tally.n_violations.load(Ordering::SeqCst);
    let per_second = (n_reads + n_writes) as f64 / time.as_secs_f64();
    println!(
        "requests     {:>9}   by {} clients, {per_second:.0}/s",
        n_reads + n_writes,
        plan.n_clients
    );
    println!("  reads      {n_reads:>9}   every one of them cached");
    println!("  writes     {n_writes:>9}   acknowledged");
    println!("violations   {n_violations:>9}   answers older than a write acknowledged before\n");
    let cache = Cache::global();
    println!("hit rate     {:>8.1}%   of all cached calls\n", cache.stats().hit_rate() * 100.0);
    println!("function         hits     loads  coalesced  invalidated  hit rate");
    for function in cache.functions() {
        let stats = function.stats;
        println!(
            "{:<10} {:>10} {:>9} {:>10} {:>12} {:>8.1}%",
            function.name,
            stats.hits,
            stats.loads,
            stats.coalesced,
            stats.invalidations,
            stats.hit_rate() * 100.0
        );
    }
    Ok(if n_violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::disallowed_methods, reason = "the program measures itself")]
fn run(plan: &Plan) -> Result<(Arc<Tally>, Duration)> {
    let folder = tempfile::tempdir().context("cannot make a folder for the database")?;
    let store = Store::create(folder.path(), plan.n_articles, plan.n_users)
        .context("cannot make the database")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let start = Instant::now();
    let tally = runtime.block_on(hammer(plan, store))?;
    Ok((tally, start.elapsed()))
}

/// Serves on the loopback interface, on a port that is free, until all clients are done.
async fn hammer(plan: &Plan, store: Store) -> Result<Arc<Tally>> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen")?;
    let address = listener.local_addr()?;
    let app = service::app(store, plan.forget);
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let tally = Arc::new(Tally::new(plan));
    let mut clients = JoinSet::new();
    for seed in 0..plan.n_clients {
        let (plan, tally) = (*plan, Arc::clone(&tally));
        clients.spawn(async move { client::run(address, &plan, &tally, seed).await });
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    server.abort();
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    // One test, because all runs of a process share its cache.
    #[test]
    fn no_answer_is_older_than_an_acknowledged_write_unless_writes_say_nothing() {
        let n_violations = |plan: &Plan| {
            Cache::global().clear();
            run(plan).expect("a run").0.n_violations.load(Ordering::SeqCst)
        };
        let plan = Plan::new(10_000);
        assert_eq!(n_violations(&plan), 0);
        let hit_rate = Cache::global().stats().hit_rate();
        assert!(hit_rate > 0.5, "hardly anything was cached: {hit_rate}");
        assert_ne!(n_violations(&Plan { forget: true, ..plan }), 0, "the check finds nothing");
    }
}
