use super::*;
use crate::clock::tests::eventually;
use crate::entry::tests::{entry, key};
use crate::epoch::{self, Retired};
use crate::sync::AtomicUsize;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::thread;

/// A table and those who hold what is in it.
struct Held {
    table: Table,
    writer: Writer,
    entries: Vec<EntryRef>,
}

impl Held {
    fn new() -> Self {
        let (table, writer) = Table::new();
        Self { table, writer, entries: Vec::new() }
    }

    /// Adds the result of call `n`, whose key has this hash.
    fn insert(&mut self, hash: u64, n: u64) {
        let entry = entry(key(hash, &n.to_le_bytes()), n);
        // Nobody reads meanwhile.
        drop(self.table.insert(&mut self.writer, &entry));
        self.entries.push(entry);
    }

    /// Takes out the entry that was held as number `idx`.
    fn remove(&mut self, idx: usize) {
        let entry = self.entries.swap_remove(idx);
        self.table.remove(&mut self.writer, &entry);
        let key = key(u64::from(entry.get().hash()) << 32, entry.get().key_bytes());
        assert!(self.table.find_locked(&self.writer, key).is_none());
    }

    fn clear(&mut self) {
        drop(self.table.clear(&mut self.writer));
        self.entries.clear();
    }

    fn find(&self, hash: u64, n: u64) -> Option<u64> {
        let (pin, bytes) = (epoch::pin().expect("the thread is not ending"), n.to_le_bytes());
        let wanted = key(hash, &bytes);
        let found = self.table.find(pin, hash, wanted)?;
        Some(*found.entry().value().expect("a number"))
    }

    /// How many entries each bucket says that went on to the next.
    fn passed(&self) -> Vec<u64> {
        let buckets = &self.table.present(&self.writer).0;
        buckets.iter().map(|bucket| bucket.bytes.load(Ordering::Relaxed) >> 56).collect()
    }

    /// Holds the table to what is in it.
    fn assert_consistent(&self) {
        for entry in &self.entries {
            let entry = entry.get();
            let n = *entry.value().expect("a number");
            assert_eq!(self.find(u64::from(entry.hash()) << 32, n), Some(n));
            let found = self
                .table
                .find_locked(&self.writer, key(u64::from(entry.hash()) << 32, entry.key_bytes()));
            assert!(found.is_some());
        }
        let buckets = self.table.present(&self.writer);
        assert_eq!(buckets.entries().count(), self.entries.len());
        assert_eq!(self.writer.n_entries, self.entries.len());
        let mut passed = vec![0; buckets.0.len()];
        for entry in &self.entries {
            let mut idx = buckets.first(entry.get().hash());
            while !(0..WIDTH).any(|place| buckets.0[idx].read(place) == entry.as_raw()) {
                passed[idx] += 1;
                idx = (idx + 1) % passed.len();
            }
        }
        for (said, passed) in self.passed().into_iter().zip(passed) {
            assert!(said == passed || said == MANY, "{said} in place of {passed}");
        }
    }
}

#[test]
fn entries_of_one_hash_go_on_to_further_buckets_and_are_told_apart() {
    let mut held = Held::new();
    // Of the last bucket, so that the next one is the first.
    (0..20).for_each(|n| held.insert(u64::MAX, n));
    held.assert_consistent();
    assert_eq!(held.passed(), [6, 0, 0, 13]);
    assert_eq!(held.find(u64::MAX, 20), None);
    assert_eq!(held.find(u64::MAX - (1 << 32), 0), None, "another hash");
}

#[test]
fn what_was_removed_is_missed_and_nothing_else_is() {
    let mut held = Held::new();
    (0..60).for_each(|n| held.insert((n % 3) << 32, n));
    for n in 0..60 {
        // One from the buckets that are looked at first, one from the last, by turns.
        let idx = if n % 2 == 0 { 0 } else { held.entries.len() - 1 };
        held.remove(idx);
        held.assert_consistent();
    }
    assert!(held.passed().iter().all(|passed| *passed == 0), "nothing is left to look for");
}

#[test]
fn a_count_that_was_too_high_stays_until_the_table_grows() {
    let mut held = Held::new();
    // Room for more, so that the table does not grow meanwhile.
    (0..600_u64).for_each(|n| held.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n));
    while !held.entries.is_empty() {
        held.remove(0);
    }
    (0..WIDTH as u64 + MANY + 10).for_each(|n| held.insert(0, n));
    held.assert_consistent();
    assert_eq!(held.passed()[0], MANY);
    while !held.entries.is_empty() {
        held.remove(0);
    }
    assert_eq!(held.passed()[0], MANY, "it is not known how many there are");
    held.insert(0, 1);
    held.assert_consistent();
    assert_eq!(held.find(0, 2), None, "also where a look goes on for long");

    let n_buckets = held.passed().len();
    for n in 2.. {
        if held.passed().len() > n_buckets {
            break;
        }
        held.insert(n << 52, n);
    }
    held.assert_consistent();
    assert_ne!(held.passed()[0], MANY);
}

