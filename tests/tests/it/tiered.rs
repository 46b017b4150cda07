//! Several tiers act as one.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cache_core::backend::{CacheBackend, Guarded, Tiered, Time, Value};
use cache_core::codec::Encoded;
use pollster::FutureExt;

use crate::guarded::{Mood, Moody, key};
use crate::support::{eventually, watched};

struct Tiers {
    fast: Arc<Moody>,
    slow: Arc<Moody>,
    both: Arc<Tiered>,
    time: Time,
}

impl Tiers {
    fn new() -> Self {
        let time = Time::manual();
        let (fast, slow) = (Moody::new(&time), Moody::new(&time));
        let guard = |moody: &Arc<Moody>| {
            Guarded::new(Arc::clone(moody) as Arc<dyn CacheBackend>).time(time.clone())
        };
        let both = Arc::new(Tiered::new([guard(&fast), guard(&slow)]));
        Self { fast, slow, both, time }
    }

    fn set(&self, n: u32, bytes: &[u8]) {
        let value = Value::seal(&key(n), &Encoded::raw(bytes.to_vec()), None, &self.time);
        self.both.set(&key(n), value).block_on().expect("it never fails");
        self.settle();
    }

    fn get(&self, n: u32) -> Option<Vec<u8>> {
        let found = self.both.get(&key(n)).block_on().expect("it never fails");
        self.settle();
        found.map(|value| value.payload().to_vec())
    }

    #[track_caller]
    fn settle(&self) {
        eventually("all changes are made", || {
            self.both.tiers().iter().all(|tier| tier.health().queued == 0)
        });
    }
}

#[test]
fn what_a_slower_tier_has_is_kept_in_the_faster_one() {
    let tiers = Tiers::new();
    tiers.set(1, b"a value");
    assert!(tiers.fast.content(1).is_some() && tiers.slow.content(1).is_some());
    tiers.fast.delete(&key(1)).block_on().expect("a memory works");
    assert!(tiers.get(1).is_some());
    assert!(tiers.fast.content(1).is_some());
    let n_asked = tiers.slow.n_asked();
    assert!(tiers.get(1).is_some());
    assert_eq!(tiers.slow.n_asked(), n_asked, "the faster one has it");
}

#[test]
fn a_tier_in_trouble_is_passed_over() {
    let tiers = Tiers::new();
    tiers.set(1, b"a value");
    tiers.fast.is(Mood::Fails);
    let found = tiers.both.get(&key(1)).block_on().expect("it never fails");
    assert!(found.is_some(), "the slower one has it");
    tiers.fast.is(Mood::Works);
    tiers.slow.is(Mood::Fails);
    tiers.time.advance(Duration::from_secs(10));
    assert!(tiers.get(1).is_some());
}

#[test]
fn a_value_that_is_removed_while_it_is_looked_up_does_not_come_back() {
    watched(|| {
        let tiers = Tiers::new();
        tiers.set(1, b"old");
        tiers.fast.delete(&key(1)).block_on().expect("a memory works");
        tiers.slow.is(Mood::Held);
        let n_asked = tiers.slow.n_asked();
        let lookup = thread::spawn({
            let both = Arc::clone(&tiers.both);
            move || both.get(&key(1)).block_on().expect("it never fails")
        });
        eventually("the slower tier is asked", || tiers.slow.n_asked() > n_asked);
        drop(tiers.both.delete(&key(1)));
        tiers.slow.gate.open_for_all();
        lookup.join().expect("its end");
        tiers.settle();
        assert_eq!(tiers.get(1), None);
        assert_eq!((tiers.fast.content(1), tiers.slow.content(1)), (None, None));
    });
}

#[test]
fn concurrent_changes_leave_all_tiers_the_same() {
    watched(|| {
        let tiers = Tiers::new();
        thread::scope(|scope| {
            for thread in 0..4 {
                let tiers = &tiers;
                scope.spawn(move || {
                    for round in 0..200 {
                        let bytes = format!("{thread} {round}").into_bytes();
                        let n = round % 3;
                        let value = Value::seal(&key(n), &Encoded::raw(bytes), None, &tiers.time);
                        drop(tiers.both.set(&key(n), value));
                        if round % 7 == 0 {
                            drop(tiers.both.delete(&key(n)));
                        }
                        drop(tiers.both.get(&key(n)).block_on());
                    }
                });
            }
        });
        tiers.settle();
        for n in 0..3 {
            assert_eq!(tiers.fast.content(n), tiers.slow.content(n));
        }
    });
}
