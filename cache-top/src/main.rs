//! What the cache of a running program does, live in a terminal: `cache-top http://127.0.0.1:9090`.

mod program;
mod screen;
mod table;

use std::io::{IsTerminal, Write, stdout};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use lexopt::prelude::*;

use crate::program::Program;
use crate::table::{Column, Order};

const HELP: &str = "\
Shows what the cache of a running program does.

Usage: cache-top [--sort COLUMN] [--every SECONDS] [--once] URL

  URL               where the program serves its admin pages, such as http://127.0.0.1:9090
  --sort COLUMN     name, rate, hits, misses (the default), loads, evicted, entries or bytes
  --every SECONDS   how often it looks, every second by default
  --once            print one table and end, as in a pipe
  --help            print this

CACHE_ADMIN_TOKEN is sent where it is set; programs that other machines can reach want it.";

struct Args {
    url: String,
    column: Column,
    every: Duration,
    once: bool,
}

fn main() -> ExitCode {
    match args().and_then(|args| args.map_or_else(help, run)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> Result<()> {
    Ok(writeln!(stdout(), "{HELP}")?)
}

/// `None` where the user asked for help.
fn args() -> Result<Option<Args>> {
    let (mut url, mut column, mut every) = (None, Column::Misses, Duration::from_secs(1));
    let mut once = !stdout().is_terminal();
    let mut parser = lexopt::Parser::from_env();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("sort") => column = parser.value()?.parse_with(Column::from_name)?,
            Long("every") => {
                let seconds = parser.value()?.parse()?;
                every = Duration::try_from_secs_f64(seconds).context("`--every` is a time")?;
            }
            Long("once") => once = true,
            Short('h') | Long("help") => return Ok(None),
            Value(value) if url.is_none() => url = Some(value.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    let url = url.context("the URL of the program is missing; `--help` says more")?;
    Ok(Some(Args { url, column, every, once }))
}

fn run(Args { url, column, every, once }: Args) -> Result<()> {
    let program = Program::new(url, std::env::var("CACHE_ADMIN_TOKEN").ok());
    let order = Order::by(column);
    if !once {
        return screen::run(&program, order, every);
    }
    let mut lines = table::lines(&program.look()?, order, usize::MAX).join("\n");
    lines.push('\n');
    match stdout().write_all(lines.as_bytes()) {
        // Who reads has seen enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
