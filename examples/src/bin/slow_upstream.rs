//! How long callers wait while what they ask turns slow and then dies, without and with the words that are for it.
//!
//! ```sh
//! cargo run --release -p cache-examples --bin slow_upstream            # a table
//! cargo run --release -p cache-examples --bin slow_upstream -- FILE    # the same, and a chart as SVG
//! ```

#![expect(clippy::disallowed_methods, reason = "it measures how long calls take")]

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::{Context, Result};
use cache_core::{TimedOut, cached};
use hdrhistogram::Histogram;
use tokio::time::sleep;

/// What the upstream goes through, for so long each.
const PHASES: [(&str, Phase); 4] = [
    ("healthy", Phase { takes: Duration::from_millis(5), fails: false }),
    ("slow", Phase { takes: Duration::from_millis(500), fails: false }),
    ("dead", Phase { takes: Duration::from_secs(1), fails: true }),
    ("healthy", Phase { takes: Duration::from_millis(5), fails: false }),
];
const LENGTH: Duration = Duration::from_secs(3);
const N_CLIENTS: u32 = 32;
const N_ARTICLES: u32 = 50;

#[derive(Clone, Copy)]
struct Phase {
    takes: Duration,
    fails: bool,
}

#[derive(Clone, Debug)]
enum PriceError {
    Dead,
    TooLate,
}

impl From<TimedOut> for PriceError {
    fn from(_: TimedOut) -> Self {
        Self::TooLate
    }
}

static PHASE: AtomicU64 = AtomicU64::new(0);
static N_LOADS: AtomicU64 = AtomicU64::new(0);

/// The upstream.
async fn ask(article: u32) -> Result<u32, PriceError> {
    N_LOADS.fetch_add(1, Ordering::Relaxed);
    let (_, Phase { takes, fails }) = PHASES[PHASE.load(Ordering::SeqCst) as usize];
    sleep(takes).await;
    if fails { Err(PriceError::Dead) } else { Ok(article * 100) }
}

#[cached(ttl = 500ms)]
async fn plain(article: u32) -> Result<u32, PriceError> {
    ask(article).await
}

#[cached(
    ttl = 500ms,
    refresh_at = 50%,
    stale = 1m,
    on_err = stale,
    soft_timeout = 20ms,
    timeout = 100ms
)]
async fn guarded(article: u32) -> Result<u32, PriceError> {
    ask(article).await
}

/// What the clients saw in one phase.
struct Seen {
    micros: Histogram<u64>,
    n_failed: u64,
    n_loads: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let chart = env::args_os().nth(1).map(PathBuf::from);
    println!(
        "{:<8} {:<8} {:>8} {:>8} {:>7} {:>10} {:>10} {:>10}",
        "", "upstream", "calls", "failed", "loads", "p50", "p99", "max"
    );
    let mut all = Vec::new();
    for name in ["plain", "guarded"] {
        let mut run = Vec::new();
        for (idx, (phase, _)) in PHASES.iter().enumerate() {
            PHASE.store(idx as u64, Ordering::SeqCst);
            let seen = watch(name == "guarded").await?;
            let at = |quantile| millis(seen.micros.value_at_quantile(quantile));
            println!(
                "{name:<8} {phase:<8} {:>8} {:>8} {:>7} {:>10} {:>10} {:>10}",
                seen.micros.len(),
                seen.n_failed,
                seen.n_loads,
                at(0.5),
                at(0.99),
                millis(seen.micros.max()),
            );
            run.push(seen);
        }
        all.push((name, run));
    }
    println!("\nloads: how often the upstream was asked; failed: calls that returned an error");
    if let Some(path) = chart {
        fs::write(&path, draw(&all)?)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn millis(micros: u64) -> String {
    format!("{:.2} ms", micros as f64 / 1e3)
}

/// All clients call for the length of a phase.
async fn watch(is_guarded: bool) -> Result<Seen> {
    let n_before = N_LOADS.load(Ordering::Relaxed);
    let clients: Vec<_> = (0..N_CLIENTS).map(|idx| tokio::spawn(client(idx, is_guarded))).collect();
    let mut seen = Seen { micros: Histogram::new(3)?, n_failed: 0, n_loads: 0 };
    for client in clients {
        let (micros, n_failed) = client.await??;
        seen.micros.add(micros)?;
        seen.n_failed += n_failed;
    }
    seen.n_loads = N_LOADS.load(Ordering::Relaxed) - n_before;
    Ok(seen)
}

async fn client(idx: u32, is_guarded: bool) -> Result<(Histogram<u64>, u64)> {
    let (mut micros, mut n_failed) = (Histogram::new(3)?, 0);
    let end = Instant::now() + LENGTH;
    for n in idx.. {
        let started = Instant::now();
        if started >= end {
            break;
        }
        let article = n % N_ARTICLES;
        let result = if is_guarded { guarded(article).await } else { plain(article).await };
        micros.record(started.elapsed().as_micros() as u64)?;
        n_failed += u64::from(result.is_err());
        sleep(Duration::from_millis(2)).await;
    }
    Ok((micros, n_failed))
}

/// The waits of each phase as bars on a logarithmic scale: the median, the 99th percentile, the longest.
fn draw(all: &[(&str, Vec<Seen>)]) -> Result<String> {
    const WIDTH: usize = 720;
    const LEFT: usize = 150;
    const BAR: usize = 10;
    const GAP: usize = 14;
    let mut svg = String::new();
    let mut top = 40;
    for (phase_idx, (phase, _)) in PHASES.iter().enumerate() {
        for (name, run) in all {
            let seen = &run[phase_idx];
            let bars = [
                ("p50", seen.micros.value_at_quantile(0.5)),
                ("p99", seen.micros.value_at_quantile(0.99)),
                ("max", seen.micros.max()),
            ];
            writeln!(svg, r#"<text x="12" y="{}">{phase}, {name}</text>"#, top + 2 * BAR)?;
            for (label, micros) in bars {
                // From 1 µs to 10 s.
                let width = (micros.max(1) as f64).log10() / 7.0 * (WIDTH - LEFT - 110) as f64;
                writeln!(
                    svg,
                    r#"<rect class="{name}" x="{LEFT}" y="{top}" width="{width:.1}" height="{}"/><text class="note" x="{:.1}" y="{}">{label} {}</text>"#,
                    BAR - 2,
                    LEFT as f64 + width + 5.0,
                    top + BAR - 2,
                    millis(micros),
                )?;
                top += BAR;
            }
            top += GAP / 2;
        }
        top += GAP;
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" role=\"img\" \
         aria-label=\"How long callers wait\">\n<style>\n\
         text {{ font: 12px sans-serif; fill: #333; }} .note {{ font-size: 9px; }}\n\
         .plain {{ fill: #999; }} .guarded {{ fill: #3572b0; }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #ccc; }} .guarded {{ fill: #6ca6e0; }} }}\n\
         </style>\n<text x=\"12\" y=\"20\">How long callers wait, logarithmic: plain `ttl` in grey, \
         with `refresh_at`, `stale`, `on_err`, `soft_timeout` and `timeout` in blue</text>\n{svg}</svg>\n"
    ))
}
