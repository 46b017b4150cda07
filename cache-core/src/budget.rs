//! How much may be held, and how much is: exact, and never above the limit.

use crate::sync::{AtomicUsize, Ordering};

const NO_LIMIT: usize = usize::MAX;

/// A limit on bytes and one on entries, with what is held under them.
///
/// Space is reserved before an entry becomes visible and released after it is gone,
/// so at no moment does more lie in the cache than the limits allow.
pub(crate) struct Budget {
    bytes: AtomicUsize,
    entries: AtomicUsize,
    peak_bytes: AtomicUsize,
    max_bytes: AtomicUsize,
    max_entries: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(max_bytes: Option<usize>, max_entries: Option<usize>) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
            max_bytes: AtomicUsize::new(max_bytes.unwrap_or(NO_LIMIT)),
            max_entries: AtomicUsize::new(max_entries.unwrap_or(NO_LIMIT)),
        }
    }

    /// Takes room for so many more bytes and entries, or nothing if there is not enough.
    pub(crate) fn try_reserve(&self, bytes: usize, entries: usize) -> bool {
        if !grow(&self.entries, entries, self.max_entries.load(Ordering::SeqCst)) {
            return false;
        }
        if !grow(&self.bytes, bytes, self.max_bytes.load(Ordering::SeqCst)) {
            self.entries.fetch_sub(entries, Ordering::SeqCst);
            return false;
        }
        self.peak_bytes.fetch_max(self.bytes(), Ordering::Relaxed);
        true
    }

    pub(crate) fn release(&self, bytes: usize, entries: usize) {
        self.bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.entries.fetch_sub(entries, Ordering::SeqCst);
    }

    /// Whether an entry of so many bytes fits into the empty budget.
    pub(crate) fn admits(&self, bytes: usize) -> bool {
        bytes <= self.max_bytes.load(Ordering::SeqCst)
            && self.max_entries.load(Ordering::SeqCst) > 0
    }

    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.max_bytes.load(Ordering::SeqCst)
            || self.entries() > self.max_entries.load(Ordering::SeqCst)
    }

    pub(crate) fn has_limit(&self) -> bool {
        self.max_bytes().is_some() || self.max_entries().is_some()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    #[inline]
    pub(crate) fn entries(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    pub(crate) fn peak_bytes(&self) -> usize {
        self.peak_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn reset_peak(&self) {
        self.peak_bytes.store(self.bytes(), Ordering::Relaxed);
    }

    pub(crate) fn max_bytes(&self) -> Option<usize> {
        limit(&self.max_bytes)
    }

    pub(crate) fn max_entries(&self) -> Option<usize> {
        limit(&self.max_entries)
    }

    pub(crate) fn set_max_bytes(&self, max: Option<usize>) {
        self.max_bytes.store(max.unwrap_or(NO_LIMIT), Ordering::SeqCst);
    }

    pub(crate) fn set_max_entries(&self, max: Option<usize>) {
        self.max_entries.store(max.unwrap_or(NO_LIMIT), Ordering::SeqCst);
    }
}

fn limit(max: &AtomicUsize) -> Option<usize> {
    let max = max.load(Ordering::SeqCst);
    (max != NO_LIMIT).then_some(max)
}

fn grow(held: &AtomicUsize, by: usize, max: usize) -> bool {
    // Growing by nothing always succeeds: a value replaced by one of its own size needs no room,
    // even while a lowered limit is being enforced.
    by == 0
        || held
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |held| {
                held.checked_add(by).filter(|sum| *sum <= max)
            })
            .is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_that_does_not_fit_takes_nothing() {
        let budget = Budget::new(Some(100), Some(2));
        assert!(budget.try_reserve(60, 1));
        assert!(!budget.try_reserve(41, 1), "too many bytes");
        assert!(budget.try_reserve(40, 1));
        assert!(!budget.try_reserve(0, 1), "too many entries");
        assert_eq!((budget.bytes(), budget.entries(), budget.peak_bytes()), (100, 2, 100));
        budget.release(100, 2);
        assert_eq!((budget.bytes(), budget.entries(), budget.peak_bytes()), (0, 0, 100));
    }

    #[test]
    fn huge_numbers_do_not_wrap() {
        let budget = Budget::new(None, None);
        assert!(budget.try_reserve(usize::MAX - 1, 1));
        assert!(!budget.try_reserve(2, 1));
        assert_eq!(
            (budget.bytes(), budget.entries()),
            (usize::MAX - 1, 1),
            "the refusal took nothing"
        );
    }
}
