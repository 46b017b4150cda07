//! A backend in trouble costs a call nothing, and is trusted again only when it has caught up.

use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use cache_core::Error;
use cache_core::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, Circuit, Guarded, Health, Memory, Scope,
    Time, Value,
};
use cache_core::codec::Encoded;
use pollster::FutureExt;

use crate::support::{Gate, eventually, watched};

/// What a backend does that a test has in hand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mood {
    Works,
    Fails,
    FailsToSet,
    Panics,
    Hangs,
    /// Works when the gate lets it.
    Held,
}

/// A memory in whatever mood a test wants.
pub(crate) struct Moody {
    memory: Memory,
    mood: Mutex<Mood>,
    pub(crate) gate: Gate,
    n_asked: AtomicUsize,
    log: Mutex<Vec<String>>,
}

impl Moody {
    /// One that works.
    pub(crate) fn new(time: &Time) -> Arc<Self> {
        Arc::new(Self {
            memory: Memory::with_time(1 << 30, time.clone()),
            mood: Mutex::new(Mood::Works),
            gate: Gate::new(),
            n_asked: AtomicUsize::new(0),
            log: Mutex::new(Vec::new()),
        })
    }

    async fn ask(&self, what: String) -> Result<(), Error> {
        self.n_asked.fetch_add(1, Ordering::SeqCst);
        let is_set = what.starts_with("set");
        self.log.lock().unwrap().push(what);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Works => Ok(()),
            Mood::FailsToSet if !is_set => Ok(()),
            Mood::Fails | Mood::FailsToSet => Err(Error::tier("the backend", "is in a bad mood")),
            Mood::Panics => panic!("a bad mood"),
            Mood::Hangs => pending().await,
            Mood::Held => {
                self.gate.pass().await;
                Ok(())
            }
        }
    }

    pub(crate) fn is(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    pub(crate) fn n_asked(&self) -> usize {
        self.n_asked.load(Ordering::SeqCst)
    }

    fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// What is there, whoever may see it.
    pub(crate) fn content(&self, n: u32) -> Option<Vec<u8>> {
        let found = self.memory.get(&key(n)).block_on().expect("a memory works");
        found.map(|value| value.payload().to_vec())
    }
}

impl CacheBackend for Moody {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        Box::pin(async move {
            // An answer that is on its way is from before.
            let found = self.memory.get(key).await;
            self.ask("get".to_owned()).await?;
            found
        })
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.ask(format!("set {}", value.payload().escape_ascii())).await?;
            self.memory.set(key, value).await
        })
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.ask("delete".to_owned()).await?;
            self.memory.delete(key).await
        })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            self.ask("clear".to_owned()).await?;
            self.memory.clear(scope).await
        })
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        Box::pin(async move {
            self.ask("stats".to_owned()).await?;
            self.memory.stats().await
        })
    }
}

/// A guarded backend with a time that a test moves.
#[derive(Clone)]
struct Tier {
    guarded: Guarded,
    moody: Arc<Moody>,
    time: Time,
}

impl Tier {
    fn new() -> Self {
        Self::with(|guarded| guarded)
    }

    fn with(set: impl FnOnce(Guarded) -> Guarded) -> Self {
        let time = Time::manual();
        let moody = Moody::new(&time);
        let guarded = Guarded::new(Arc::clone(&moody) as Arc<dyn CacheBackend>);
        Self { guarded: set(guarded.time(time.clone())), moody, time }
    }

    fn get(&self, n: u32) -> Option<Vec<u8>> {
        let guarded = self.guarded.clone();
        let found = watched(move || guarded.get(&key(n)).block_on().expect("it never fails"));
        found.map(|value| value.payload().to_vec())
    }

    fn set(&self, n: u32, bytes: &[u8]) {
        let value = Value::seal(&key(n), &Encoded::raw(bytes.to_vec()), None, &self.time);
        self.guarded.set(&key(n), value).block_on().expect("it never fails");
    }

    /// Notes that a key is to be removed, and waits for nothing.
    fn delete(&self, n: u32) {
        drop(self.guarded.delete(&key(n)));
    }

    fn clear(&self) {
        drop(self.guarded.clear(&Scope::function("shop", "price")));
    }

    fn health(&self) -> Health {
        self.guarded.health()
    }

    /// Waits, and lets time pass meanwhile, until all changes are made.
    #[track_caller]
    fn catch_up(&self) {
        eventually("the backend has caught up", || {
            self.time.advance(Duration::from_millis(200));
            self.health().queued == 0
        });
    }

