//! An order that scans do not empty: who has proven useful goes only when somebody else has proven more useful.
//!
//! Entries begin in a queue of their own, *probation*, and go from there unless they are used again. The others stand in
//! the *main* queue. Both are clocks: a hit notes a tick in its entry, and one that was used since its last turn is
//! passed over. What has gone leaves a [`Ghost`], about four for each entry that is held.
//!
//! Who is admitted to the main queue has been used three times since the last use of the entry that is to go there next.
//! Two would not do: where a scan turns round they lie close together for entries that are of no use afterwards. That is
//! the idea of LIRS (Jiang and Zhang, SIGMETRICS 2002) as amended by LIRS2 (Zhong, Zhao and Jiang, SYSTOR 2021), on
//! clocks as in CLOCK-Pro (Jiang, Chen and Zhang, USENIX ATC 2005), with a probation queue as in 2Q (Johnson and Shasha,
//! VLDB 1994) and S3-FIFO (Yang, Zhang, Qiu, Yue and Rashmi, SOSP 2023).
//!
//! How much of the cache is on probation follows the workload, as in ARC (Megiddo and Modha, FAST 2003). The measure is
//! an LRU of the same size, which holds whatever was used since a certain tick, the *frontier*: a ghost that comes back
//! and was used since then is a hit lost to LRU, and a use of an entry that was not is a hit won over it. All of the
//! cache on probation is next to LRU.
//!
//! Shares are of entries, not of bytes: what is compared are hits, which are worth as much for a small value.
//! So large values on probation do not crowd out small ones in the main queue.

use crate::entry::EntryRef;
use crate::ghosts::{self, Ghost, Ghosts};

/// What an entry takes of the order, with some slack.
pub(crate) const PLACE: usize = size_of::<Stand>() + size_of::<Stand>() / 16 + ghosts::PLACE;

/// No place.
const NONE: u32 = u32::MAX;

/// At how many entries an insertion looks for uses.
const LOOKS: u32 = 4;

/// How much of the entries may be on probation, and how much is at first.
const LEAST: f64 = 0.02;
const FIRST: f64 = 0.1;
const MOST: f64 = 0.98;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Queue {
    Probation,
    Main,
}

struct Stand {
    entry: Option<EntryRef>,
    /// The tick of its last use when it was last looked at.
    seen: u64,
    /// The tick of a use before that, its insertion at first.
    earlier: u64,
    /// The tick of its last use before it was inserted, 0 if that is not known.
    before: u64,
    prev: u32,
    next: u32,
    queue: Queue,
    /// It was used since it came to its place in the queue.
    was_used: bool,
    /// An LRU would not have held it any more when it was last looked at.
    is_beyond: bool,
}

/// Who stands in a queue, those first who are to go next.
#[derive(Clone, Copy)]
struct Line {
    first: u32,
    last: u32,
    len: usize,
}

const EMPTY: Line = Line { first: NONE, last: NONE, len: 0 };

/// What has happened since the share of probation was last thought over.
#[derive(Default)]
struct Tally {
    inserted: u32,
    /// Entries that were found to be used, of those that insertions have looked at.
    used: u32,
    won: u32,
    /// Of keys that were seen once before, and of others.
    lost_at_once: u32,
    lost: u32,
}

/// Entries, and in which order they are to go. It holds them.
pub(crate) struct Resistant {
    stands: Vec<Stand>,
    /// Places that are empty.
    free: Vec<u32>,
    probation: Line,
    main: Line,
    ghosts: Ghosts,
    /// The share of the entries that is to be on probation.
    share: f64,
    /// The tick since which everything was used that an LRU would hold; 0 while it would hold all.
    frontier: u64,
    /// The place that was looked at last.
    hand: u32,
    tally: Tally,
}

impl Default for Resistant {
    fn default() -> Self {
        Self {
            stands: Vec::new(),
            free: Vec::new(),
            probation: EMPTY,
            main: EMPTY,
            ghosts: Ghosts::default(),
            share: FIRST,
            frontier: 0,
            hand: 0,
            tally: Tally::default(),
        }
    }
}

