//! What do processes leave behind that are killed while they write files?
//!
//! A process asks for pictures at random, without end: it finds some of them in a directory, and writes the others there,
//! which has room for a quarter of them. It is killed, and the next one does the same with what it has left, and so on.
//!
//! ```text
//! cargo run --release --bin killed_writers -- --kills 1000
//! ```

#![expect(clippy::disallowed_methods, reason = "processes are killed by the clock")]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cache_core::{Cache, cached};
use lexopt::prelude::*;

const N_PICTURES: u64 = 256;

/// A quarter of a megabyte that shows whether it is the right one.
#[cached(disk(compress = none), max_entries = 1)]
fn picture(n: u64) -> Vec<u64> {
    expected(n)
}

fn expected(n: u64) -> Vec<u64> {
    (0..32_768).map(|at| n * 1_000_000 + at).collect()
}

/// Asks for pictures until it is killed, and says how many were wrong, and how many came from the directory.
fn work() -> ! {
    let mut n_wrong = 0;
    loop {
        let n = fastrand::u64(..N_PICTURES);
        n_wrong += u64::from(picture(n) != expected(n));
        println!("{n_wrong} {}", Cache::global().stats().recalled);
    }
}

fn main() -> Result<()> {
    let mut n_kills = 100;
    let mut args = lexopt::Parser::from_env();
    while let Some(arg) = args.next()? {
        match arg {
            Long("kills") => n_kills = args.value()?.parse()?,
            Long("work") => work(),
            other => return Err(other.unexpected().into()),
        }
    }
    let folder = tempfile::tempdir()?;
    let (mut n_wrong, mut n_found) = (0, 0);
    for _ in 0..n_kills {
        let mut process = Command::new(std::env::current_exe()?)
            .arg("--work")
            .env("CACHE_DIR", folder.path())
            .env("CACHE_MAX_SIZE_MB", "16")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("it is piped")?).lines();
        // Some calls later, at any moment of one.
        let told = lines.by_ref().take(fastrand::usize(1..100)).last();
        let told = told.context("it has told nothing")??;
        thread::sleep(Duration::from_micros(fastrand::u64(..5_000)));
        process.kill()?;
        process.wait()?;
        let (wrong, found) = told.split_once(' ').context("it has told something else")?;
        n_wrong += wrong.parse::<u64>()?;
        n_found += found.parse::<u64>()?;
    }
    println!("{n_kills} processes killed; {n_found} pictures found, {n_wrong} of them wrong");
    ensure!(n_wrong == 0, "a picture was wrong");
    Ok(())
}
