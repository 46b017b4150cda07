//! The command line.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use lexopt::prelude::*;

use crate::{measure::Plan, report, traces::Replays, workloads::Workload};

pub(crate) const HELP: &str = "\
Measures one memoized call, side by side with other caches.

Usage: bench [options]             compare, and print a table

  --quick                 the contestants that bars are set against, fewer rounds
  --only A,B              these workloads
  --contestants A,B       these contestants
  --rounds N              how often every contestant gets its turn
  --millis N              how long each turn measures
  --no-instructions       leave callgrind out
  --json FILE             write the results there

A run of everything also writes results/latest.json and draws the plots.

       bench list                  what there is to measure
       bench profile [CONTESTANT [WORKLOAD]]
                                   where the instructions of a call are spent
       bench traces FOLDER         hit rates on recorded workloads

  --only A,B              these traces
  --against A,B           these policies of the reference, instead of lru
  --eviction NAME         lru, exact-lru or scan-resistant
  --curve                 what exact LRUs of half to four times the size have,
                          and how far from that the curve of the cache is

       bench plot                  draws the plots of results/latest.json again
       bench run CONTESTANT WORKLOAD [--millis N | --calls N]
                                   one turn, in this process, as JSON
       bench replay TRACE CAPACITY [--eviction NAME | --curve]
                                   one trace, in this process, as a number of hits";

/// What the user wants.
#[derive(Debug)]
pub(crate) enum Command {
    Help,
    List,
    Compare(Comparison),
    Traces(Replays),
    Curves(Replays),
    Profile { contestant: String, workload: String },
    Plot,
    Measure { contestant: String, plan: Plan },
    Replay { trace: PathBuf, capacity: usize, eviction: String },
    ReplayCurve { trace: PathBuf, capacity: usize },
}

/// What to compare, and how thoroughly.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) is_quick: bool,
    /// All where none is named.
    pub(crate) workloads: Vec<String>,
    /// All where none is named, or few where it shall be quick.
    pub(crate) contestants: Vec<String>,
    pub(crate) n_rounds: Option<usize>,
    pub(crate) time: Option<Duration>,
    pub(crate) skips_instructions: bool,
    pub(crate) json: Option<PathBuf>,
}

impl Comparison {
    /// Whether all of it was asked for, so that the results are worth keeping.
    pub(crate) fn is_full(&self) -> bool {
        !self.is_quick && self.workloads.is_empty() && self.contestants.is_empty()
    }
}

pub(crate) fn parse() -> Result<Command> {
    let mut parser = lexopt::Parser::from_env();
    let mut words = Vec::new();
    let mut comparison = Comparison::default();
    let mut n_calls = None;
    let mut against = vec!["lru".to_owned()];
    let mut eviction = "lru".to_owned();
    let mut has_curve = false;
    while let Some(arg) = parser.next()? {
        match arg {
            Short('h') | Long("help") => return Ok(Command::Help),
            Long("quick") => comparison.is_quick = true,
            Long("only") => comparison.workloads = list(parser.value()?.string()?),
            Long("contestants") => comparison.contestants = list(parser.value()?.string()?),
            Long("rounds") => comparison.n_rounds = Some(parser.value()?.parse()?),
            Long("millis") => {
                comparison.time = Some(Duration::from_millis(parser.value()?.parse()?));
            }
            Long("no-instructions") => comparison.skips_instructions = true,
            Long("json") => comparison.json = Some(parser.value()?.into()),
            Long("calls") => n_calls = Some(parser.value()?.parse()?),
            Long("against") => against = list(parser.value()?.string()?),
            Long("curve") => has_curve = true,
            Long("eviction") => eviction = parser.value()?.string()?,
            Value(word) => words.push(word.string()?),
            other => return Err(anyhow!("{}", other.unexpected())),
        }
    }
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Command::Compare(comparison)),
        ["list"] => Ok(Command::List),
        ["plot"] => Ok(Command::Plot),
        ["profile"] => Ok(profile(report::OURS, "u64-1k")),
        ["profile", contestant] => Ok(profile(contestant, "u64-1k")),
        ["profile", contestant, workload] => Ok(profile(contestant, workload)),
        ["traces", folder] => {
            let (folder, traces) = (folder.into(), comparison.workloads);
            let command = if has_curve { Command::Curves } else { Command::Traces };
            Ok(command(Replays { folder, traces, against, eviction }))
        }
        ["replay", trace, capacity] => {
            let capacity = capacity.parse().context("a capacity is a number of entries")?;
            let trace = trace.into();
            Ok(match has_curve {
                true => Command::ReplayCurve { trace, capacity },
                false => Command::Replay { trace, capacity, eviction },
            })
        }
        ["run", contestant, workload] => {
            let workload = Workload::named(workload).context("there is no such workload")?;
            let time = comparison.time.unwrap_or(Duration::from_millis(100));
            let plan = Plan { workload, time, n_counted: n_calls };
            Ok(Command::Measure { contestant: contestant.to_owned(), plan })
        }
        _ => bail!("`{}` is no command; `bench --help` lists them", words.join(" ")),
    }
}

fn profile(contestant: &str, workload: &str) -> Command {
    Command::Profile { contestant: contestant.to_owned(), workload: workload.to_owned() }
}

fn list(names: String) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}