    /// Waits without letting time pass.
    #[track_caller]
    fn settle(&self) {
        eventually("all changes are made", || self.health().queued == 0);
    }

    /// Brings the backend into a mood in which it is not asked any more.
    fn open_circuit(&self) {
        self.moody.is(Mood::Fails);
        for _ in 0..5 {
            self.get(1_000);
        }
        assert_eq!(self.health().circuit, Circuit::Open);
    }
}

pub(crate) fn key(n: u32) -> BackendKey {
    BackendKey::new("shop", "price", "1", &n.to_le_bytes())
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    Some(text.into())
}

#[test]
fn errors_and_panics_are_misses() {
    let tier = Tier::new();
    tier.set(1, b"a value");
    tier.settle();
    assert_eq!(tier.get(1), bytes("a value"));
    for (mood, failures) in [(Mood::Fails, 1), (Mood::Panics, 2)] {
        tier.moody.is(mood);
        assert_eq!(tier.get(1), None, "{mood:?}");
        assert_eq!(tier.health().failures, failures);
    }
    tier.moody.is(Mood::Works);
    assert_eq!(tier.get(1), bytes("a value"));
    tier.moody.is(Mood::Panics);
    let error = tier.guarded.stats().block_on().expect_err("it panics").to_string();
    assert!(error.contains("it panicked: a bad mood"), "{error}");
}

#[test]
fn a_lookup_is_given_up_softly_and_dropped_in_the_end() {
    watched(|| {
        // So long that it has not passed before the lookup has noticed that nobody waits.
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        let tier = Tier::with(|guarded| guarded.hard_timeout(year));
        tier.moody.is(Mood::Hangs);
        let lookup = thread::spawn({
            let tier = tier.clone();
            move || tier.get(1)
        });
        eventually("the lookup is given up", || {
            tier.time.advance(Duration::from_millis(100));
            tier.health().slow == 1
        });
        assert_eq!(lookup.join().expect("its end"), None);
        eventually("the operation is dropped", || {
            tier.time.advance(year);
            tier.health().timeouts == 1
        });
        assert_eq!(tier.health().failures, 1);
    });
}

#[test]
fn a_hard_timeout_that_is_the_shorter_one_ends_lookups_too() {
    watched(|| {
        let year = Duration::from_secs(365 * 24 * 60 * 60);
        let tier =
            Tier::with(|guarded| guarded.soft_timeout(year).hard_timeout(Duration::from_secs(1)));
        tier.moody.is(Mood::Hangs);
        let lookup = thread::spawn({
            let tier = tier.clone();
            move || tier.get(1)
        });
        eventually("the lookup has failed", || {
            tier.time.advance(Duration::from_secs(1));
            tier.health().timeouts == 1
        });
        assert_eq!(lookup.join().expect("its end"), None);
        assert_eq!((tier.health().failures, tier.health().slow), (1, 0));
    });
}

#[test]
fn a_slow_answer_is_no_failure() {
    watched(|| {
        let tier = Tier::with(|guarded| guarded.hard_timeout(Duration::MAX));
        tier.moody.is(Mood::Held);
        for n_slow in 1..=10 {
            let lookup = thread::spawn({
                let tier = tier.clone();
                move || tier.get(1)
            });
            eventually("the lookup is given up", || {
                tier.time.advance(Duration::from_millis(100));
                tier.health().slow == n_slow
            });
            lookup.join().expect("its end");
            tier.moody.gate.open();
        }
        assert_eq!((tier.health().circuit, tier.health().failures), (Circuit::Closed, 0));
    });
}

#[test]
fn a_dead_tier_is_left_in_peace_and_tried_by_one_at_a_time() {
    let tier = Tier::new();
    tier.open_circuit();
    let n_asked = tier.moody.n_asked();
    for _ in 0..100 {
        assert_eq!(tier.get(1), None);
    }
    assert_eq!(tier.moody.n_asked(), n_asked);
    assert_eq!(tier.health().skipped, 100);

    for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
        tier.time.advance(Duration::from_secs(pause) - Duration::from_millis(1));
        tier.get(1);
        assert_eq!(tier.moody.n_asked(), n_asked, "{pause} s are not over");
        tier.time.advance(Duration::from_millis(1));
        tier.get(1);
        tier.get(1);
        let tried = tier.moody.n_asked.swap(n_asked, Ordering::SeqCst) - n_asked;
        assert_eq!(tried, 1, "after {pause} s one tries");
        assert_eq!(tier.health().circuit, Circuit::Open);
    }

    tier.moody.is(Mood::Works);
    tier.time.advance(Duration::from_secs(60));
    tier.get(1);
    assert_eq!(tier.health().circuit, Circuit::Closed);
    tier.open_circuit();
    tier.moody.is(Mood::Works);
    tier.time.advance(Duration::from_secs(1));
    tier.get(1);
    assert_eq!(tier.health().circuit, Circuit::Closed, "the pause is short again");
}

