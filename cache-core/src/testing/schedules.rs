//! Loads and what invalidates them, under many thousands of schedules.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --package cache-core --lib schedules`

use std::sync::{Mutex, PoisonError};

use shuttle::future::block_on;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::{Config, Runner, thread};

use super::TestCache;
use crate::{Stats, cached, emit, emit_all};

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

/// A function that depends on what another one does.
#[cached(crate = crate)]
fn around() -> u64 {
    let value = read_on_event();
    thread::yield_now();
    value
}

/// How many calls the change was itself.
static N_CALLS_OF_VERB: AtomicU64 = AtomicU64::new(0);

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
    stats: fn() -> Stats,
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
        let stats = (function.stats)();
        let n_calls = 6 + N_CALLS_OF_VERB.swap(0, Ordering::SeqCst);
        assert_eq!(stats.hits + stats.misses, n_calls, "each call is one or the other");
    });
}

macro_rules! call {
    ($function:ident) => {
        $function()
    };
    ($function:ident await) => {
        block_on($function())
    };
}

macro_rules! nothing_is_served_from_before {
    ($($(#[$attribute:meta])* $name:ident: $function:ident $(.$wait:ident)?, $changed:expr;)+) => {$(
        #[test]
        $(#[$attribute])*
        fn $name() {
            nothing_is_served_from_before(Function {
                call: || call!($function $($wait)?),
                stats: $function::stats,
                changed: $changed,
            });
        }
    )+};
}

nothing_is_served_from_before! {
    after_invalidate: read, |_| { read::invalidate(); };
    after_clear: read, |_| read::clear();
    after_clear_of_everything: read, |cache| cache.clear();
    after_put: read, |_| { read::put(1); };
    after_refresh: read, |_| { N_CALLS_OF_VERB.store(1, Ordering::SeqCst); read::refresh(); };
    after_invalidate_async: read_async.await, |_| { read_async::invalidate(); };
    after_clear_async: read_async.await, |_| read_async::clear();
    after_put_async: read_async.await, |_| { read_async::put(1); };
    after_an_event: read_on_event, |_| emit("changed");
    after_all_events: read_on_event, |_| emit_all::<str>();
    after_an_event_async: read_on_event_async.await, |_| emit("changed");
    after_an_event_of_what_it_returned: read_on_event_of_value, |_| emit(("changed from", 0));
    after_an_event_of_what_it_calls: around, |_| emit("changed");
    after_invalidate_of_what_it_calls: around, |_| { read_on_event::invalidate(); };

    // The tests of the test: verbs that forget a part.
    #[should_panic(expected = "served to who said it")]
    unless_nothing_is_said: read, |_| ();
    #[should_panic(expected = "served to who")]
    unless_loads_in_flight_are_forgotten: read, evict;
    #[should_panic(expected = "served to who")]
    unless_loads_in_flight_are_forgotten_async: read_async.await, evict;
    #[should_panic(expected = "served to who")]
    unless_what_is_called_is_forgotten: around, |_| around::clear();
}

/// Drops what is stored, and does not reach what is being loaded.
fn evict(cache: &TestCache) {
    cache.set_max_entries(0);
    cache.set_max_entries(None);
}
