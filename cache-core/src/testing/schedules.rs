//! Loads and what invalidates them, under many thousands of schedules.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --package cache-core --lib schedules`

use std::sync::{Mutex, PoisonError};

use shuttle::future::block_on;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::{Config, Runner, thread};

use super::TestCache;
use crate::cached;

/// What the cached functions read, and what changes.
static SOURCE: AtomicU64 = AtomicU64::new(0);

#[cached(crate = crate)]
fn read() -> u64 {
    let value = SOURCE.load(Ordering::SeqCst);
    thread::yield_now();
    value
}

#[cached(crate = crate)]
async fn read_async() -> u64 {
    let value = SOURCE.load(Ordering::SeqCst);
    shuttle::future::yield_now().await;
    value
}

#[cached(crate = crate, invalidate_on = ["changed"])]
fn read_on_event() -> u64 {
    let value = SOURCE.load(Ordering::SeqCst);
    thread::yield_now();
    value
}

#[cached(crate = crate, invalidate_on = ["changed"])]
async fn read_on_event_async() -> u64 {
    let value = SOURCE.load(Ordering::SeqCst);
    shuttle::future::yield_now().await;
    value
}

/// Its events are known only when it has been read.
#[cached(crate = crate, invalidate_on = |value| [("changed from", *value)])]
fn read_on_event_of_value() -> u64 {
    let value = SOURCE.load(Ordering::SeqCst);
    thread::yield_now();
    value
}

/// Depends on what it calls.
#[cached(crate = crate)]
fn read_through() -> u64 {
    N_OTHER_CALLS.fetch_add(1, Ordering::SeqCst);
    let value = read_on_event();
    thread::yield_now();
    value
}

/// How many calls there were besides those of the callers.
static N_OTHER_CALLS: AtomicU64 = AtomicU64::new(0);

/// How many schedules of each kind a scenario runs under.
const N_SCHEDULES: usize = 5_000;

/// Runs a scenario under schedules that are drawn by chance, and under those in which few threads are interrupted.
fn check(scenario: impl Fn() + Send + Sync + Copy + 'static) {
    /// Shuttle's threads are all one thread of the machine, so that there is one scenario at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let run = |scheduler: Box<dyn Scheduler + Send>| {
        let mut config = Config::new();
        config.silence_warnings = true;
        Runner::new(scheduler, config).run(move || {
            SOURCE.store(0, Ordering::SeqCst);
            N_OTHER_CALLS.store(0, Ordering::SeqCst);
            scenario();
        });
    };
    run(Box::new(RandomScheduler::new(N_SCHEDULES)));
    run(Box::new(PctScheduler::new(3, N_SCHEDULES)));
}

/// A function, and a way to say that what it read has changed.
#[derive(Clone, Copy)]
struct Function {
    call: fn() -> u64,
    changed: fn(&TestCache),
}

/// Promise I1: what was computed before a change is not served after that was said, whoever is loading meanwhile.
fn nothing_is_served_from_before(function: Function) {
    check(move || {
        let cache = TestCache::new();
        let _scope = cache.enter();
        let callers = [1, 2].map(|_| {
            let cache = cache.clone();
            thread::spawn(move || cache.run(|| [(function.call)(), (function.call)()]))
        });
        SOURCE.store(1, Ordering::SeqCst);
        (function.changed)(&cache);
        assert_eq!((function.call)(), 1, "served to who said it");
        for caller in callers {
            let [first, second] = caller.join().expect("a caller");
            assert!(first <= second, "served after something newer");
        }
        assert_eq!((function.call)(), 1, "served to who came after all");
        let stats = cache.stats();
        let n_calls = 6 + N_OTHER_CALLS.load(Ordering::SeqCst);
        assert_eq!(stats.hits + stats.misses, n_calls, "each call is one or the other");
    });
}

macro_rules! nothing_is_served_from_before {
    ($($(#[$attribute:meta])* $name:ident: $call:expr, $changed:expr;)+) => {$(
        #[test]
        $(#[$attribute])*
        fn $name() {
            nothing_is_served_from_before(Function { call: $call, changed: $changed });
        }
    )+};
}

nothing_is_served_from_before! {
    after_invalidate: read, |_| { read::invalidate(); };
    after_clear: read, |_| read::clear();
    after_clear_of_everything: read, |cache| cache.clear();
    after_put: read, |_| { read::put(1); };
    after_refresh: read, |_| { N_OTHER_CALLS.store(1, Ordering::SeqCst); read::refresh(); };
    after_invalidate_async: wait, |_| { read_async::invalidate(); };
    after_clear_async: wait, |_| read_async::clear();
    after_put_async: wait, |_| { read_async::put(1); };
    after_emit: read_on_event, |cache| cache.emit("changed");
    after_emit_async: wait_on_event, |cache| cache.emit("changed");
    after_emit_all: read_on_event, |cache| cache.emit_all::<str>();
    after_emit_of_what_the_value_tells: read_on_event_of_value, |cache| cache.emit(("changed from", 0));
    after_emit_through_another: read_through, |cache| cache.emit("changed");
    after_invalidate_through_another: read_through, |_| { read_on_event::invalidate(); };

    // The tests of the test: verbs that forget a part.
    #[should_panic(expected = "served to who said it")]
    unless_nothing_is_said: read, |_| ();
    #[should_panic(expected = "served to who")]
    unless_loads_in_flight_are_forgotten: read, evict;
    #[should_panic(expected = "served to who")]
    unless_loads_in_flight_are_forgotten_async: wait, evict;
    #[should_panic(expected = "served to who")]
    unless_another_event_is_emitted: read_through, |cache| cache.emit("something else");
}

fn wait() -> u64 {
    block_on(read_async())
}

fn wait_on_event() -> u64 {
    block_on(read_on_event_async())
}

/// Drops what is stored, and does not reach what is being loaded.
fn evict(cache: &TestCache) {
    cache.set_max_entries(0);
    cache.set_max_entries(None);
}