#[test]
fn failures_with_success_between_them_do_not_open_the_circuit() {
    let tier = Tier::new();
    for _ in 0..10 {
        tier.moody.is(Mood::Fails);
        for _ in 0..4 {
            tier.get(1);
        }
        tier.moody.is(Mood::Works);
        tier.get(1);
    }
    assert_eq!(tier.health().circuit, Circuit::Closed);
    assert_eq!(tier.health().failures, 40);
}

#[test]
fn a_trial_that_is_dropped_leaves_the_next_one_to_somebody_else() {
    let tier = Tier::new();
    tier.open_circuit();
    tier.moody.is(Mood::Hangs);
    tier.time.advance(Duration::from_secs(1));
    let key = key(1);
    let mut lookup = tier.guarded.get(&key);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(lookup.as_mut().poll(&mut cx).is_pending());
    assert_eq!(tier.health().circuit, Circuit::HalfOpen);
    drop(lookup);
    tier.moody.is(Mood::Works);
    tier.get(1);
    assert_eq!(tier.health().circuit, Circuit::Closed);
}

#[test]
fn of_each_key_only_the_last_change_is_made() {
    let tier = Tier::new();
    tier.moody.is(Mood::Held);
    tier.set(1, b"first");
    eventually("the first one has begun", || tier.moody.n_asked() == 1);
    for n in 0..100 {
        tier.set(1, format!("value {n}").as_bytes());
        assert_eq!(tier.get(1), bytes(&format!("value {n}")), "what waits is seen as made");
    }
    assert_eq!(tier.health().queued, 1);
    tier.moody.gate.open_for_all();
    tier.settle();
    assert_eq!(tier.moody.take_log(), ["set first", "set value 99"]);
    assert_eq!(tier.moody.content(1), bytes("value 99"));
}

#[test]
fn changes_that_wait_are_seen_as_made() {
    let tier = Tier::new();
    for n in 0..3 {
        tier.set(n, b"old");
    }
    tier.settle();
    tier.open_circuit();
    tier.set(0, b"new");
    tier.delete(1);
    assert_eq!((tier.get(0), tier.get(1)), (bytes("new"), None));
    tier.clear();
    assert_eq!((tier.get(0), tier.get(1), tier.get(2)), (None, None, None));
    tier.set(2, b"newer");
    assert_eq!((tier.get(0), tier.get(2)), (None, bytes("newer")));
    assert_eq!(tier.moody.content(0), bytes("old"), "nothing has been made yet");
}

#[test]
fn missed_changes_are_made_when_the_tier_is_back_and_nothing_older_is_found_before() {
    let tier = Tier::new();
    for n in 0..20 {
        tier.set(n, b"old");
    }
    tier.settle();
    tier.open_circuit();
    for n in 0..10 {
        tier.delete(n);
    }
    tier.set(10, b"new");
    tier.moody.is(Mood::Held);
    // Nobody asks: it recovers by itself.
    tier.time.advance(Duration::from_secs(1));
    eventually("a change tries", || tier.health().circuit == Circuit::HalfOpen);
    assert!((0..10).all(|n| tier.get(n).is_none()));
    tier.moody.is(Mood::Works);
    tier.moody.gate.open_for_all();
    tier.settle();
    assert_eq!(tier.health().circuit, Circuit::Closed);
    assert!((0..10).all(|n| tier.moody.content(n).is_none()));
    assert_eq!(tier.moody.content(10), bytes("new"));
    assert!((11..20).all(|n| tier.moody.content(n) == bytes("old")));
}

#[test]
fn a_clear_overtakes_what_came_before_it_and_nothing_else() {
    let tier = Tier::new();
    tier.moody.is(Mood::Held);
    tier.set(1, b"running");
    eventually("it has begun", || tier.moody.n_asked() == 1);
    tier.set(2, b"waiting");
    eventually("it has begun too", || tier.moody.n_asked() == 2);
    tier.moody.is(Mood::Works);
    tier.clear();
    // What is done in the background is done in turn, so a clear that did not wait would be over now.
    let other = Tier::new();
    other.set(1, b"later");
    other.settle();
    assert_eq!(tier.moody.n_asked(), 2, "the clear waits for what is running");
    tier.set(3, b"after");
    tier.set(1, b"after too");
    assert_eq!((tier.get(1), tier.get(2), tier.get(3)), (bytes("after too"), None, bytes("after")));
    tier.moody.gate.open_for_all();
    tier.settle();
    assert_eq!(tier.moody.content(1), bytes("after too"));
    assert_eq!(tier.moody.content(2), None);
    assert_eq!(tier.moody.content(3), bytes("after"));
}

