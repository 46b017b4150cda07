//! What is remembered of entries that had to go: when they were last used, and when before that.
//!
//! Keys are told apart by the 32 bits of their hashes that an entry keeps: one that is taken for another is inserted as
//! if it had been seen before, no more. The oldest of a bucket makes room for the next.

/// How many are remembered for each entry that is held.
const PER_ENTRY: usize = 4;

/// How many share a bucket.
const WIDTH: usize = 16;

/// What the ghosts of one entry take, with some slack.
pub(crate) const PLACE: usize = PER_ENTRY * size_of::<Ghost>() * 9 / 8;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ghost {
    hash: u32,
    /// From the last use but one to the last; 0 if that is not known.
    gap: u32,
    /// The tick of the last use; 0 if nothing is remembered here.
    used: u64,
}

impl Ghost {
    /// `before` is the tick of the last use but one, 0 if that is not known.
    pub(crate) fn new(hash: u32, used: u64, before: u64) -> Self {
        let gap =
            if before == 0 { 0 } else { u32::try_from(used.saturating_sub(before)).unwrap_or(0) };
        Self { hash, gap, used }
    }

    pub(crate) fn used(self) -> u64 {
        self.used
    }

    /// The tick of the last use but one, 0 if that is not known.
    pub(crate) fn before(self) -> u64 {
        if self.gap == 0 { 0 } else { self.used - u64::from(self.gap) }
    }
}

/// Keys that are not held any more.
#[derive(Default)]
pub(crate) struct Ghosts {
    slots: Vec<Ghost>,
}

impl Ghosts {
    /// Remembers an entry that goes, beside about as many others as belong to `n_entries`.
    pub(crate) fn put(&mut self, ghost: Ghost, n_entries: usize) {
        let n_buckets = (n_entries * PER_ENTRY).div_ceil(WIDTH).max(1);
        let n_now = self.slots.len() / WIDTH;
        if n_now < n_buckets || n_now > 2 * n_buckets + 1 {
            self.rebuild(n_buckets + n_buckets / 8);
        }
        self.replace_oldest(ghost);
    }

    /// Forgets a key, and says what was known of it.
    pub(crate) fn take(&mut self, hash: u32) -> Option<Ghost> {
        let found = self.bucket(hash).iter_mut().find(|it| it.used != 0 && it.hash == hash)?;
        Some(std::mem::take(found))
    }

    /// When one of `step` ghosts was last used.
    pub(crate) fn sample(&self, step: usize) -> impl Iterator<Item = u64> {
        self.slots.iter().step_by(step).map(|ghost| ghost.used).filter(|used| *used != 0)
    }

    fn rebuild(&mut self, n_buckets: usize) {
        let old = std::mem::replace(&mut self.slots, vec![Ghost::default(); n_buckets * WIDTH]);
        old.into_iter()
            .filter(|ghost| ghost.used != 0)
            .for_each(|ghost| self.replace_oldest(ghost));
    }

    fn replace_oldest(&mut self, ghost: Ghost) {
        if let Some(oldest) = self.bucket(ghost.hash).iter_mut().min_by_key(|it| it.used)
            && oldest.used < ghost.used
        {
            *oldest = ghost;
        }
    }

    fn bucket(&mut self, hash: u32) -> &mut [Ghost] {
        let n_buckets = self.slots.len() / WIDTH;
        let first = ((u64::from(hash) * n_buckets as u64) >> 32) as usize * WIDTH;
        self.slots.get_mut(first..first + WIDTH).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spread like the hashes of keys are.
    fn hash(n: u32) -> u32 {
        n.wrapping_mul(0x9e37_79b9)
    }

    #[test]
    fn what_was_put_last_is_remembered_whatever_the_number_of_entries_becomes() {
        let mut ghosts = Ghosts::default();
        assert_eq!(ghosts.take(hash(1)), None);
        for (tick, n_entries) in (1..3_000).zip((1..=1_000).chain((1..=1_000).rev()).cycle()) {
            let ghost = Ghost::new(hash(tick as u32), 2 * tick, tick);
            ghosts.put(ghost, n_entries);
            assert!(ghosts.slots.len() <= 3 * PER_ENTRY * n_entries + 3 * WIDTH);
            assert_eq!(ghosts.take(hash(tick as u32)), Some(ghost));
            assert_eq!(ghosts.take(hash(tick as u32)), None, "it was taken");
            assert_eq!((ghost.used(), ghost.before()), (2 * tick, tick));
            ghosts.put(ghost, n_entries);
        }
    }

    #[test]
    fn about_four_keys_are_remembered_for_each_entry() {
        let mut ghosts = Ghosts::default();
        for tick in 1..=10_000 {
            ghosts.put(Ghost::new(hash(tick), u64::from(tick), 0), 1_000);
        }
        let mut recalls = |ticks: std::ops::RangeInclusive<u32>| {
            ticks.filter(|tick| ghosts.take(hash(*tick)).is_some()).count()
        };
        assert_eq!(recalls(8_001..=10_000), 2_000);
        assert_eq!(recalls(1..=4_000), 0);
    }
}
