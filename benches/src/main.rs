//! What does one memoized call cost here, and what does it cost with other caches?
//!
//! Every number comes from a process of its own, which measures one workload of one contestant and
//! ends; `driver.rs` runs them in turns, so that noise falls on all of them alike.

mod args;
mod callgrind;
mod contestants;
mod counter;
mod curve;
mod driver;
mod inputs;
mod measure;
mod plot;
mod report;
mod results;
mod run;
mod traces;
mod work;
mod workloads;

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{
    args::Command,
    contestants::{Class, Contestant, Visitor},
    driver::Driver,
    workloads::WORKLOADS,
};

fn main() -> ExitCode {
    match args::parse().and_then(run) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Help => println!("{}", args::HELP),
        Command::List => list(),
        Command::Compare(comparison) => return driver::compare(&Driver::new()?, &comparison),
        Command::Traces(replays) => traces::compare(&Driver::new()?, &replays)?,
        Command::Curves(replays) => curve::compare(&Driver::new()?, &replays)?,
        Command::Profile { contestant, workload } => {
            callgrind::profile(&Driver::new()?.program, &contestant, &workload)?;
        }
        Command::Plot => driver::draw_latest()?,
        Command::Replay { trace, capacity, eviction } => {
            println!("{}", traces::replay(&trace, capacity, &eviction)?);
        }
        Command::ReplayCurve { trace, capacity } => {
            println!("{:?}", curve::replay(&trace, capacity)?);
        }
        Command::Measure { contestant, plan } => {
            let measurement =
                contestants::visit(&contestant, plan).context("there is no such contestant")??;
            println!("{}", serde_json::to_string(&measurement)?);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn list() {
    struct Describe;
    impl Visitor for Describe {
        type Output = (&'static str, Class);

        fn visit<C: Contestant>(&mut self) -> Self::Output {
            (C::NAME, C::CLASS)
        }
    }

    println!("contestants");
    for (name, class) in contestants::visit_all(Describe) {
        println!("  {name:<18}{}", class.label());
    }
    println!("\nworkloads");
    for workload in WORKLOADS {
        println!("  {:<18}{}", workload.name, workload.about);
    }
}
