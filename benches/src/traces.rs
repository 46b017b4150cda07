//! How often does the cache have what a recorded workload asks for?
//!
//! A trace is zstd over little-endian `u64` keys, one for each request. `reference.csv` beside the
//! traces says how many of them other policies and other caches have at the same capacity.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
    thread,
};

use anyhow::{Context, Result, bail, ensure};
use cache_core::{Builder, Cache, Eviction, cached};
use ruzstd::decoding::StreamingDecoder;
use serde::Deserialize;

use crate::{driver::Driver, run::output, work};

/// What to replay, and what to compare it with.
#[derive(Debug)]
pub(crate) struct Replays {
    /// Where the traces are.
    pub(crate) folder: PathBuf,
    /// All where none is named.
    pub(crate) traces: Vec<String>,
    /// The policies of the reference to show.
    pub(crate) against: Vec<String>,
    pub(crate) eviction: String,
}

/// A row of the reference.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reference {
    pub(crate) trace: String,
    pub(crate) requests: u64,
    pub(crate) pct: u32,
    pub(crate) capacity: usize,
    policy: String,
    hits: u64,
}

#[cached]
fn page(id: u64) -> u64 {
    work::number(id)
}

/// The settings behind a word of `--eviction`.
fn settings(eviction: &str) -> Result<Builder> {
    match eviction {
        "lru" => Ok(Cache::builder()),
        "exact-lru" => Ok(Cache::builder().exact_order(true)),
        "scan-resistant" => Ok(Cache::builder().eviction(Eviction::ScanResistant)),
        _ => bail!("there is no eviction `{eviction}`, but lru, exact-lru and scan-resistant"),
    }
}

/// Replays one trace in this process and returns the number of hits.
pub(crate) fn replay(trace: &Path, capacity: usize, eviction: &str) -> Result<u64> {
    serve(&read(trace)?, capacity, eviction)
}

/// Makes requests of the cache of this process and returns the number of hits.
pub(crate) fn serve(requests: &[u64], capacity: usize, eviction: &str) -> Result<u64> {
    let settings = settings(eviction)?.max_bytes(None).max_entries(capacity);
    settings.install().context("nothing has used the cache")?;
    for id in requests {
        ensure!(page(*id) == work::answer(*id), "wrong answer for {id}");
    }
    let n_hits = page::stats().hits;
    let n_bodies = work::bodies();
    ensure!(n_hits + n_bodies == requests.len() as u64, "the statistics are not what happened");
    Ok(n_hits)
}

/// Replays traces, each capacity in a process of its own, and prints hit rates beside the reference.
pub(crate) fn compare(driver: &Driver, replays: &Replays) -> Result<()> {
    // A wrong word is better refused here than by each process.
    _ = settings(&replays.eviction)?;
    let references = references(&replays.folder)?;
    for policy in &replays.against {
        let is_known = references.iter().any(|reference| reference.policy == *policy);
        ensure!(is_known, "the reference has no policy `{policy}`");
    }
    let jobs = jobs(replays)?;
    let hits = run(driver, replays, &jobs, &["--eviction", &replays.eviction])?;
    let rate = |(hits, job): (&String, &Reference)| Ok(percent(hits.parse()?, job.requests));
    let rates = hits.iter().zip(&jobs).map(rate).collect::<Result<Vec<f64>>>()?;

    print!("{:<24}{:>5}{:>10}{:>12}", "trace", "%", "capacity", replays.eviction);
    replays.against.iter().for_each(|policy| print!("{policy:>14}{:>8}", ""));
    println!();
    let mut sums = vec![0.0; replays.against.len() + 1];
    for (job, rate) in jobs.iter().zip(&rates) {
        print!("{:<24}{:>5}{:>10}{rate:>12.2}", job.trace, job.pct, job.capacity);
        sums[0] += rate;
        for (policy, sum) in replays.against.iter().zip(&mut sums[1..]) {
            let reference = references
                .iter()
                .find(|row| (&row.trace, row.pct, &row.policy) == (&job.trace, job.pct, policy))
                .with_context(|| format!("the reference lacks {policy} for {}", job.trace))?;
            let other = percent(reference.hits, reference.requests);
            *sum += other;
            print!("{other:>14.2} {:>+7.2}", rate - other);
        }
        println!();
    }
    let mean = |sum: f64| sum / jobs.len() as f64;
    print!("{:<39}{:>12.2}", "mean", mean(sums[0]));
    sums[1..].iter().for_each(|sum| print!("{:>14.2} {:>+7.2}", mean(*sum), mean(sums[0] - sum)));
    println!();
    Ok(())
}

/// The traces and capacities that are to be replayed.
pub(crate) fn jobs(replays: &Replays) -> Result<Vec<Reference>> {
    let mut jobs = references(&replays.folder)?;
    jobs.retain(|reference| {
        reference.policy == "lru"
            && (replays.traces.is_empty() || replays.traces.contains(&reference.trace))
    });
    ensure!(!jobs.is_empty(), "the reference has none of these traces");
    Ok(jobs)
}

/// What the replay of each job prints.
pub(crate) fn run(
    driver: &Driver,
    replays: &Replays,
    jobs: &[Reference],
    options: &[&str],
) -> Result<Vec<String>> {
    let queue = Mutex::new(jobs.iter().enumerate());
    let printed = Mutex::new(vec![String::new(); jobs.len()]);
    let n_workers = thread::available_parallelism().map_or(1, usize::from);
    let work = || -> Result<()> {
        loop {
            let Some((idx, job)) = queue.lock().expect("no worker panics").next() else {
                return Ok(());
            };
            let mut command = Command::new(&driver.program);
            command.arg("replay").arg(path(&replays.folder, &job.trace));
            command.arg(job.capacity.to_string()).args(options);
            let output = output(&mut command).with_context(|| job.trace.clone())?;
            let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            printed.lock().expect("no worker panics")[idx] = text;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..n_workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().expect("no worker panics"))
    })?;
    Ok(printed.into_inner().expect("no worker panics"))
}

fn references(folder: &Path) -> Result<Vec<Reference>> {
    let path = folder.join("reference.csv");
    let mut reader = csv::Reader::from_path(&path)
        .with_context(|| format!("cannot read `{}`", path.display()))?;
    reader.deserialize().map(|row| Ok(row?)).collect()
}

pub(crate) fn path(folder: &Path, trace: &str) -> PathBuf {
    folder.join(format!("{trace}.trace.zst"))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u64>> {
    let file = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let mut bytes = Vec::new();
    StreamingDecoder::new(&*file)?.read_to_end(&mut bytes)?;
    let (ids, rest) = bytes.as_chunks::<8>();
    ensure!(rest.is_empty(), "`{}` is cut short", path.display());
    Ok(ids.iter().map(|id| u64::from_le_bytes(*id)).collect())
}

pub(crate) fn percent(part: u64, whole: u64) -> f64 {
    100.0 * part as f64 / whole as f64
}
