//! The order of use: which entry was used least recently.
//!
//! A hit does not move its entry in a list; it notes a *tick* in it, if that. The order looks only when something has
//! to go: it picks the entries that had not been used for longest when it last looked, asks each when it was used by now,
//! and sorts those that have not been used since. They are then handed out one after the other.
//! One that is used before its turn is passed over. As ticks only grow, what is handed out is always the least recently
//! used of all, exactly. A look visits a quarter of the entries, so that each one costs but a few steps.

use crate::entry::EntryRef;

/// A place in the order that nothing stands at.
const EMPTY: u64 = u64::MAX;

/// What an entry takes of the order, with some slack.
pub(crate) const PLACE: usize = size_of::<Stand>() + size_of::<Stand>() / 16;

struct Stand {
    /// The tick of the entry's last use when it was last looked at.
    seen: u64,
    entry: Option<EntryRef>,
}

/// Entries, and in which order they are to go. It holds them.
#[derive(Default)]
pub(crate) struct Order {
    stands: Vec<Stand>,
    /// Places that are empty.
    free: Vec<u32>,
    /// Places with what was seen there, the least recently used last.
    next: Vec<(u64, u32)>,
}

impl Order {
    pub(crate) fn len(&self) -> usize {
        self.stands.len() - self.free.len()
    }

    /// One past the highest place in use.
    pub(crate) fn end(&self) -> u32 {
        self.stands.len() as u32
    }

    pub(crate) fn get(&self, place: u32) -> Option<&EntryRef> {
        self.stands.get(place as usize)?.entry.as_ref()
    }

