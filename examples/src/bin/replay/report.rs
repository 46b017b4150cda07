//! The figures of a replay, as a person reads them.

use std::time::Duration;

use cache_core::Stats;
use indicatif::{HumanBytes, HumanCount};

use crate::pass::Pass;

/// A pass with the cache and what the cache counted during it.
#[derive(Debug)]
pub(crate) struct Cached {
    pub(crate) budget: Option<usize>,
    pub(crate) pass: Pass,
    pub(crate) stats: Stats,
}

pub(crate) fn comparison(plain: &Pass, cached: &Cached) {
    let Cached { pass, stats, .. } = cached;
    let row = |name: &str, plain: String, cached: String| {
        println!("  {name:<14}{plain:>16}{cached:>16}");
    };
    row("", "without".into(), "with the cache".into());
    row("wall time", format!("{:.2?}", plain.wall), format!("{:.2?}", pass.wall));
    row("throughput", rate(plain), rate(pass));
    for (name, percentile) in [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("max", 100.0)] {
        let at = |pass: &Pass| {
            let nanos = pass.latency.value_at_percentile(percentile);
            format!("{:.1?}", Duration::from_nanos(nanos))
        };
        row(&format!("latency {name}"), at(plain), at(pass));
    }
    println!();
    println!(
        "  {:.2} times as fast at a hit rate of {:.1} %",
        speed_up(plain, pass),
        percent(stats)
    );
    println!(
        "  {} hits, {} loads, {} coalesced (waited for a load of the same page)",
        count(stats.hits),
        count(stats.loads),
        count(stats.coalesced),
    );
    println!(
        "  {} in {} pages, at most {}; {} evicted",
        HumanBytes(stats.bytes as u64),
        count(stats.entries as u64),
        HumanBytes(stats.peak_bytes as u64),
        count(stats.evictions),
    );
}

pub(crate) fn budgets_header() {
    println!(
        "  {:>12}{:>11}{:>11}{:>11}{:>12}{:>11}",
        "budget", "hit rate", "loads", "evicted", "wall time", "speed-up"
    );
}

pub(crate) fn budget(plain: &Pass, cached: &Cached) {
    let Cached { budget, pass, stats } = cached;
    let budget = budget.map_or("none".into(), |bytes| HumanBytes(bytes as u64).to_string());
    println!(
        "  {budget:>12}{:>11}{:>11}{:>11}{:>12}{:>11}",
        format!("{:.1} %", percent(stats)),
        count(stats.loads),
        count(stats.evictions),
        format!("{:.2?}", pass.wall),
        format!("{:.2} x", speed_up(plain, pass)),
    );
}

pub(crate) fn count(n: u64) -> String {
    HumanCount(n).to_string()
}

fn rate(pass: &Pass) -> String {
    format!("{}/s", count(pass.throughput() as u64))
}

fn speed_up(plain: &Pass, cached: &Pass) -> f64 {
    plain.wall.as_secs_f64() / cached.wall.as_secs_f64()
}

fn percent(stats: &Stats) -> f64 {
    stats.hit_rate() * 100.0
}
