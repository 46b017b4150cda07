//! Runs the processes that measure, in turns.

use std::{
    env, fs,
    io::{IsTerminal, Write},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Duration,
};

use anyhow::{Context, Result, ensure};

use crate::{
    args::Comparison,
    callgrind,
    contestants::{self, Contestant, Visitor},
    measure::Measurement,
    plot, report,
    results::{Cell, Results},
    run::output,
    workloads::{Figure, Shape, WORKLOADS, Workload},
};

/// The contestants that bars are set against, and this project.
const QUICK: [&str; 5] = ["cache-core", "quick_cache", "mutex-lru", "cached", "concurrent"];

/// Starts this program again.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) program: PathBuf,
}

impl Driver {
    pub(crate) fn new() -> Result<Driver> {
        Ok(Driver { program: env::current_exe().context("cannot find this program")? })
    }

    fn measure(&self, cell: &Cell, time: Duration) -> Result<Measurement> {
        let mut command = Command::new(&self.program);
        command.args(["run", &cell.contestant, &cell.workload]);
        let output = output(command.arg("--millis").arg(time.as_millis().to_string()))?;
        serde_json::from_slice(&output.stdout).context("the measurement cannot be read")
    }
}

/// Compares, prints what it found, and says whether every bar was met.
pub(crate) fn compare(driver: &Driver, comparison: &Comparison) -> Result<ExitCode> {
    let n_rounds = comparison.n_rounds.unwrap_or(if comparison.is_quick { 3 } else { 5 });
    let millis = if comparison.is_quick { 60 } else { 100 };
    let time = comparison.time.unwrap_or(Duration::from_millis(millis));
    let mut results = Results {
        machine: machine(),
        commit: commit(),
        n_rounds,
        millis: time.as_millis() as u64,
        cells: cells(comparison)?,
    };
    let mut n_failures = 0;
    let mut progress = Progress { n_done: 0, n_all: results.cells.len() * n_rounds };
    for round_idx in 0..n_rounds {
        for cell in in_turn(&mut results.cells, round_idx) {
            progress.step(cell);
            if cell.left_out.is_some() || (measures_once(cell) && round_idx > 0) {
                continue;
            }
            match driver.measure(cell, time) {
                Ok(measurement) => cell.rounds.push(measurement),
                Err(error) => {
                    progress.say(&format!("{} {}: {error:#}", cell.contestant, cell.workload));
                    cell.rounds.clear();
                    cell.left_out = Some(format!("failed: {error:#}"));
                    n_failures += 1;
                }
            }
        }
    }
    if !comparison.skips_instructions && callgrind::is_available() {
        count_instructions(driver, &mut results, &mut progress);
    }
    progress.clear();
    report::print(&results);
    if let Some(path) = &comparison.json {
        results.write(path)?;
    }
    if comparison.is_full() {
        results.write(&latest())?;
        plot::draw(&results, &folder().join("plots"))?;
    }
    ensure!(n_failures == 0, "{n_failures} measurements failed");
    Ok(ExitCode::SUCCESS)
}

/// Draws the plots of the last full comparison again.
pub(crate) fn draw_latest() -> Result<()> {
    plot::draw(&Results::read(&latest())?, &folder().join("plots"))
}

fn latest() -> PathBuf {
    folder().join("results/latest.json")
}

/// Where this package is.
fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One cell for each workload and contestant that is wanted.
fn cells(comparison: &Comparison) -> Result<Vec<Cell>> {
    for name in &comparison.workloads {
        ensure!(Workload::named(name).is_some(), "there is no workload `{name}`");
    }
    let contestants: Vec<&str> = if !comparison.contestants.is_empty() {
        comparison.contestants.iter().map(String::as_str).collect()
    } else if comparison.is_quick {
        QUICK.to_vec()
    } else {
        contestants::visit_all(Name)
    };
    let is_wanted = |workload: &&Workload| {
        comparison.workloads.is_empty()
            || comparison.workloads.iter().any(|name| name == workload.name)
    };
    let mut cells = Vec::new();
    for workload in WORKLOADS.iter().filter(is_wanted) {
        for contestant in &contestants {
            let left_out = contestants::visit(contestant, LeavesOut(workload))
                .with_context(|| format!("there is no contestant `{contestant}`"))?;
            cells.push(Cell {
                workload: workload.name.to_owned(),
                contestant: (*contestant).to_owned(),
                rounds: Vec::new(),
                instructions: None,
                left_out: left_out.map(str::to_owned),
            });
        }
    }
    Ok(cells)
}

struct Name;

impl Visitor for Name {
    type Output = &'static str;

    fn visit<C: Contestant>(&mut self) -> &'static str {
        C::NAME
    }
}

struct LeavesOut(&'static Workload);

impl Visitor for LeavesOut {
    type Output = Option<&'static str>;

    fn visit<C: Contestant>(&mut self) -> Option<&'static str> {
        self.0.leaves_out::<C>()
    }
}

/// All cells, workload by workload, with another contestant first in each round.
fn in_turn(cells: &mut [Cell], round_idx: usize) -> impl Iterator<Item = &mut Cell> {
    cells.chunk_by_mut(|one, other| one.workload == other.workload).flat_map(move |row| {
        let middle = round_idx % row.len();
        let (first, second) = row.split_at_mut(middle);
        second.iter_mut().chain(first)
    })
}

/// Bytes are the same in every round.
fn measures_once(cell: &Cell) -> bool {
    Workload::named(&cell.workload).is_some_and(|workload| workload.shape == Shape::Memory)
}

/// A slower call than this is told apart well enough by its time, and would keep callgrind for minutes.
const COUNTED_BELOW_NS: f64 = 10_000.0;

fn count_instructions(driver: &Driver, results: &mut Results, progress: &mut Progress) {
    for cell in &mut results.cells {
        let counts = Workload::named(&cell.workload).is_some_and(Workload::counts_instructions);
        let is_quick = cell.figure(Figure::Main).is_some_and(|ns| ns < COUNTED_BELOW_NS);
        if counts && is_quick {
            progress.say_where("callgrind", cell);
            match callgrind::instructions(&driver.program, &cell.contestant, &cell.workload) {
                Ok(instructions) => cell.instructions = Some(instructions),
                Err(error) => {
                    progress.say(&format!("{} {}: {error:#}", cell.contestant, cell.workload));
                }
            }
        }
    }
}

fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{model}, {n_cores} cores")
}

fn commit() -> String {
    let mut command = Command::new("git");
    output(command.args(["describe", "--always", "--dirty"]).current_dir(folder())).map_or_else(
        |_| "unknown".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

/// One line on the terminal that is written over and over.
#[derive(Debug)]
struct Progress {
    n_done: usize,
    n_all: usize,
}

impl Progress {
    fn step(&mut self, cell: &Cell) {
        self.n_done += 1;
        self.say_where(&format!("{} of {}", self.n_done, self.n_all), cell);
    }

    fn say_where(&self, what: &str, cell: &Cell) {
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K{what}: {} {}", cell.workload, cell.contestant);
            _ = std::io::stderr().flush();
        }
    }

    fn say(&self, what: &str) {
        self.clear();
        eprintln!("{what}");
    }

    fn clear(&self) {
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K");
        }
    }
}
