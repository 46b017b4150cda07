//! Whether all is well, and what of it is news.
//!
//! What calls tell is judged in windows of some calls, so that a verdict is about what happens now, not about what the
//! process has done since it started.

use std::fmt;

use crate::serialize::{serialize_display, serialize_fields};
use crate::stats::{Stats, TierStats};
use crate::sync::Mutex;

/// So many calls make a window.
const WINDOW: u64 = 1_000;

/// From where on a cache is not healthy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Thresholds {
    pub(crate) min_hit_rate: f64,
    /// Of the loads, those whose results are too large.
    pub(crate) max_rejected_rate: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self { min_hit_rate: 0.1, max_rejected_rate: 0.05 }
    }
}

/// How a cache is doing, as [`Cache::health`](crate::Cache::health) tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// The verdict.
    pub status: Status,
    /// What it is due to, each in a sentence; empty where all is well.
    pub reasons: Vec<String>,
}

serialize_fields!(Health { status, reasons });

/// A verdict on a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// All is well.
    Healthy,
    /// It works, but not as it should.
    Degraded,
    /// It is switched off: every call runs its body.
    Disabled,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Disabled => "disabled",
        })
    }
}

serialize_display!(Status);

/// Watches how a cache is doing, and remembers what was told of it.
#[derive(Default)]
pub(crate) struct Monitor {
    seen: Mutex<Seen>,
    told: Mutex<Told>,
}

/// What a monitor has seen.
#[derive(Default)]
struct Seen {
    /// What the counters showed when the present window began.
    begin: Counts,
    /// What was wrong in the last window.
    reasons: Vec<String>,
}

/// What was told last. Unless something else was, all is well.
#[derive(Default)]
struct Told {
    status: Option<Status>,
    /// The tiers that do not work.
    dead: Vec<&'static str>,
}

/// Those counters that a verdict is about.
#[derive(Clone, Copy, Default)]
struct Counts {
    hits: u64,
    misses: u64,
    disabled: u64,
    loads: u64,
    rejected: u64,
    corruptions: u64,
    divergences: u64,
}

impl Counts {
    fn of(stats: &Stats) -> Self {
        let &Stats { hits, misses, loads, rejected, corruptions, divergences, .. } = stats;
        let disabled = stats.miss_reasons.disabled;
        Self { hits, misses, disabled, loads, rejected, corruptions, divergences }
    }

    fn n_calls(self) -> u64 {
        self.hits + self.misses - self.disabled
    }

    /// What has come since. A reset of the counters is a new beginning.
    fn since(self, begin: Self) -> Self {
        if self.n_calls() < begin.n_calls() {
            return self;
        }
        Self {
            hits: self.hits.saturating_sub(begin.hits),
            misses: self.misses.saturating_sub(begin.misses),
            disabled: self.disabled.saturating_sub(begin.disabled),
            loads: self.loads.saturating_sub(begin.loads),
            rejected: self.rejected.saturating_sub(begin.rejected),
            corruptions: self.corruptions.saturating_sub(begin.corruptions),
            divergences: self.divergences.saturating_sub(begin.divergences),
        }
    }

    /// What is wrong.
    fn reasons(self, thresholds: Thresholds, suspects: &[&str]) -> Vec<String> {
        let Thresholds { min_hit_rate, max_rejected_rate } = thresholds;
        let n_calls = self.n_calls();
        let share = |n: u64, all: u64| n as f64 / all.max(1) as f64;
        let percent = |share: f64| format!("{:.0} %", 100.0 * share);
        let (hit_rate, rejected) = (share(self.hits, n_calls), share(self.rejected, self.loads));
        let mut reasons = Vec::new();
        if hit_rate < min_hit_rate {
            let (found, least) = (percent(hit_rate), percent(min_hit_rate));
            reasons
                .push(format!("{found} of the last {n_calls} calls were hits, less than {least}"));
        }
        if rejected > max_rejected_rate {
            let (found, most) = (percent(rejected), percent(max_rejected_rate));
            reasons.push(format!("{found} of the last results were too large, more than {most}"));
        }
        if self.corruptions > 0 {
            reasons.push(format!("`validate` has refused {} stored values", self.corruptions));
        }
        if self.divergences > 0 {
            let (n, suspects) = (self.divergences, suspects.join("`, `"));
            reasons.push(format!("{n} stored results differed from fresh ones, of `{suspects}`"));
        }
        reasons
    }
}

impl Monitor {
    /// Judges.
    pub(crate) fn judge(
        &self,
        is_enabled: bool,
        stats: &Stats,
        tiers: &[TierStats],
        thresholds: Thresholds,
        suspects: &[&str],
    ) -> Health {
        let counts = Counts::of(stats);
        let mut seen = self.seen.lock();
        let window = counts.since(seen.begin);
        if window.n_calls() >= WINDOW {
            seen.reasons = window.reasons(thresholds, suspects);
            seen.begin = counts;
        }
        let dead = tiers.iter().filter(|tier| !tier.is_working);
        let dead = dead.map(|tier| format!("the tier `{}` does not work", tier.name));
        let mut reasons: Vec<String> = dead.chain(seen.reasons.iter().cloned()).collect();
        let status = if !is_enabled {
            reasons.insert(0, "caching is switched off".to_owned());
            Status::Disabled
        } else if reasons.is_empty() {
            Status::Healthy
        } else {
            Status::Degraded
        };
        Health { status, reasons }
    }

    /// Whether a verdict differs from the one that was told last. It counts as told from now on.
    pub(crate) fn is_news(&self, status: Status) -> bool {
        self.told.lock().status.replace(status).unwrap_or(Status::Healthy) != status
    }

    /// The tiers of which it is news whether they work. They count as told from now on.
    pub(crate) fn changed(&self, mut tiers: Vec<TierStats>) -> Vec<TierStats> {
        let dead = tiers.iter().filter(|tier| !tier.is_working).map(|tier| tier.name).collect();
        let before = std::mem::replace(&mut self.told.lock().dead, dead);
        tiers.retain(|tier| tier.is_working == before.contains(&tier.name));
        tiers
    }
}
