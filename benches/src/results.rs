//! What a comparison found, as it is written to disk and read by the report and the plots.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::{
    measure::Measurement,
    workloads::{Figure, Workload},
};

/// A whole comparison.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Results {
    pub(crate) machine: String,
    pub(crate) commit: String,
    pub(crate) n_rounds: usize,
    pub(crate) millis: u64,
    pub(crate) cells: Vec<Cell>,
}

/// One contestant in one workload.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Cell {
    pub(crate) workload: String,
    pub(crate) contestant: String,
    /// One for each round; none where the contestant has no part in the workload.
    pub(crate) rounds: Vec<Measurement>,
    /// Instructions a call.
    pub(crate) instructions: Option<f64>,
    /// Why there are no rounds.
    pub(crate) left_out: Option<String>,
}

impl Results {
    pub(crate) fn read(path: &Path) -> Result<Results> {
        let json = fs::read_to_string(path)
            .with_context(|| format!("cannot read `{}`", path.display()))?;
        Ok(serde_json::from_str(&json)?)
    }

    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let json = serde_json::to_string_pretty(self)?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, json + "\n").with_context(|| format!("cannot write `{}`", path.display()))
    }

    pub(crate) fn cell(&self, workload: &str, contestant: &str) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.workload == workload && cell.contestant == contestant)
    }

    /// The contestant of `candidates` that came to the least in a workload.
    pub(crate) fn best<'a>(&self, workload: &Workload, candidates: &[&'a str]) -> Option<&'a str> {
        candidates
            .iter()
            .filter_map(|name| Some((self.cell(workload.name, name)?.figure(Figure::Main)?, *name)))
            .min_by(|one, other| one.0.total_cmp(&other.0))
            .map(|(_, name)| name)
    }

    /// How many times the one contestant is what the other is: the median of the rounds' ratios.
    pub(crate) fn ratio(&self, workload: &str, one: &str, other: &str) -> Option<f64> {
        let (one, other) = (self.cell(workload, one)?, self.cell(workload, other)?);
        let rounds = one.rounds.iter().zip(&other.rounds);
        median(rounds.map(|(one, other)| one.median / other.median))
    }
}

impl Cell {
    pub(crate) fn figure(&self, figure: Figure) -> Option<f64> {
        match figure {
            Figure::Main => median(self.rounds.iter().map(|round| round.median)),
            Figure::Instructions => self.instructions,
            Figure::Allocations => median(self.rounds.iter().filter_map(|round| round.allocations)),
            Figure::Bodies => median(self.rounds.iter().filter_map(|round| round.bodies)),
        }
    }

    pub(crate) fn hit_rate(&self) -> Option<f64> {
        median(self.rounds.iter().filter_map(|round| round.hit_rate))
    }
}

fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::{Cell, Results};
    use crate::measure::Measurement;

    #[test]
    fn a_ratio_is_the_median_of_the_ratios_within_a_round() {
        let cell = |contestant: &str, medians: [f64; 3]| Cell {
            workload: "u64-1k".to_owned(),
            contestant: contestant.to_owned(),
            rounds: medians.map(|median| Measurement { median, ..Measurement::default() }).into(),
            instructions: None,
            left_out: None,
        };
        // The second round ran on a slow machine, for both.
        let cells = vec![cell("one", [10.0, 40.0, 11.0]), cell("other", [20.0, 80.0, 21.0])];
        let results = Results { cells, ..Results::default() };
        assert_eq!(results.ratio("u64-1k", "one", "other"), Some(0.5));
        assert_eq!(results.ratio("u64-1k", "one", "nobody"), None);
    }
}
