//! What the command line asks for.

use std::{num::NonZero, path::PathBuf, thread};

use lexopt::prelude::*;

pub(crate) const HELP: &str = "\
Replays a recorded workload through a cached function that renders product pages.

Usage: replay [TRACE.zst] [OPTIONS]

  TRACE.zst            zstd over little-endian u64 ids, one id a request
                       (default: the trace of a web shop that comes with the project)
  --max-bytes SIZE     budget of the cache, such as 64MiB (default: the cache's own)
  --threads N          threads that serve requests (default: one for each core)
  --limit N            serve only the first N requests
  --help               print this";

const DEFAULT_TRACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cache2k-web07.trace.zst");

#[derive(Debug)]
pub(crate) struct Args {
    pub(crate) trace: PathBuf,
    pub(crate) max_bytes: Option<usize>,
    pub(crate) n_threads: NonZero<usize>,
    pub(crate) limit: usize,
}

impl Args {
    /// `None` where the user asked for help.
    pub(crate) fn parse() -> Result<Option<Args>, lexopt::Error> {
        let mut trace = None;
        let mut max_bytes = None;
        let mut n_threads = None;
        let mut limit = usize::MAX;
        let mut parser = lexopt::Parser::from_env();
        while let Some(arg) = parser.next()? {
            match arg {
                Value(path) if trace.is_none() => trace = Some(PathBuf::from(path)),
                Long("max-bytes") => max_bytes = Some(parser.value()?.parse_with(size)?),
                Long("threads") => n_threads = Some(parser.value()?.parse()?),
                Long("limit") => limit = parser.value()?.parse::<NonZero<usize>>()?.get(),
                Short('h') | Long("help") => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        // A machine that does not say how many cores it has still has one.
        let n_threads = n_threads
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZero::<usize>::MIN);
        Ok(Some(Args {
            trace: trace.unwrap_or_else(|| DEFAULT_TRACE.into()),
            max_bytes,
            n_threads,
            limit,
        }))
    }
}

/// Bytes from `512KiB`, `64MiB`, `2GB` or a plain number.
fn size(text: &str) -> Result<usize, &'static str> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "" | "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return Err("expected a size such as `64MiB`"),
    };
    let number: usize = number.parse().map_err(|_| "expected a size such as `64MiB`")?;
    number.checked_mul(unit).ok_or("that is more than a machine can address")
}
