//! What would still be held if there was more room: a continuation of the order of use, beyond its end.
//!
//! What an LRU of twice the size holds is what one of the present size holds, and then what that has evicted, the last
//! one first, until both together are twice the size. So it is enough to remember what was evicted, and when it is asked
//! for again, how much was evicted since: nothing is to be done at a hit.
//!
//! Where there is too much to remember, only keys are that their hashes pick, and each counts for as many as it stands
//! for, as in SHARDS (Waldspurger and others, "Efficient MRC Construction with SHARDS", 2015). How much was evicted since
//! is known exactly, how much of that was not asked for again is not: so the first is taken times the share of the keys
//! that are remembered of which the second is true. In a loop over more than there is room for, that is exact.

use hashbrown::HashTable;

use crate::clock::Moment;
use crate::events::Stamps;

/// How many entries are remembered for the whole cache, and again of all functions with limits of their own together.
pub(crate) const MAX_GHOSTS: usize = 2048;

/// An entry that was evicted.
pub(crate) struct Ghost {
    pub(crate) hash: u32,
    /// Which function returned it.
    pub(crate) owner: u32,
    /// What it takes of the limits.
    pub(crate) weight: u64,
    /// When it would have expired.
    pub(crate) until: Moment,
    /// The events that it would have gone with.
    pub(crate) stamps: Option<Box<Stamps>>,
}

/// What was evicted so far, which may wrap around.
#[derive(Clone, Copy, Default)]
struct Evicted {
    all: u64,
    /// As what was picked stands for.
    estimated: u64,
}

/// Entries that were evicted, in that order.
#[derive(Default)]
pub(crate) struct Shadow {
    ghosts: Vec<Option<(Ghost, Evicted)>>,
    evicted: Evicted,
    /// The weights of `ghosts` as a Fenwick tree, which has room for some more.
    sums: Vec<u64>,
    /// Where in `ghosts` the one of a hash is.
    places: HashTable<u32>,
    /// Where the first one is.
    first: usize,
    /// What all of them weigh.
    total: u64,
    /// One key of so many is remembered, as a power of two.
    scale_bits: u32,
}

impl Shadow {
    /// Counts an entry that is evicted. Whether its key is one of those that are remembered.
    pub(crate) fn picks(&mut self, hash: u32, weight: u64) -> bool {
        self.evicted.all = self.evicted.all.wrapping_add(weight);
        is_picked(hash, self.scale_bits)
    }

    /// Remembers an entry that is evicted, whose key it picks, of at most `max` and within `reach`.
    pub(crate) fn note(&mut self, ghost: Ghost, max: usize, reach: u64) {
        self.forget(ghost.hash);
        if self.ghosts.len() == self.sums.len() {
            self.close_up();
        }
        let (place, hash) = (self.ghosts.len(), ghost.hash);
        self.add(place, ghost.weight);
        let stands_for = ghost.weight << self.scale_bits;
        self.evicted.estimated = self.evicted.estimated.wrapping_add(stands_for);
        let ghosts = &mut self.ghosts;
        ghosts.push(Some((ghost, self.evicted)));
        let rehash = |place: &u32| hash_at(ghosts, *place);
        self.places.insert_unique(u64::from(hash), place as u32, rehash);
        while self.total << self.scale_bits > reach && self.places.len() > 1 {
            self.forget_first();
        }
        while self.places.len() > max {
            self.scale_bits += 1;
            self.retain(|_| true);
        }
    }

    /// Forgets a key that is asked for again. If it is one of those that are remembered: for how many of them it stands,
    /// and with how much room beside what is held it would still be there.
    pub(crate) fn recall(
        &mut self,
        hash: u32,
        now: impl FnOnce() -> Moment,
    ) -> Option<(u64, Option<u64>)> {
        is_picked(hash, self.scale_bits).then(|| (1 << self.scale_bits, self.room(hash, now)))
    }

