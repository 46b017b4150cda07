//! Clients that read and write, and check that no answer is older than the last write that was acknowledged before they
//! asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::Plan;
use crate::store::PAGE;

/// What all clients together have seen.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The latest version of each row whose write was acknowledged, by what replies call the row.
    acknowledged: HashMap<String, AtomicU64>,
    pub(crate) n_reads: AtomicU64,
    pub(crate) n_writes: AtomicU64,
    pub(crate) n_violations: AtomicU64,
}

impl Tally {
    pub(crate) fn new(plan: &Plan) -> Self {
        let articles = (0..plan.n_articles).map(|id| format!("article/{id}"));
        let carts = (0..plan.n_users).map(|id| format!("cart/{id}"));
        let others = ["changes", "news", "imprint"].map(str::to_owned);
        let rows = articles.chain(carts).chain(others);
        Self {
            acknowledged: rows.map(|row| (row, AtomicU64::new(0))).collect(),
            n_reads: AtomicU64::new(0),
            n_writes: AtomicU64::new(0),
            n_violations: AtomicU64::new(0),
        }
    }

    fn row(&self, row: &str) -> Result<&AtomicU64> {
        self.acknowledged
            .get(row)
            .with_context(|| format!("a reply names `{row}`, which is no row"))
    }

    fn now(&self, rows: &[String]) -> Result<Vec<u64>> {
        rows.iter().map(|row| Ok(self.row(row)?.load(Ordering::SeqCst))).collect()
    }

    fn check_read(&self, rows: &[String], before: &[u64], reply: &str) -> Result<()> {
        ensure!(reply.lines().count() == rows.len(), "this is no reply about {rows:?}: {reply}");
        for ((row, before), line) in rows.iter().zip(before).zip(reply.lines()) {
            let (seen, version) = parse(line)?;
            ensure!(seen == row, "this is no reply about {row}: {reply}");
            let is_older = version < *before;
            self.n_violations.fetch_add(is_older.into(), Ordering::SeqCst);
        }
        self.n_reads.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    fn note_write(&self, reply: &str) -> Result<()> {
        let (row, version) = parse(reply.trim())?;
        self.row(row)?.fetch_max(version, Ordering::SeqCst);
        if row.starts_with("article/") {
            self.row("changes")?.fetch_add(1, Ordering::SeqCst);
        }
        self.n_writes.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

fn parse(line: &str) -> Result<(&str, u64)> {
    let (row, version) = line.split_once(' ').with_context(|| format!("no reply: `{line}`"))?;
    Ok((row, version.parse().with_context(|| format!("no reply: `{line}`"))?))
}

/// Makes so many requests, one after the other, on one connection.
pub(crate) async fn run(address: SocketAddr, plan: &Plan, tally: &Tally, seed: u64) -> Result<()> {
    let stream = TcpStream::connect(address).await.context("cannot connect to the service")?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..plan.n_requests_each() {
        let is_write = random.u32(..100) < plan.percent_writes;
        // Some articles are asked for more often than others.
        let id = random.u32(..plan.n_articles).min(random.u32(..plan.n_articles));
        let user = random.u32(..plan.n_users);
        let (method, uri, rows) = match (is_write, random.u32(..100)) {
            (false, ..50) => ("GET", format!("/articles/{id}"), vec![format!("article/{id}")]),
            (false, 50..60) => {
                let page = id / PAGE;
                let rows = (page * PAGE..(page + 1) * PAGE).map(|id| format!("article/{id}"));
                ("GET", format!("/pages/{page}"), rows.collect())
            }
            (false, 60..65) => ("GET", "/changes".to_owned(), vec!["changes".to_owned()]),
            (false, 65..80) => ("GET", "/cart".to_owned(), vec![format!("cart/{user}")]),
            (false, 80..90) => ("GET", "/news".to_owned(), vec!["news".to_owned()]),
            (false, _) => ("GET", "/imprint".to_owned(), vec!["imprint".to_owned()]),
            (true, ..70) => ("PUT", format!("/articles/{id}"), Vec::new()),
            (true, 70..90) => ("POST", "/cart".to_owned(), Vec::new()),
            (true, 90..95) => ("PUT", "/news".to_owned(), Vec::new()),
            (true, _) => ("PUT", "/imprint".to_owned(), Vec::new()),
        };
        let before = tally.now(&rows)?;
        let reply = ask(&mut sender, method, &uri, user).await?;
        if is_write {
            tally.note_write(&reply)?;
        } else {
            tally.check_read(&rows, &before, &reply)?;
        }
    }
    drop(sender);
    connection.await??;
    Ok(())
}

async fn ask(sender: &mut SendRequest<Body>, method: &str, uri: &str, user: u32) -> Result<String> {
    let request = Request::builder().method(method).uri(uri).header("host", "localhost");
    let request = request.header("x-user", user).body(Body::empty())?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let reply = response.into_body().collect().await?.to_bytes();
    ensure!(status.is_success(), "{method} {uri} was answered with {status}");
    Ok(String::from_utf8(reply.into())?)
}
