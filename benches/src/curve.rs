//! How far from the truth is what a cache says of other sizes?

use std::{collections::HashMap, path::Path};

use anyhow::{Context, Result, ensure};
use cache_core::Cache;

use crate::{
    driver::Driver,
    traces::{Replays, jobs, path, percent, read, run, serve},
};

/// The sizes that a curve tells of, as shares of the present one.
const FACTORS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];

/// Replays one trace in this process and returns the hit rates that the curve tells, in percent.
pub(crate) fn replay(trace: &Path, capacity: usize) -> Result<[f64; 4]> {
    serve(&read(trace)?, capacity, "lru")?;
    Ok(Cache::global().curve().points.map(|point| 100.0 * point.hit_rate))
}

/// Replays traces, each capacity in a process of its own, and prints the hit rates of exact LRUs with the errors of the
/// curves.
pub(crate) fn compare(driver: &Driver, replays: &Replays) -> Result<()> {
    ensure!(replays.eviction == "lru", "the curve is that of an LRU");
    let jobs = jobs(replays)?;
    let told = run(driver, replays, &jobs, &["--curve"])?;

    print!("{:<24}{:>5}{:>10}", "trace", "%", "capacity");
    FACTORS.iter().for_each(|factor| print!("{:>8} x{:>8}", factor, "error"));
    println!();
    let mut errors = Vec::new();
    let mut distances = (String::new(), Vec::new());
    for (job, told) in jobs.iter().zip(&told) {
        if distances.0 != job.trace {
            let requests = read(&path(&replays.folder, &job.trace))?;
            distances = (job.trace.clone(), stack_distances(&requests));
        }
        print!("{:<24}{:>5}{:>10}", job.trace, job.pct, job.capacity);
        let told: Vec<f64> = serde_json::from_str(told).context("a replay tells four rates")?;
        for (factor, told) in FACTORS.iter().zip(told) {
            let size = (job.capacity as f64 * factor) as usize;
            let n_hits = distances.1.partition_point(|distance| *distance <= size);
            let exact = percent(n_hits as u64, job.requests);
            print!("{exact:>10.2}{:>+8.2}", told - exact);
            errors.push((told - exact).abs());
        }
        println!();
    }
    let (sum, most) = (errors.iter().sum::<f64>(), errors.iter().fold(0.0, |a, b| b.max(a)));
    println!(
        "errors in points: {:.2} in the mean, {most:.2} at the most",
        sum / errors.len() as f64
    );
    Ok(())
}

/// How many different keys were asked for since each request's key was asked for before, in ascending order: an LRU has
/// those hits whose distance is no larger than it is (Mattson and others, 1970).
fn stack_distances(requests: &[u64]) -> Vec<usize> {
    // A Fenwick tree of the requests that are the last ones of their keys.
    let mut tree = vec![0_usize; requests.len() + 1];
    let add = |tree: &mut Vec<usize>, time: usize, by: usize| {
        let mut node = time + 1;
        while node < tree.len() {
            tree[node] = tree[node].wrapping_add(by);
            node += node & node.wrapping_neg();
        }
    };
    let mut last = HashMap::new();
    let mut distances = Vec::new();
    for (time, id) in requests.iter().enumerate() {
        if let Some(before) = last.insert(*id, time) {
            let (mut node, mut n_before) = (before, 0_usize);
            while node > 0 {
                n_before = n_before.wrapping_add(tree[node]);
                node &= node - 1;
            }
            distances.push(last.len() - n_before);
            add(&mut tree, before, usize::MAX);
        }
        add(&mut tree, time, 1);
    }
    distances.sort_unstable();
    distances
}