    fn room(&mut self, hash: u32, now: impl FnOnce() -> Moment) -> Option<u64> {
        let (place, ghost, before) = self.take(hash)?;
        let is_over = ghost.until != Moment::NEVER && ghost.until <= now();
        if is_over || ghost.stamps.is_some_and(|stamps| !stamps.are_current()) {
            return None;
        }
        let all = self.evicted.all.wrapping_sub(before.all) as f64;
        let estimated = self.evicted.estimated.wrapping_sub(before.estimated) as f64;
        let left = ((self.total - self.sum(place)) << self.scale_bits) as f64;
        let since = if estimated > 0.0 { left / estimated * all } else { all };
        Some(since.round() as u64 + ghost.weight)
    }

    /// Forgets a key.
    pub(crate) fn forget(&mut self, hash: u32) {
        self.take(hash);
    }

    /// Forgets all but those that are wanted.
    pub(crate) fn retain(&mut self, is_wanted: impl Fn(&Ghost) -> bool) {
        let scale_bits = self.scale_bits;
        for place in self.first..self.ghosts.len() {
            let ghost = self.ghosts[place].as_ref().map(|(ghost, _)| ghost);
            let is_kept = |it: &Ghost| is_picked(it.hash, scale_bits) && is_wanted(it);
            if let Some(hash) = ghost.filter(|ghost| !is_kept(ghost)).map(|ghost| ghost.hash) {
                self.forget(hash);
            }
        }
    }

    /// The bytes that it takes.
    pub(crate) fn size(&self) -> usize {
        self.ghosts.capacity() * size_of::<Option<(Ghost, Evicted)>>()
            + self.sums.capacity() * size_of::<u64>()
            + self.places.allocation_size()
    }

    fn forget_first(&mut self) {
        while let Some(place) = self.ghosts.get(self.first) {
            self.first += 1;
            if let Some(hash) = place.as_ref().map(|(ghost, _)| ghost.hash) {
                return self.forget(hash);
            }
        }
    }

    fn take(&mut self, hash: u32) -> Option<(usize, Ghost, Evicted)> {
        let ghosts = &self.ghosts;
        let is_it = |place: &u32| hash_at(ghosts, *place) == u64::from(hash);
        let (place, _) = self.places.find_entry(u64::from(hash), is_it).ok()?.remove();
        let place = place as usize;
        let (ghost, evicted) = self.ghosts[place].take()?;
        self.add(place, ghost.weight.wrapping_neg());
        Some((place, ghost, evicted))
    }

    /// Takes no more than twice the memory that is needed.
    fn close_up(&mut self) {
        let ghosts = std::mem::take(&mut self.ghosts).into_iter().flatten();
        self.ghosts.reserve_exact(2 * self.places.len() + 16);
        self.ghosts.extend(ghosts.map(Some));
        self.first = 0;
        self.total = 0;
        self.sums = vec![0; 2 * self.ghosts.len() + 16];
        for place in 0..self.ghosts.len() {
            let weight = self.ghosts[place].as_ref().map_or(0, |(ghost, _)| ghost.weight);
            self.add(place, weight);
        }
        let ghosts = &self.ghosts;
        self.places.clear();
        for place in 0..ghosts.len() as u32 {
            let rehash = |place: &u32| hash_at(ghosts, *place);
            self.places.insert_unique(hash_at(ghosts, place), place, rehash);
        }
    }

    /// Adds to the weight at a place.
    fn add(&mut self, place: usize, weight: u64) {
        self.total = self.total.wrapping_add(weight);
        let mut node = place + 1;
        while let Some(sum) = self.sums.get_mut(node - 1) {
            *sum = sum.wrapping_add(weight);
            node += node & node.wrapping_neg();
        }
    }

    /// The weights up to a place.
    fn sum(&self, place: usize) -> u64 {
        let (mut node, mut sum) = (place + 1, 0_u64);
        while node > 0 {
            sum = sum.wrapping_add(self.sums[node - 1]);
            node &= node - 1;
        }
        sum
    }
}

fn is_picked(hash: u32, scale_bits: u32) -> bool {
    hash.trailing_zeros() >= scale_bits
}

