//! How much may be held, and how much is: exact, and never above the limit.

use crate::sync::{AtomicU64, AtomicUsize, Ordering};

const NO_LIMIT: usize = usize::MAX;

/// Up to so many entries, the order of use is exact.
const EXACT_ENTRIES: usize = 1024;

/// Up to such a limit on bytes it is exact for so many entries of any size.
const SMALL: usize = 64 << 20;

/// All that the limits allow, where it is told in parts.
pub(crate) const WHOLE: u64 = 1 << 48;

/// A limit on bytes and one on entries, with what is held under them.
///
/// Everything is changed under the lock of the memory, and read by anybody.
/// Room is made and taken before an entry becomes visible, so at no moment does more lie in the cache than the limits allow.
pub(crate) struct Budget {
    bytes: AtomicUsize,
    entries: AtomicUsize,
    peak_bytes: AtomicUsize,
    max_bytes: Limit,
    max_entries: Limit,
}

struct Limit {
    /// [`NO_LIMIT`] if there is none.
    max: AtomicUsize,
    /// What one takes of it, in parts of [`WHOLE`]: the bits of an `f64`. A division takes long.
    part: AtomicU64,
}

impl Limit {
    fn new(max: Option<usize>) -> Self {
        let limit = Self { max: AtomicUsize::default(), part: AtomicU64::default() };
        limit.set(max);
        limit
    }

    fn set(&self, max: Option<usize>) {
        let part = max.map_or(0.0, |max| WHOLE as f64 / max.max(1) as f64);
        self.max.store(max.unwrap_or(NO_LIMIT), Ordering::Relaxed);
        self.part.store(part.to_bits(), Ordering::Relaxed);
    }

    fn max(&self) -> usize {
        self.max.load(Ordering::Relaxed)
    }

    fn get(&self) -> Option<usize> {
        Some(self.max()).filter(|max| *max != NO_LIMIT)
    }

    /// What so many take of it, in parts of [`WHOLE`].
    fn share(&self, n: usize) -> f64 {
        n as f64 * f64::from_bits(self.part.load(Ordering::Relaxed))
    }
}

impl Budget {
    pub(crate) fn new(max_bytes: Option<usize>, max_entries: Option<usize>) -> Self {
        Self {
            bytes: AtomicUsize::new(0),
            entries: AtomicUsize::new(0),
            peak_bytes: AtomicUsize::new(0),
            max_bytes: Limit::new(max_bytes),
            max_entries: Limit::new(max_entries),
        }
    }

