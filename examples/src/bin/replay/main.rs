//! Replays a recorded web workload through a cached function that renders product pages.
//!
//! The same requests are served once without the cache, once with it, and then again with less
//! and less memory: every figure printed was measured in this run.

mod args;
mod pass;
mod report;
mod shop;
mod trace;

use std::{process::ExitCode, sync::Arc};

use anyhow::{Result, anyhow};
use cache_core::{Cache, cached};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{args::Args, pass::Pass, report::Cached, trace::Trace};

/// The one line that the cache needs.
#[cached]
fn product_page(product: u64) -> Arc<str> {
    shop::render(product)
}

fn main() -> ExitCode {
    match prepare() {
        Ok(Some((args, trace))) => replay(&args, &trace),
        Ok(None) => {
            println!("{}", args::HELP);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

fn prepare() -> Result<Option<(Args, Trace)>> {
    // The error of an argument names its cause itself.
    let Some(args) = Args::parse().map_err(|error| anyhow!("{error}"))? else {
        return Ok(None);
    };
    let mut trace = Trace::read(&args.trace)?;
    trace.requests.truncate(args.limit);
    Ok(Some((args, trace)))
}

fn replay(args: &Args, trace: &Trace) -> ExitCode {
    println!(
        "{}: {} requests for {} product pages; threads: {}\n",
        trace.name,
        report::count(trace.requests.len() as u64),
        report::count(trace.n_products() as u64),
        args.n_threads,
    );
    if let Some(max_bytes) = args.max_bytes {
        Cache::global().set_max_bytes(max_bytes);
    }

    let plain = Pass::run(args, &trace.requests, &bar("without", trace), product_page::uncached);
    let full = with_cache(args, trace, "with the cache");
    report::comparison(&plain, &full);

    println!("\nWith less memory than it used, replayed again:\n");
    report::budgets_header();
    report::budget(&plain, &full);
    let mut checksums = vec![plain.checksum, full.pass.checksum];
    for divisor in [2, 4, 8] {
        Cache::global().set_max_bytes(full.stats.bytes / divisor);
        let smaller = with_cache(args, trace, &format!("1/{divisor} of the bytes"));
        report::budget(&plain, &smaller);
        checksums.push(smaller.pass.checksum);
    }

    if checksums.iter().any(|&checksum| checksum != plain.checksum) {
        eprintln!("error: the cache served other pages than rendering gives: {checksums:016x?}");
        return ExitCode::FAILURE;
    }
    println!(
        "\nAll {} runs served the same pages, byte for byte (checksum {:016x}).",
        checksums.len(),
        plain.checksum,
    );
    ExitCode::SUCCESS
}

/// Serves the trace from an empty cache.
fn with_cache(args: &Args, trace: &Trace, name: &str) -> Cached {
    let cache = Cache::global();
    cache.clear();
    cache.reset_stats();
    let pass = Pass::run(args, &trace.requests, &bar(name, trace), product_page);
    let stats = cache.stats();
    Cached { budget: stats.max_bytes, pass, stats }
}

fn bar(name: &str, trace: &Trace) -> ProgressBar {
    let style = ProgressStyle::with_template("  {msg:<20} {bar:40} {percent:>3} % {per_sec} {eta}")
        .expect("the template is part of the program");
    ProgressBar::new(trace.requests.len() as u64)
        .with_style(style)
        .with_message(name.to_owned())
        .with_finish(indicatif::ProgressFinish::AndClear)
}