fn hash_at(ghosts: &[Option<(Ghost, Evicted)>], place: u32) -> u64 {
    ghosts[place as usize].as_ref().map_or(0, |(ghost, _)| u64::from(ghost.hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ghost(n: u32, weight: u64) -> Ghost {
        let hash = n.wrapping_mul(0x9e37_79b9);
        Ghost { hash, owner: n % 3, weight, until: Moment::NEVER, stamps: None }
    }

    fn evict(shadow: &mut Shadow, ghost: Ghost, max: usize, reach: u64) {
        if shadow.picks(ghost.hash, ghost.weight) {
            shadow.note(ghost, max, reach);
        }
    }

    fn recall(shadow: &mut Shadow, n: u32) -> Option<u64> {
        shadow.recall(ghost(n, 0).hash, || Moment(0))?.1
    }

    #[test]
    fn a_key_is_as_far_away_as_what_was_evicted_after_it() {
        let (mut shadow, mut model) = (Shadow::default(), Vec::<(u32, u64)>::new());
        let mut random = 1_u32;
        for step in 0..20_000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (n, weight) = (random >> 16 & 0x1ff, u64::from(random >> 8 & 0xf) + 1);
            let known = model.iter().position(|(it, _)| *it == n);
            let expected = known.map(|at| model[at..].iter().map(|(_, weight)| weight).sum());
            known.map(|at| model.remove(at));
            if random % 2 == 0 {
                assert_eq!(recall(&mut shadow, n), expected, "step {step}");
            } else {
                evict(&mut shadow, ghost(n, weight), MAX_GHOSTS, 1_000);
                model.push((n, weight));
                while model.iter().map(|(_, weight)| weight).sum::<u64>() > 1_000 {
                    model.remove(0);
                }
            }
        }
        shadow.retain(|ghost| ghost.owner == 0);
        let is_kept = |(n, _): &(u32, u64)| n % 3 == 0;
        assert_eq!(shadow.places.len(), model.iter().filter(|it| is_kept(it)).count());
        for (n, _) in model {
            assert_eq!(recall(&mut shadow, n).is_some(), n % 3 == 0);
        }
    }

    #[test]
    fn where_there_are_many_a_part_of_them_stands_for_all() {
        let mut shadow = Shadow::default();
        (0..100_000).for_each(|n| evict(&mut shadow, ghost(n, 1), 1_000, u64::MAX));
        assert!(shadow.places.len() <= 1_000 && shadow.size() < 160_000, "{}", shadow.size());
        let (mut n_keys, mut n_found) = (0, 0);
        for n in 0..100_000 {
            let recalled = shadow.recall(ghost(n, 0).hash, || Moment(0));
            if let Some((keys, Some(room))) = recalled {
                // Those before it were recalled by now; what was noted after it is left.
                let error = room as f64 - f64::from(100_000 - n);
                assert!(error.abs() < 10_000.0, "{n} is {room} away");
                n_keys += keys;
                n_found += 1;
            }
        }
        assert!(n_found >= 300, "{n_found}");
        assert!((n_keys as f64 / 100_000.0 - 1.0).abs() < 0.1, "{n_keys}");
    }

    #[test]
    fn a_loop_is_as_long_as_it_is_whatever_part_of_it_is_remembered() {
        let mut shadow = Shadow::default();
        let mut n_recalled = 0;
        for step in 0..40_000 {
            let n = step % 4_001;
            if let Some(room) = recall(&mut shadow, n) {
                assert_eq!(room, 4_001, "step {step}");
                n_recalled += 1;
            }
            evict(&mut shadow, ghost(n, 1), 1_000, 10_000);
        }
        assert!(n_recalled > 1_000, "{n_recalled}");
    }

    #[test]
    fn what_would_have_expired_is_not_held() {
        let mut shadow = Shadow::default();
        for n in 0..2 {
            evict(&mut shadow, Ghost { until: Moment(5), ..ghost(n, 1) }, MAX_GHOSTS, 10);
        }
        assert_eq!(shadow.recall(ghost(0, 1).hash, || Moment(4)), Some((1, Some(2))));
        assert_eq!(shadow.recall(ghost(1, 1).hash, || Moment(5)), Some((1, None)));
    }
}