    /// Adds an entry that is used now, and says where.
    pub(crate) fn insert(&mut self, entry: EntryRef, tick: u64) -> u32 {
        entry.get().usage().set_tick(tick);
        if let Some(place) = self.free.pop() {
            entry.get().set_place(place);
            self.stands[place as usize] = Stand { seen: tick, entry: Some(entry) };
            return place;
        }
        if self.stands.len() == self.stands.capacity() {
            // Doubling would leave up to half of the places unused, which no charge accounts for.
            self.stands.reserve_exact((self.stands.len() / 8).max(16));
        }
        let place = u32::try_from(self.stands.len()).ok().filter(|place| *place != u32::MAX);
        let place = place.expect("there are fewer than 4 billion entries");
        entry.get().set_place(place);
        self.stands.push(Stand { seen: tick, entry: Some(entry) });
        place
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<EntryRef> {
        let stand = self.stands.get_mut(place as usize)?;
        let entry = stand.entry.take()?;
        stand.seen = EMPTY;
        self.free.push(place);
        Some(entry)
    }

    /// Whether most places are empty, and many.
    pub(crate) fn is_sparse(&self) -> bool {
        const FEW: usize = 64;
        self.stands.len() > FEW.max(4 * self.len())
    }

    /// Takes no more memory than what is left needs. `moved` is told who moves, and where from.
    pub(crate) fn close_up(&mut self, mut moved: impl FnMut(&EntryRef, u32)) {
        let stands = std::mem::take(self).stands;
        self.stands.reserve_exact(stands.iter().filter(|stand| stand.entry.is_some()).count());
        for (old, stand) in stands.into_iter().enumerate() {
            if let Some(entry) = &stand.entry {
                entry.get().set_place(self.stands.len() as u32);
                moved(entry, old as u32);
                self.stands.push(stand);
            }
        }
    }

    /// The least recently used entry: the tick of that use, and its place. O(1), amortized over hits and removals.
    pub(crate) fn oldest(&mut self) -> Option<(u64, u32)> {
        loop {
            while let Some(&(tick, place)) = self.next.last() {
                let stand = &mut self.stands[place as usize];
                if stand.seen == tick
                    && let Some(entry) = &stand.entry
                {
                    stand.seen = entry.get().usage().tick();
                    if stand.seen == tick {
                        return Some((tick, place));
                    }
                }
                self.next.pop();
            }
            if self.len() == 0 {
                return None;
            }
            self.look();
        }
    }

    /// Finds those that are to go next. At least one entry is seen as it is, so that this comes to an end.
    fn look(&mut self) {
        let limit = self.first_quarter();
        for (place, stand) in self.stands.iter_mut().enumerate() {
            if stand.seen <= limit
                && let Some(entry) = &stand.entry
            {
                stand.seen = entry.get().usage().tick();
                if stand.seen <= limit {
                    self.next.push((stand.seen, place as u32));
                }
            }
        }
        // Entries that came one after the other mostly stand so, which this sort makes use of.
        self.next.sort();
        self.next.reverse();
    }

    /// A tick that about a quarter of the entries, and at least one, was not seen to be used after.
    fn first_quarter(&self) -> u64 {
        const SAMPLE: usize = 128;
        let seen = |step| -> Vec<u64> {
            let stands = self.stands.iter().step_by(step);
            stands.map(|stand| stand.seen).filter(|seen| *seen != EMPTY).collect()
        };
        let mut ticks = seen((self.stands.len() / SAMPLE).max(1));
        // Where few of many places are taken, a sample may have next to none of them.
        if ticks.len() < SAMPLE / 4 {
            ticks = seen(1);
        }
        let quarter = ticks.len() / 4;
        *ticks.select_nth_unstable(quarter).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::{entry, key};
    use proptest::prelude::*;

    fn insert(order: &mut Order, tick: u64) -> u32 {
        order.insert(entry(key(0, b""), ()), tick)
    }

    /// Holds the order to a list of places with the ticks of their last use.
    fn assert_consistent(order: &mut Order, model: &[(u32, u64)]) {
        assert_eq!(order.len(), model.len());
        let Some((tick, place)) = order.oldest() else {
            return assert!(model.is_empty(), "something is left");
        };
        assert_eq!(Some(tick), model.iter().map(|(_, used)| *used).min());
        assert!(model.contains(&(place, tick)), "place {place} was used at another tick");
        assert_eq!(order.oldest(), Some((tick, place)), "looking changes nothing");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn the_oldest_is_the_least_recently_used_of_all(
            n_before in 0..600_usize,
            steps in prop::collection::vec((0..10_u8, any::<usize>()), 0..600),
        ) {
            let (mut order, mut model) = (Order::default(), Vec::new());
            let before = (0..n_before).map(|_| (0, 0));
            for (tick, (step, which)) in (0..).zip(before.chain(steps)) {
                // Two uses in a row share a tick, as those of a large cache do.
                let tick = tick / 2;
                match step {
                    0..=2 => model.push((insert(&mut order, tick), tick)),
                    _ if model.is_empty() => {}
                    3..=6 => {
                        let idx = which % model.len();
                        let (place, used) = &mut model[idx];
                        order.get(*place).expect("it is held").get().usage().set_tick(tick);
                        *used = tick;
                    }
                    7 => {
                        let (place, _) = model.swap_remove(which % model.len());
                        prop_assert!(order.remove(place).is_some());
                        prop_assert!(order.remove(place).is_none(), "it is gone");
                    }
                    _ => {
                        let (_, place) = order.oldest().expect("something is held");
                        order.remove(place);
                        model.retain(|(held, _)| *held != place);
                    }
                }
                if step > 2 {
                    assert_consistent(&mut order, &model);
                }
            }
            prop_assert!(model.iter().all(|(place, _)| order.get(*place).is_some() && *place < order.end()));
            let n_held = (0..order.end()).filter(|place| order.remove(*place).is_some()).count();
            prop_assert_eq!(n_held, model.len());
        }
    }

    #[test]
    fn places_are_used_again() {
        let mut order = Order::default();
        let places: Vec<u32> = (0..100).map(|tick| insert(&mut order, tick)).collect();
        places.iter().for_each(|place| drop(order.remove(*place)));
        for tick in 100..200 {
            insert(&mut order, tick);
        }
        assert_eq!((order.len(), order.end()), (100, 100));
    }

    #[test]
    fn a_look_finds_a_quarter_also_where_few_of_many_places_are_taken() {
        let mut order = Order::default();
        for tick in 0..100_000 {
            insert(&mut order, tick);
        }
        for place in (0..100_000).filter(|place| place % 1_000 != 3) {
            order.remove(place);
        }
        assert_eq!((order.len(), order.oldest()), (100, Some((3, 3))));
        let n_found = order.next.len();
        assert!((20..=30).contains(&n_found), "{n_found} of 100");
    }
}
