//! What more or less memory would do.
//!
//! More: the misses of what was evicted say by how much they were too late, see [`shadow`](crate::shadow).
//! Less: the entries that were used last, as many as half the limit holds, are those that were used since some tick. A hit
//! of another one would have been a miss. Such hits note when their entry is used, so that no other pays for it.

use std::fmt;

use crate::budget::{Budget, WHOLE};
use crate::serialize::serialize_fields;
use crate::stats::Stats;
use crate::sync::{AtomicU64, AtomicUsize, Mutex, Ordering};

/// How many calls would be hits with other limits.
///
/// It is about the limits of a function, if that has some of its own, else about those of the cache, on bytes and on
/// entries together. What is expired or invalidated would be so in a larger cache as well. With LRU it lies within some
/// hundredths of what would be, with another eviction policy it is an estimate.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Curve {
    /// With half the limits, the present ones, twice and four times as much.
    pub points: [CurvePoint; 4],
}

serialize_fields!(Curve { points });

impl fmt::Display for Curve {
    /// In one line: `0.5x 61.2%   1x 71.0%   2x 80.4%   4x 84.1%`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |it: CurvePoint| format!("{}x {:.1}%", it.factor, 100.0 * it.hit_rate);
        f.write_str(&self.points.map(text).join("   "))
    }
}

/// How many calls would be hits with some limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct CurvePoint {
    /// How many times the present limits.
    pub factor: f64,
    /// The limit on bytes, if there is one.
    pub max_bytes: Option<usize>,
    /// The limit on entries, if there is one.
    pub max_entries: Option<usize>,
    /// The share of calls that would be hits, from 0.0 to 1.0.
    pub hit_rate: f64,
}

serialize_fields!(CurvePoint { factor, max_bytes, max_entries, hit_rate });

/// The limits of a curve, in parts of the present one.
const FACTORS: [f64; 4] = [0.5, 1.0, 2.0, 4.0];

/// By how much of the limits half of them may be missed.
const SLACK: u64 = WHOLE / 128;

/// Of the calls of a function, or of all, those that would have ended otherwise with another limit.
#[derive(Default)]
pub(crate) struct Reuse {
    /// Hits that would have been misses with half the limit.
    lost: AtomicU64,
    /// Misses of keys that are not held: all of them,
    misses: AtomicU64,
    /// as many as those stand for whose keys are remembered,
    estimated: AtomicU64,
    /// and which of these would have been hits with twice and with four times as much.
    gained: [AtomicU64; 2],
    /// The hits and misses before the limit was the present one.
    before: Mutex<(u64, u64)>,
    /// What was used since this tick fits into half the limits,
    tick: AtomicU64,
    /// and takes about that share of them.
    used: AtomicU64,
    /// What is remembered of evicted entries takes so many bytes,
    bytes: AtomicUsize,
    /// and which of the held ones fit into half the limits takes so many.
    half_bytes: AtomicUsize,
}

impl Reuse {
    /// Counts a hit that would have been a miss with half the limit.
    pub(crate) fn lose(&self) {
        self.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a miss, under the lock of the memory. If its key is one of those that are remembered: for how many of them it
    /// stands, and with how much room beside what is held it would have been a hit, in parts of the limits.
    pub(crate) fn miss(&self, remembered: Option<(u64, Option<u64>)>, held: u64) {
        add(&self.misses, 1);
        let Some((n_keys, room)) = remembered else { return };
        add(&self.estimated, n_keys);
        for (gained, factor) in self.gained.iter().zip([2, 4]) {
            if room.is_some_and(|room| held + room <= factor * WHOLE) {
                add(gained, n_keys);
            }
        }
    }

    /// Whether what was used last at that tick has no place in half the limit.
    pub(crate) fn is_beyond_half(&self, tick: u64) -> bool {
        tick < self.tick.load(Ordering::Relaxed)
    }

    /// Notes that something is used that was not among what was used last; true if that is too much by now.
    pub(crate) fn note_use(&self, share: u64) -> bool {
        self.used.fetch_add(share, Ordering::Relaxed) + share > WHOLE / 2 + SLACK
    }

    /// Notes that something goes.
    pub(crate) fn note_end(&self, tick: u64, share: impl FnOnce() -> u64) {
        if !self.is_beyond_half(tick) {
            let used = self.used.load(Ordering::Relaxed);
            self.used.store(used.saturating_sub(share()), Ordering::Relaxed);
        }
    }

    /// Whether that is more than half the limits hold, with as much less as it may be more until somebody looks.
    pub(crate) fn is_much(used: u64) -> bool {
        used > WHOLE / 2 - SLACK
    }

    /// Since which tick that was used which fits into half the limits, and what it takes of them.
    pub(crate) fn recent(&self) -> (u64, u64) {
        (self.tick.load(Ordering::Relaxed), self.used.load(Ordering::Relaxed))
    }

    pub(crate) fn set_recent(&self, since: u64, used: u64) {
        self.tick.store(since, Ordering::Relaxed);
        self.used.store(used, Ordering::Relaxed);
    }

    /// Notes what is remembered of evicted entries.
    pub(crate) fn set_size(&self, bytes: usize) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_half_size(&self, bytes: usize) {
        self.half_bytes.store(bytes, Ordering::Relaxed);
    }

    /// The bytes that it takes beside itself.
    pub(crate) fn size(&self) -> usize {
        self.bytes.load(Ordering::Relaxed) + self.half_bytes.load(Ordering::Relaxed)
    }

    /// Counts anew, from the hits and misses that there are by now.
    pub(crate) fn restart(&self, hits: u64, misses: u64) {
        *self.before.lock() = (hits, misses);
        for counter in self.gained.iter().chain([&self.lost, &self.misses, &self.estimated]) {
            counter.swap(0, Ordering::Relaxed);
        }
    }

    /// What the calls would have been.
    pub(crate) fn curve(&self, budget: &Budget, stats: &Stats) -> Curve {
        let (hits_before, misses_before) = *self.before.lock();
        let hits = stats.hits.saturating_sub(hits_before);
        let misses = stats.misses.saturating_sub(misses_before);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        // What is remembered may be asked for more or less often than what is not.
        let each = read(&self.misses) as f64 / read(&self.estimated).max(1) as f64;
        let [twice, fourfold] =
            self.gained.each_ref().map(|it| (read(it) as f64 * each).round() as u64);
        let lost = read(&self.lost);
        // Estimates may be a little more than there was.
        let more = |gained: u64| hits + gained.min(misses);
        let hits = [hits.saturating_sub(lost), hits, more(twice), more(fourfold)];
        let calls = (hits[1] + misses).max(1) as f64;
        let scaled = |max: Option<usize>, factor: f64| max.map(|it| (it as f64 * factor) as usize);
        let point = |idx: usize| CurvePoint {
            factor: FACTORS[idx],
            max_bytes: scaled(budget.max_bytes(), FACTORS[idx]),
            max_entries: scaled(budget.max_entries(), FACTORS[idx]),
            hit_rate: hits[idx] as f64 / calls,
        };
        Curve { points: std::array::from_fn(point) }
    }
}

/// Where nobody else counts meanwhile.
fn add(counter: &AtomicU64, n: u64) {
    counter.store(counter.load(Ordering::Relaxed) + n, Ordering::Relaxed);
}
