//! The table of a comparison.

use crate::{
    contestants::{self, Class, Contestant, Visitor},
    results::Results,
    workloads::{BARS, Bar, Figure, Limit, Unit, WORKLOADS, Workload},
};

/// The contestant that the bars are for.
pub(crate) const OURS: &str = "cache-core";

/// How many contestants stand side by side.
const N_COLUMNS: usize = 7;

/// Prints everything that was found.
pub(crate) fn print(results: &Results) {
    println!("{}", results.machine);
    println!("commit {}, {} rounds of {} ms", results.commit, results.n_rounds, results.millis);
    bars(results);
    let names = names(results, |_| true);
    for names in names.chunks(N_COLUMNS) {
        let title = "median of a call, and times the best bounded peer";
        matrix(title, names, |workload, name| main_cell(results, workload, name));
    }
    let figure = |figure, digits: usize| {
        move |workload: &Workload, name: &str| {
            let value = results.cell(workload.name, name)?.figure(figure)?;
            Some(format!("{value:.digits$}"))
        }
    };
    for names in names.chunks(N_COLUMNS) {
        matrix("hit rate", names, |workload, name| {
            let hit_rate = results.cell(workload.name, name)?.hit_rate()?;
            Some(format!("{:.1} %", 100.0 * hit_rate))
        });
    }
    for names in names.chunks(N_COLUMNS) {
        matrix("instructions a call", names, figure(Figure::Instructions, 0));
    }
    for names in names.chunks(N_COLUMNS) {
        matrix("heap allocations a call", names, figure(Figure::Allocations, 2));
    }
    for names in names.chunks(N_COLUMNS) {
        matrix("bodies run for one cold key", names, figure(Figure::Bodies, 0));
    }
    failures(results);
}

/// The contestants of a class, in the order of the report.
pub(crate) fn names(results: &Results, of: impl Fn(Class) -> bool) -> Vec<&'static str> {
    struct Describe;
    impl Visitor for Describe {
        type Output = (&'static str, Class);

        fn visit<C: Contestant>(&mut self) -> Self::Output {
            (C::NAME, C::CLASS)
        }
    }
    contestants::visit_all(Describe)
        .into_iter()
        .filter(|(name, class)| {
            of(*class) && results.cells.iter().any(|cell| cell.contestant == *name)
        })
        .map(|(name, _)| name)
        .collect()
}

/// What this project comes to, against the best bounded peer and against its bars.
fn bars(results: &Results) {
    let peers = names(results, |class| class == Class::Bounded);
    println!("\n{:<12} {:>14}   {:<28}  bar", "", OURS, "best bounded peer");
    for workload in WORKLOADS {
        let Some(ours) = results.cell(workload.name, OURS).and_then(|c| c.figure(Figure::Main))
        else {
            continue;
        };
        let peer = results.best(workload, &peers).map_or(String::new(), |peer| {
            let ratio = results.ratio(workload.name, OURS, peer).unwrap_or(f64::NAN);
            format!("{ratio:>6.2} x {peer}")
        });
        let mut verdicts = BARS
            .iter()
            .filter(|bar| bar.workload == workload.name)
            .map(|bar| verdict(results, bar))
            .collect::<Vec<_>>()
            .into_iter();
        let first = verdicts.next().unwrap_or_default();
        let ours = quantity(ours, workload.unit());
        println!("{:<12} {ours:>14}   {peer:<28}  {first}", workload.name);
        for other in verdicts {
            println!("{:<12} {:>14}   {:<28}  {other}", "", "", "");
        }
    }
}

fn verdict(results: &Results, bar: &Bar) -> String {
    let cell = results.cell(bar.workload, OURS);
    let (value, limit, what) = match bar.limit {
        Limit::Times(limit, peer) => {
            (results.ratio(bar.workload, OURS, peer), limit, format!("x {peer}"))
        }
        Limit::Absolute(limit) => {
            (cell.and_then(|cell| cell.figure(bar.figure)), limit, bar.figure.unit().to_owned())
        }
    };
    match value {
        Some(value) => {
            // As printed: 0.7504 is 0.75.
            let passes = value <= limit + 0.005;
            let verdict = if passes { "pass" } else { "FAIL" };
            format!("{verdict}  {value:>7.2} of at most {limit} {what}")
        }
        None => format!("-             of at most {limit} {what}"),
    }
}

fn main_cell(results: &Results, workload: &Workload, name: &str) -> Option<String> {
    let value = results.cell(workload.name, name)?.figure(Figure::Main)?;
    let peers = names(results, |class| class == Class::Bounded);
    let ratio = results
        .best(workload, &peers)
        .and_then(|peer| results.ratio(workload.name, name, peer))
        .map_or(String::new(), |ratio| format!("{ratio:.2}"));
    Some(format!("{} {ratio:>6}", quantity(value, workload.unit())))
}

/// A table with a line for each workload that has anything to say.
fn matrix(title: &str, names: &[&str], cell: impl Fn(&Workload, &str) -> Option<String>) {
    let rows: Vec<(&Workload, Vec<Option<String>>)> = WORKLOADS
        .iter()
        .map(|workload| (workload, names.iter().map(|name| cell(workload, name)).collect()))
        .filter(|(_, cells): &(_, Vec<Option<String>>)| cells.iter().any(Option::is_some))
        .collect();
    if rows.is_empty() {
        return;
    }
    println!("\n{title}");
    print!("{:<15}", "");
    names.iter().for_each(|name| print!("{name:>20}"));
    println!();
    for (workload, cells) in rows {
        print!("{:<15}", workload.name);
        for cell in cells {
            print!("{:>20}", cell.as_deref().unwrap_or("-"));
        }
        println!();
    }
}

fn failures(results: &Results) {
    for cell in &results.cells {
        if let Some(reason) = cell.left_out.as_deref().filter(|reason| reason.starts_with("failed"))
        {
            println!("\n{} {}: {reason}", cell.workload, cell.contestant);
        }
    }
}

/// A value with as many digits as it deserves.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        large if large >= 100.0 => format!("{value:.0}"),
        middle if middle >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A value with its unit.
pub(crate) fn quantity(value: f64, unit: Unit) -> String {
    format!("{} {}", digits(value), unit.sign())
}