#[test]
fn a_table_grows_before_it_is_full_and_is_small_again_when_it_is_cleared() {
    let mut held = Held::new();
    for n in 0..5_000_u64 {
        held.insert(n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n);
        assert!(held.entries.len() * 5 <= held.passed().len() * WIDTH * 4);
    }
    held.assert_consistent();
    let n_places = held.passed().len() * WIDTH;
    assert!(n_places * 4 / 5 < 5_000 * 3 / 2, "{n_places} places");
    held.clear();
    held.assert_consistent();
    assert_eq!((held.passed().len(), held.find(0, 0)), (Buckets::FEWEST, None));
    held.insert(0, 0);
    held.assert_consistent();
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn a_table_holds_what_was_put_in_and_not_taken_out(
        steps in prop::collection::vec((0..200_u8, any::<usize>(), any::<u64>()), 0..300),
    ) {
        let mut held = Held::new();
        for (n, (step, which, hash)) in (0..).zip(steps) {
            match step {
                // Many of the same bucket, and some of the same hash.
                0..60 => held.insert(hash >> 61 << 32, n),
                60..120 => held.insert(hash, n),
                199 => held.clear(),
                _ if held.entries.is_empty() => {}
                _ => held.remove(which % held.entries.len()),
            }
            prop_assert_eq!(held.find(hash, u64::MAX), None);
        }
        held.assert_consistent();
    }
}

/// A number that is another one once it is dropped.
struct Alive(AtomicU64);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(u64::MAX, Ordering::SeqCst);
    }
}

/// What was taken out of reach, until nobody can be reading it any more.
struct Retiring<T>(Vec<(Retired, T)>);

impl<T> Retiring<T> {
    fn add(&mut self, garbage: T) {
        self.0.push((epoch::retire(), garbage));
        self.0.retain(|(retired, _)| !retired.is_free());
    }
}

#[test]
fn a_reader_finds_what_is_there_all_the_time_and_nothing_that_was_given_back() {
    const N: u64 = 3_000;
    // Many to a bucket, so that they stand in each other's way.
    let hash = |n: u64| (n / 50).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let (table, mut writer) = Table::new();
    let (n_lasting, n_rounds) = (AtomicU64::new(0), AtomicUsize::new(0));

    let write = || {
        let (mut lasting, mut passing) = (Vec::new(), VecDeque::new());
        let (mut old_buckets, mut old_entries) = (Retiring(Vec::new()), Retiring(Vec::new()));
        for n in 0..N {
            for (n, is_passing) in [(n, false), (N + n, true)] {
                let entry = entry(key(hash(n % N), &n.to_le_bytes()), Alive(AtomicU64::new(n)));
                if let Some(buckets) = table.insert(&mut writer, &entry) {
                    old_buckets.add(buckets);
                }
                if is_passing { passing.push_back(entry) } else { lasting.push(entry) }
            }
            n_lasting.store(n + 1, Ordering::Release);
            if passing.len() > 20
                && let Some(entry) = passing.pop_front()
            {
                table.remove(&mut writer, &entry);
                old_entries.add(entry);
            }
            if n % 100 == 0 {
                let n_before = n_rounds.load(Ordering::SeqCst);
                eventually("the reader goes on", || n_rounds.load(Ordering::SeqCst) > n_before);
            }
        }
        (lasting, passing, old_buckets, old_entries)
    };
    thread::scope(|scope| {
        let writing = scope.spawn(write);
        while !writing.is_finished() {
            let n_lasting = n_lasting.load(Ordering::Acquire);
            let newest = n_lasting.saturating_sub(50)..n_lasting;
            for n in (0..n_lasting).chain(newest.map(|n| N + n)) {
                let pin = epoch::pin().expect("the thread is not ending");
                let bytes = n.to_le_bytes();
                let wanted = key(hash(n % N), &bytes);
                let found = table.find(pin, wanted.hash, wanted);
                assert!(found.is_some() || n >= N, "{n} is there and was not found");
                let Some(found) = found else { continue };
                let Alive(number) = found.entry().value().expect("a value that is alive");
                if n >= N {
                    // It may be taken out now, and must not be dropped.
                    thread::yield_now();
                }
                assert_eq!(number.load(Ordering::SeqCst), n);
            }
            n_rounds.fetch_add(1, Ordering::SeqCst);
        }
        assert!(writing.join().is_ok());
    });
}