impl Resistant {
    pub(crate) fn len(&self) -> usize {
        self.probation.len + self.main.len
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
        self.look_around();
        let ghost = self.ghosts.take(entry.get().hash()).unwrap_or_default();
        self.count(ghost);
        let n_probation = self.n_probation(self.len() + 1);
        let has_room =
            self.probation.len >= n_probation && self.main.len + n_probation <= self.len();
        let queue = if has_room || self.is_admitted(ghost.before()) {
            Queue::Main
        } else {
            Queue::Probation
        };
        let stand = Stand {
            seen: tick,
            earlier: tick,
            before: ghost.used(),
            entry: Some(entry),
            prev: NONE,
            next: NONE,
            queue,
            was_used: false,
            is_beyond: false,
        };
        let place = self.settle(stand);
        self.append(place, queue);
        place
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<EntryRef> {
        let entry = self.stands.get_mut(place as usize)?.entry.take()?;
        self.unlink(place);
        self.free.push(place);
        Some(entry)
    }

    /// Remembers an entry that is to be evicted.
    pub(crate) fn bury(&mut self, place: u32) {
        let n_entries = self.len();
        if let Some(stand) = self.stands.get(place as usize)
            && let Some(entry) = &stand.entry
        {
            let before = if entry.get().usage().uses() > 0 { stand.earlier } else { stand.before };
            self.ghosts.put(Ghost::new(entry.get().hash(), stand.seen, before), n_entries);
        }
    }

    /// Whether most places are empty, and many.
    pub(crate) fn is_sparse(&self) -> bool {
        const FEW: usize = 64;
        self.stands.len() > FEW.max(4 * self.len())
    }

    /// Takes no more memory than what is left needs. `moved` is told who moves, and where from.
    pub(crate) fn close_up(&mut self, mut moved: impl FnMut(&EntryRef, u32)) {
        let mut old = std::mem::take(&mut self.stands);
        self.stands.reserve_exact(self.len());
        self.free = Vec::new();
        self.hand = 0;
        for line in [
            std::mem::replace(&mut self.probation, EMPTY),
            std::mem::replace(&mut self.main, EMPTY),
        ] {
            let mut next = line.first;
            while let Some(stand) = old.get_mut(next as usize) {
                let vacant = Stand { entry: stand.entry.take(), ..*stand };
                let (from, queue) = (next, vacant.queue);
                next = vacant.next;
                let place = self.settle(vacant);
                self.append(place, queue);
                if let Some(entry) = &self.stands[place as usize].entry {
                    moved(entry, from);
                }
            }
        }
    }

    /// Who is to go next: the tick of its last use, and its place.
    pub(crate) fn next_to_go(&mut self) -> Option<(u64, u32)> {
        // Entries may be used as fast as they are looked at; then whose turn it is goes nevertheless.
        for _ in 0..2 * self.len() {
            let place = self.first_in_turn()?;
            self.look(place);
            let queue = self.stands[place as usize].queue;
            if queue == Queue::Probation && self.is_proven(place) {
                self.move_to(place, Queue::Main);
            } else if self.stands[place as usize].was_used {
                self.move_to(place, queue);
            } else {
                break;
            }
        }
        let place = self.first_in_turn()?;
        Some((self.stands[place as usize].seen, place))
    }

    /// Of probation, unless the main queue has too many.
    fn first_in_turn(&self) -> Option<u32> {
        let is_main = self.main.len + self.n_probation(self.len()) > self.len();
        let line = if is_main || self.probation.len == 0 { self.main } else { self.probation };
        (line.len > 0).then_some(line.first)
    }

    /// How many of so many entries are to be on probation.
    fn n_probation(&self, n_entries: usize) -> usize {
        let n_probation = (self.share * n_entries as f64).round() as usize;
        n_probation.clamp(1, n_entries.saturating_sub(1).max(1))
    }

    /// Whether an entry on probation was used often enough to stay.
    fn is_proven(&mut self, place: u32) -> bool {
        let stand = &self.stands[place as usize];
        match stand.entry.as_ref().map_or(0, |entry| entry.get().usage().uses()) {
            0 => false,
            1 => self.is_admitted(stand.before),
            _ if self.main.len + self.n_probation(self.len()) < self.len() => true,
            _ => self.is_admitted(stand.earlier),
        }
    }

    /// Whether an entry is admitted whose last use but two was at a tick: since the one that is to go for it was used.
    fn is_admitted(&mut self, tick: u64) -> bool {
        tick != 0 && tick >= self.oldest_of_main()
    }

    fn oldest_of_main(&mut self) -> u64 {
        for _ in 0..self.main.len {
            let place = self.main.first;
            self.look(place);
            if !self.stands[place as usize].was_used {
                break;
            }
            self.move_to(place, Queue::Main);
        }
        self.stands.get(self.main.first as usize).map_or(0, |stand| stand.seen)
    }

    /// Notes what an entry was used for since it was last looked at.
    fn look(&mut self, place: u32) {
        let Some(stand) = self.stands.get_mut(place as usize) else { return };
        let Some(entry) = &stand.entry else { return };
        let used = entry.get().usage().tick();
        if used != stand.seen {
            if stand.queue == Queue::Main {
                stand.earlier = stand.seen;
            }
            stand.seen = used;
            stand.was_used = true;
            self.tally.used += 1;
            self.tally.won += u32::from(stand.is_beyond);
        }
        stand.is_beyond = used < self.frontier;
    }

    /// Looks at some entries, one after the other, so that uses are noticed while nothing has to go.
    fn look_around(&mut self) {
        for _ in 0..LOOKS {
            self.hand = if self.hand + 1 < self.end() { self.hand + 1 } else { 0 };
            self.look(self.hand);
        }
    }

    /// Counts an insertion, and thinks the share of probation over when there were some.
    fn count(&mut self, ghost: Ghost) {
        const FEW: u32 = 8;
        self.tally.inserted += 1;
        if self.frontier != 0 && ghost.used() >= self.frontier {
            let is_first = ghost.before() == 0;
            *(if is_first { &mut self.tally.lost_at_once } else { &mut self.tally.lost }) += 1;
        }
        if self.tally.inserted >= FEW.max(self.len() as u32 / 16) {
            let tally = std::mem::take(&mut self.tally);
            self.share = (self.share + tally.change(self.len())).clamp(LEAST, MOST);
            self.find_frontier();
        }
    }

    /// Finds since when the most recently used keys were used, as many as entries are held, in a sample of them.
    fn find_frontier(&mut self) {
        const SAMPLE: usize = 512;
        let step = (self.stands.len() / SAMPLE).max(1);
        let held = self.stands.iter().step_by(step).filter_map(|stand| stand.entry.as_ref());
        let mut ticks: Vec<u64> = held.map(|entry| entry.get().usage().tick()).collect();
        let ghosts = self.ghosts.sample(step);
        ticks.extend(ghosts);
        let n_older = ticks.len().saturating_sub(self.len() / step);
        let is_full = n_older > 0 && n_older < ticks.len();
        self.frontier = if is_full { *ticks.select_nth_unstable(n_older).1 } else { 0 };
    }

    /// Puts a stand at a place that is free.
    fn settle(&mut self, stand: Stand) -> u32 {
        let place = self.free.pop().unwrap_or_else(|| {
            if self.stands.len() == self.stands.capacity() {
                // Doubling would leave up to half of the places unused, which no charge accounts for.
                self.stands.reserve_exact((self.stands.len() / 8).max(16));
            }
            let place = u32::try_from(self.stands.len()).ok().filter(|place| *place != NONE);
            place.expect("there are fewer than 4 billion entries")
        });
        if let Some(entry) = &stand.entry {
            entry.get().set_place(place);
        }
        match self.stands.get_mut(place as usize) {
            Some(empty) => *empty = stand,
            None => self.stands.push(stand),
        }
        place
    }

    fn move_to(&mut self, place: u32, queue: Queue) {
        self.unlink(place);
        self.append(place, queue);
    }

    fn line(&mut self, queue: Queue) -> &mut Line {
        match queue {
            Queue::Probation => &mut self.probation,
            Queue::Main => &mut self.main,
        }
    }

    fn append(&mut self, place: u32, queue: Queue) {
        let line = self.line(queue);
        let prev = std::mem::replace(&mut line.last, place);
        line.len += 1;
        if prev == NONE {
            line.first = place;
        } else {
            self.stands[prev as usize].next = place;
        }
        let stand = &mut self.stands[place as usize];
        (stand.prev, stand.next, stand.queue, stand.was_used) = (prev, NONE, queue, false);
    }

    fn unlink(&mut self, place: u32) {
        let Stand { prev, next, queue, .. } = self.stands[place as usize];
        let line = self.line(queue);
        line.len -= 1;
        if prev == NONE {
            line.first = next;
        }
        if next == NONE {
            line.last = prev;
        }
        if prev != NONE {
            self.stands[prev as usize].next = next;
        }
        if next != NONE {
            self.stands[next as usize].prev = prev;
        }
    }
}

impl Tally {
    /// By how much the share of probation is to change, from what was won over LRU and lost to it.
    ///
    /// The numbers were found on recorded workloads, where each may be half or twice as large.
    fn change(&self, n_entries: usize) -> f64 {
        let [inserted, won, lost_at_once, lost] =
            [self.inserted, self.won, self.lost_at_once, self.lost].map(f64::from);
        // Most that is won is won by any share; and keys that come back at once only now and then, as where a scan turns
        // round, are hardly a reason.
        let (more, less) = (lost_at_once + lost / 8.0, won / 4.0);
        let balance = (more - less) / (won + lost_at_once + lost + inserted / 50.0);
        // What is lost weighs by how much the cache is used, of which the entries that were looked at are a sample:
        // with few hits, losses in a row may be made up for by as many that are won.
        let used = (f64::from(self.used) / (inserted * f64::from(LOOKS))).min(1.0);
        let speed = if balance > 0.0 { 0.8 * (used + 0.05) } else { 0.16 };
        balance * speed * inserted / n_entries.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::{entry, key};
    use proptest::prelude::*;

    /// Calls with numbers for keys, one after the other, under a limit on entries.
    struct Calls {
        order: Resistant,
        /// Which number stands where.
        held: Vec<(u64, u32)>,
        tick: u64,
        limit: usize,
    }

    impl Calls {
        fn new(limit: usize) -> Self {
            Self { order: Resistant::default(), held: Vec::new(), tick: 0, limit }
        }

        /// True for a hit.
        fn call(&mut self, number: u64) -> bool {
            self.tick += 2;
            if let Some((_, place)) = self.held.iter().find(|(held, _)| *held == number) {
                let entry = self.order.get(*place).expect("it is held").get();
                entry.usage().count(false);
                entry.usage().note_tick(|_| Some(self.tick));
                return true;
            }
            while self.held.len() >= self.limit {
                self.evict();
            }
            // The half of a hash that an entry keeps is the upper one.
            let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let place = self.order.insert(entry(key(hash, &number.to_le_bytes()), ()), self.tick);
            self.held.push((number, place));
            false
        }

        fn evict(&mut self) {
            let (_, place) = self.order.next_to_go().expect("something is held");
            self.order.bury(place);
            assert!(self.order.remove(place).is_some());
            self.held.retain(|(_, held)| *held != place);
        }

        fn hits(&mut self, numbers: impl IntoIterator<Item = u64>) -> usize {
            numbers.into_iter().filter(|number| self.call(*number)).count()
        }

        /// Holds the order to the list of what is held.
        fn assert_consistent(&mut self) {
            let order = &mut self.order;
            assert_eq!(order.len(), self.held.len());
            let mut places: Vec<u32> = self.held.iter().map(|(_, place)| *place).collect();
            let mut found = Vec::new();
            for (queue, line) in [(Queue::Probation, order.probation), (Queue::Main, order.main)] {
                let (mut place, mut prev) = (line.first, NONE);
                let n_before = found.len();
                while let Some(stand) = order.stands.get(place as usize) {
                    assert!(stand.queue == queue && stand.prev == prev && stand.entry.is_some());
                    found.push(place);
                    (prev, place) = (place, stand.next);
                }
                assert_eq!((line.last, line.len), (prev, found.len() - n_before));
            }
            found.sort_unstable();
            places.sort_unstable();
            assert_eq!(found, places);
            for (number, place) in &self.held {
                let entry = order.get(*place).expect("it is held").get();
                assert_eq!((entry.place(), entry.key_bytes()), (*place, &number.to_le_bytes()[..]));
            }
            let next = order.next_to_go();
            assert_eq!(next.is_some(), !places.is_empty());
            assert_eq!(order.next_to_go(), next, "looking again changes nothing");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

        #[test]
        fn all_that_is_held_stands_in_one_queue(
            limit in 1..40_usize,
            steps in prop::collection::vec((0..12_u8, 0..80_u64), 0..400),
        ) {
            let mut calls = Calls::new(limit);
            for (step, number) in steps {
                match step {
                    0..=8 => {
                        calls.call(number);
                    }
                    9 if !calls.held.is_empty() => {
                        let (_, place) = calls.held.swap_remove(number as usize % calls.held.len());
                        prop_assert!(calls.order.remove(place).is_some());
                        prop_assert!(calls.order.remove(place).is_none(), "it is gone");
                    }
                    10 if !calls.held.is_empty() => calls.evict(),
                    11 => {
                        let held = &mut calls.held;
                        let mut moves = Vec::new();
                        calls.order.close_up(|entry, from| moves.push((from, entry.get().place())));
                        for (_, place) in held {
                            let (_, to) = moves.iter().find(|(from, _)| from == place).expect("it moves");
                            *place = *to;
                        }
                        prop_assert_eq!(calls.order.end() as usize, calls.order.len());
                    }
                    _ => {}
                }
                calls.assert_consistent();
            }
        }
    }

    #[test]
    fn a_loop_over_more_than_fits_hits_nearly_as_often_as_it_can() {
        let mut calls = Calls::new(100);
        let n_hits = calls.hits((0..10).flat_map(|_| 0..200));
        // Of each round but the first, all that fits but what is on probation.
        assert!((750..=900).contains(&n_hits), "{n_hits} of 1800; LRU has none");
    }

    #[test]
    fn a_new_set_replaces_the_one_that_was_in_use() {
        let mut calls = Calls::new(100);
        calls.hits((0..20).flat_map(|_| 0..90));
        calls.hits((0..20).flat_map(|_| 1_000..1_090));
        assert_eq!(calls.hits(1_000..1_090), 90);
    }

    #[test]
    fn scans_that_turn_round_hit_as_often_as_with_lru() {
        let mut calls = Calls::new(100);
        let n_hits = calls.hits((0..10).flat_map(|_| (0..400).chain((0..400).rev())));
        // At each of the 19 turns, what fits.
        assert!(n_hits >= 1_880, "{n_hits}; LRU has 1900");
    }

    #[test]
    fn where_lru_is_better_probation_grows() {
        // Each number comes twice, so far apart that only an LRU still holds it, and never again.
        let mut calls = Calls::new(100);
        let numbers = (0..10_000_u64).flat_map(|n| [n, n.saturating_sub(40)]);
        let n_hits = calls.hits(numbers);
        assert!(n_hits > 8_000, "{n_hits}; LRU has nearly 10000");
    }
}
