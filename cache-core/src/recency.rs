//! When entries are used, as far as hits are concerned: the tick, and which uses are to be noted.

use crate::clock::Moment;
use crate::sync::{AtomicBool, AtomicU64, Ordering};
use crate::usage::Stale;

/// After so many nanoseconds an entry's next use is noted in any case, so that people see when it was.
const SOON: u64 = 1_000_000_000;

/// What a hit reads of the order. Written rarely, unless the order is exact.
pub(crate) struct Recency {
    tick: AtomicU64,
    /// A hit of an entry that was last used before this is noted: a [`Stale`].
    /// Where the order is exact, every one is.
    stale: AtomicU64,
    /// When `stale` was last moved on because time had gone by.
    noted: AtomicU64,
    /// Whether hits advance the tick.
    is_exact: AtomicBool,
}

impl Recency {
    pub(crate) fn new(is_exact: bool) -> Self {
        Self {
            tick: AtomicU64::new(0),
            stale: AtomicU64::new(if is_exact { Stale::ALL } else { Stale::NONE }.to_bits()),
            noted: AtomicU64::new(0),
            is_exact: AtomicBool::new(is_exact),
        }
    }

    /// Which entries are to be noted when they are used.
    #[inline]
    pub(crate) fn stale(&self) -> Stale {
        Stale::from_bits(self.stale.load(Ordering::Relaxed))
    }

    /// The tick that hits see.
    pub(crate) fn latest(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    fn is_exact(&self) -> bool {
        self.is_exact.load(Ordering::Relaxed)
    }

    /// The tick of a hit of an entry that was last used at another one; `None` if that makes no difference.
    ///
    /// `latest` is what [`Recency::latest`] was before, and a function's order may be exact where that of others is not.
    pub(crate) fn note(&self, used: u64, latest: u64, is_exact: bool) -> Option<u64> {
        if is_exact || self.is_exact() {
            // The latest of all stays so.
            (used != latest).then(|| self.tick.fetch_add(1, Ordering::Relaxed) + 1)
        } else {
            (Stale::before(used) < self.stale()).then_some(latest | 1)
        }
    }

    /// Has what was used long before this moment be noted again when it is used.
    pub(crate) fn note_time(&self, now: Moment) {
        let noted = self.noted.load(Ordering::Relaxed);
        if now.0 >= noted.saturating_add(SOON) && !self.is_exact() {
            self.noted.store(now.0, Ordering::Relaxed);
            let stale = Stale::before(self.tick.fetch_add(1, Ordering::Relaxed) + 1);
            self.stale.fetch_max(stale.to_bits(), Ordering::Relaxed);
        }
    }

    /// The tick of an insertion after another one, beside so many entries. Hits learn of it at once only where the order
    /// is exact.
    pub(crate) fn next(&self, previous: u64, n_entries: usize, is_exact: bool) -> u64 {
        let seen = self.latest();
        // Even, so that there is one for hits between two insertions.
        let tick = (previous.max(seen) + 2) & !1;
        // Two uses that lie no further apart than a 64th of the entries count as one.
        let resolution = n_entries as u64 / 64 * 2;
        if is_exact || self.is_exact() || tick - seen > resolution / 4 {
            self.tick.fetch_max(tick, Ordering::Relaxed);
            self.set_stale(tick.saturating_sub(resolution));
        }
        tick
    }

    /// Has the order be exact from now on, or not any more; `tick` is that of the last insertion.
    pub(crate) fn set_exact(&self, is_exact: bool, tick: u64) {
        if self.is_exact() != is_exact {
            self.tick.fetch_max(tick, Ordering::Relaxed);
            self.is_exact.store(is_exact, Ordering::Relaxed);
            self.set_stale(tick);
        }
    }

    fn set_stale(&self, tick: u64) {
        let stale = if self.is_exact() { Stale::ALL } else { Stale::before(tick) };
        self.stale.store(stale.to_bits(), Ordering::Relaxed);
    }
}