    /// Whether one more entry of so many bytes is within the limits.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        let sum = self.bytes().checked_add(bytes);
        sum.is_some_and(|sum| sum <= self.max_bytes.max())
            && self.entries() < self.max_entries.max()
    }

    /// Takes room for one more entry, which there is.
    pub(crate) fn reserve(&self, bytes: usize) {
        let sum = self.bytes() + bytes;
        self.bytes.store(sum, Ordering::Relaxed);
        self.entries.store(self.entries() + 1, Ordering::Relaxed);
        if sum > self.peak_bytes() {
            self.peak_bytes.store(sum, Ordering::Relaxed);
        }
    }

    /// Gives back the room of one entry.
    pub(crate) fn release(&self, bytes: usize) {
        self.bytes.store(self.bytes() - bytes, Ordering::Relaxed);
        self.entries.store(self.entries() - 1, Ordering::Relaxed);
    }

    /// Whether an entry of so many bytes fits into the empty budget.
    pub(crate) fn admits(&self, bytes: usize) -> bool {
        bytes <= self.max_bytes.max() && self.max_entries.max() > 0
    }

    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.max_bytes.max() || self.entries() > self.max_entries.max()
    }

    pub(crate) fn has_limit(&self) -> bool {
        self.max_bytes().is_some() || self.max_entries().is_some()
    }

    /// Whether the order of use is to be exact: with few entries, where so few may have to make room.
    ///
    /// That is so where a limit is small, or where so many as large as those that are held would reach it.
    pub(crate) fn is_exact(&self) -> bool {
        let (entries, max_bytes) = (self.entries(), self.max_bytes.max());
        let few_fill_it = || max_bytes / EXACT_ENTRIES <= self.bytes() / entries.max(1);
        entries <= EXACT_ENTRIES
            && (self.max_entries.max() <= EXACT_ENTRIES || max_bytes <= SMALL || few_fill_it())
    }

    /// What an entry of so many bytes takes of the limits, of the one of which it takes more, in parts of [`WHOLE`].
    pub(crate) fn share(&self, bytes: usize) -> u64 {
        self.share_of(bytes, 1)
    }

    /// What all that is held takes of them.
    pub(crate) fn share_held(&self) -> u64 {
        self.share_of(self.bytes(), self.entries())
    }

    fn share_of(&self, bytes: usize, entries: usize) -> u64 {
        self.max_bytes.share(bytes).max(self.max_entries.share(entries)) as u64
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

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
        self.max_bytes.get()
    }

    pub(crate) fn max_entries(&self) -> Option<usize> {
        self.max_entries.get()
    }

    pub(crate) fn set_max_bytes(&self, max: Option<usize>) {
        self.max_bytes.set(max);
    }

    pub(crate) fn set_max_entries(&self, max: Option<usize>) {
        self.max_entries.set(max);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_up_to_the_limits_and_not_beyond() {
        let budget = Budget::new(Some(100), Some(2));
        assert!(budget.has_room(100) && !budget.has_room(101));
        budget.reserve(60);
        assert!(budget.has_room(40) && !budget.has_room(41), "bytes");
        budget.reserve(30);
        assert!(!budget.has_room(0), "entries");
        assert_eq!((budget.bytes(), budget.entries(), budget.peak_bytes()), (90, 2, 90));
        budget.release(60);
        assert_eq!((budget.bytes(), budget.entries(), budget.peak_bytes()), (30, 1, 90));
    }

    #[test]
    fn huge_numbers_do_not_wrap() {
        let budget = Budget::new(None, None);
        budget.reserve(usize::MAX - 1);
        assert!(budget.has_room(1) && !budget.has_room(2));
    }

    #[test]
    fn what_does_not_fit_into_the_empty_budget_is_not_admitted() {
        let budget = Budget::new(Some(100), Some(1));
        budget.reserve(100);
        assert!(budget.admits(100) && !budget.admits(101), "whatever is held now");
        budget.set_max_entries(Some(0));
        assert!(!budget.admits(0));
    }

    #[test]
    fn a_limit_that_is_lowered_shows_what_is_over() {
        let budget = Budget::new(None, None);
        assert!(!budget.has_limit());
        budget.reserve(60);
        budget.reserve(40);
        budget.set_max_bytes(Some(100));
        assert!(budget.has_limit() && !budget.is_over(), "up to the limit and not beyond");
        budget.set_max_bytes(Some(99));
        assert!(budget.is_over());
        budget.set_max_bytes(None);
        budget.set_max_entries(Some(1));
        assert_eq!((budget.max_bytes(), budget.max_entries()), (None, Some(1)));
        assert!(budget.is_over());
        budget.release(60);
        assert!(!budget.is_over());
    }

    #[test]
    fn the_peak_starts_anew_from_what_is_held() {
        let budget = Budget::new(None, None);
        budget.reserve(60);
        budget.reserve(40);
        budget.release(60);
        budget.reset_peak();
        assert_eq!(budget.peak_bytes(), 40);
        budget.reserve(5);
        assert_eq!(budget.peak_bytes(), 45);
    }

    #[test]
    fn the_order_is_exact_where_a_limit_may_be_reached_with_few_entries() {
        let budget = Budget::new(Some(SMALL), None);
        assert!(budget.is_exact(), "a small limit");
        budget.set_max_bytes(Some(2 * SMALL));
        assert!(!budget.is_exact(), "an empty cache has far to go");
        budget.reserve(2 * SMALL / EXACT_ENTRIES);
        assert!(budget.is_exact(), "as many of its size fill it");
        budget.reserve(1);
        assert!(!budget.is_exact(), "more of their size fill it");
        budget.set_max_bytes(None);
        assert!(!budget.is_exact(), "no limit can be reached");
        budget.set_max_entries(Some(EXACT_ENTRIES));
        assert!(budget.is_exact());
        budget.set_max_entries(Some(EXACT_ENTRIES + 1));
        assert!(!budget.is_exact());
    }

    #[test]
    fn the_order_of_many_entries_is_not_exact() {
        let budget = Budget::new(Some(EXACT_ENTRIES), None);
        (0..EXACT_ENTRIES).for_each(|_| budget.reserve(1));
        assert!(budget.is_exact());
        budget.reserve(0);
        assert!(!budget.is_exact());
    }
}