#[test]
fn what_there_is_no_room_for_removes_more_and_never_less() {
    let tier = Tier::with(|guarded| guarded.max_queued(10, 4_000));
    for n in 0..100 {
        tier.set(n, b"old");
        tier.settle();
    }
    tier.open_circuit();
    for n in 0..5 {
        tier.set(n, &[b'x'; 1_500]);
        assert!(tier.health().queued_bytes <= 4_000, "{:?}", tier.health());
    }
    assert!((0..5).all(|n| tier.get(n) != bytes("old")));
    assert!(tier.get(4).is_some(), "the last ones have room");
    tier.set(5, &[b'x'; 10_000]);
    assert_eq!(tier.get(5), None);
    for n in 6..100 {
        tier.delete(n);
        assert!(tier.health().queued <= 11, "{:?}", tier.health());
    }
    assert!((0..100).all(|n| tier.get(n) != bytes("old")));
    assert!(tier.health().coarsened > 0);
    tier.moody.is(Mood::Works);
    tier.catch_up();
    assert!((0..100).all(|n| tier.moody.content(n) != bytes("old")));
}

#[test]
fn a_value_that_the_tier_refuses_takes_the_older_one_along() {
    let tier = Tier::new();
    tier.set(1, b"old");
    tier.settle();
    tier.moody.is(Mood::FailsToSet);
    tier.set(1, b"new");
    tier.catch_up();
    assert_eq!(tier.moody.content(1), None);
    assert_eq!(tier.moody.take_log(), ["set old", "set new", "set new", "delete"]);
    assert_eq!(tier.health().circuit, Circuit::Closed);
}

#[test]
fn a_removal_waits_for_a_tier_that_works_and_for_no_other() {
    watched(|| {
        let tier = Tier::new();
        tier.set(1, b"a value");
        tier.guarded.delete(&key(1)).block_on().expect("it never fails");
        assert_eq!(tier.moody.content(1), None, "it has been made");
        tier.open_circuit();
        tier.guarded.delete(&key(1)).block_on().expect("it never fails");
        tier.guarded.clear(&Scope::namespace("shop")).block_on().expect("it never fails");
    });
}

#[test]
fn a_flush_tells_whether_everything_was_made() {
    watched(|| {
        let tier = Tier::new();
        assert!(tier.guarded.flush(Duration::ZERO).block_on(), "there is nothing to do");
        for n in 0..100 {
            tier.set(n, b"a value");
        }
        assert!(tier.guarded.flush(Duration::from_secs(1)).block_on());
        assert!((0..100).all(|n| tier.moody.content(n).is_some()));
        tier.open_circuit();
        tier.set(1, b"new");
        assert!(!tier.guarded.flush(Duration::ZERO).block_on());
    });
}

#[test]
fn whatever_happens_nothing_older_than_the_last_change_is_found() {
    watched(|| {
        let mut state = 42u64;
        let mut random = |n: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        let tier = Tier::with(|guarded| guarded.max_queued(6, 100));
        tier.moody.gate.open_for_all();
        let mut last: HashMap<u32, Option<Vec<u8>>> = HashMap::new();
        for round in 0..3_000 {
            let n = random(8) as u32;
            match random(12) {
                0..5 => {
                    let value = format!("{round}").repeat(1 + random(6) as usize).into_bytes();
                    tier.set(n, &value);
                    last.insert(n, Some(value));
                }
                5..8 => {
                    tier.delete(n);
                    last.insert(n, None);
                }
                8 => {
                    tier.clear();
                    last.clear();
                }
                9 => tier.time.advance(Duration::from_millis(random(2_000))),
                10 => {
                    let moods =
                        [Mood::Works, Mood::Fails, Mood::FailsToSet, Mood::Panics, Mood::Held];
                    tier.moody.is(moods[random(5) as usize]);
                }
                _ => {}
            }
            if let Some(found) = tier.get(n) {
                assert_eq!(last.get(&n), Some(&Some(found)), "round {round}");
            }
        }
        tier.moody.is(Mood::Works);
        tier.catch_up();
        for n in 0..8 {
            let found = tier.moody.content(n);
            assert!(
                found.is_none() || last.get(&n) == Some(&found),
                "{n}: {found:?} {:?}",
                last.get(&n)
            );
        }
    });
}
