//! Loads and what invalidates them, under many thousands of schedules.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --package cache-core --lib schedules`

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};

use shuttle::future::block_on;
use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::sync::atomic::{AtomicU64, Ordering};
use shuttle::{Config, Runner, thread};

use super::TestCache;
use crate::{Cache, Stats, Transaction, cached, current, emit, emit_all};

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
    let (value, caller) = (SOURCE.load(Ordering::SeqCst), thread::current().id());
    shuttle::future::yield_now().await;
    N_HANDED_OVER.fetch_add((thread::current().id() != caller).into(), Ordering::SeqCst);
    value
}

/// How many bodies have ended on another thread than they began on, over all schedules.
static N_HANDED_OVER: AtomicUsize = AtomicUsize::new(0);

/// Its events are known only when it has been read.
#[cached(crate = crate, invalidate_on = |value| [("changed from", *value)])]
fn read_on_event_of_value() -> u64 {
    let value = SOURCE.load(Ordering::SeqCst);
    thread::yield_now();
    value
}

/// A function whose body names its event.
#[cached(crate = crate)]
fn read_and_say() -> u64 {
    current().depends_on("changed");
    let value = SOURCE.load(Ordering::SeqCst);
    thread::yield_now();
    value
}

/// A function whose body ends with its caller, because it borrows from it.
#[cached(crate = crate, skip(source), invalidate_on = ["changed"])]
async fn read_borrowed(source: &AtomicU64) -> u64 {
    let value = source.load(Ordering::SeqCst);
    shuttle::future::yield_now().await;
    value
}

/// A function of which many keys are loaded at once.
#[cached(crate = crate, batch = read_rows, invalidate_on = ["changed"])]
fn read_row(id: u64) -> u64 {
    read_rows(vec![id]).remove(0)
}

fn read_rows(ids: Vec<u64>) -> Vec<u64> {
    let rows = ids.iter().map(|_| SOURCE.load(Ordering::SeqCst)).collect();
    thread::yield_now();
    rows
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
    after_a_transaction: read_on_event, |_| commit(&["unheard", "changed"]);
    after_a_transaction_async: read_on_event_async.await, |_| commit(&["changed", "unheard"]);
    after_a_transaction_of_what_it_calls: around, |_| commit(&["changed"]);
    after_an_event_that_its_body_names: read_and_say, |_| emit("changed");
    after_an_event_of_what_it_calls: around, |_| emit("changed");
    after_invalidate_of_what_it_calls: around, |_| { read_on_event::invalidate(); };

    // The tests of the test: verbs that forget a part.
    #[should_panic(expected = "served to who said it")]
    unless_nothing_is_said: read, |_| ();
    #[should_panic(expected = "served to who said it")]
    unless_a_transaction_is_not_committed: read_on_event, |_| drop(transaction(&["changed"]));
    #[should_panic(expected = "served to who")]
    unless_loads_in_flight_are_forgotten: read, evict;
    #[should_panic(expected = "served to who")]
    unless_loads_in_flight_are_forgotten_async: read_async.await, evict;
    #[should_panic(expected = "served to who")]
    unless_what_is_called_is_forgotten: around, |_| around::clear();
}

/// A transaction that has emitted events, and is not committed yet.
fn transaction(events: &[&'static str]) -> Transaction {
    let mut transaction = Transaction::new();
    events.iter().for_each(|event| transaction.emit(*event));
    transaction
}

fn commit(events: &[&'static str]) {
    transaction(events).commit();
}

/// Drops what is stored, and does not reach what is being loaded.
fn evict(cache: &TestCache) {
    cache.set_max_entries(0);
    cache.set_max_entries(None);
}

/// A call of an async function.
type Call = fn() -> Pin<Box<dyn Future<Output = u64>>>;

/// Promise I1 where the caller that began a load goes away while others wait for it, and `change` is said meanwhile.
fn a_leader_is_dropped(call: Call, stats: fn() -> Stats, change: fn()) {
    check(move || {
        let cache = TestCache::new();
        let _scope = cache.enter();
        let leader = cache.clone();
        let leader = thread::spawn(move || {
            leader.run(|| {
                let mut call = call();
                let _ = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                thread::yield_now();
            });
        });
        let followers = [1, 2].map(|_| {
            let cache = cache.clone();
            thread::spawn(move || cache.run(|| [block_on(call()), block_on(call())]))
        });
        SOURCE.store(1, Ordering::SeqCst);
        change();
        assert_eq!(block_on(call()), 1, "served to who said it");
        leader.join().expect("the leader");
        for follower in followers {
            let [first, second] = follower.join().expect("a follower");
            assert!(first <= second, "served after something newer");
        }
        assert_eq!(block_on(call()), 1, "served to who came after all");
        let stats = stats();
        assert_eq!(stats.hits + stats.misses, 7, "each call is one or the other");
    });
}

#[test]
fn a_leader_is_dropped_whose_body_goes_on() {
    let call: Call = || Box::pin(read_on_event_async());
    a_leader_is_dropped(call, read_on_event_async::stats, || emit("changed"));
    let n_handed_over = N_HANDED_OVER.load(Ordering::SeqCst);
    assert!(n_handed_over > 100, "only {n_handed_over} bodies were left to a follower");
}

#[test]
fn a_leader_is_dropped_whose_body_ends_with_it() {
    let call: Call = || Box::pin(read_borrowed(&SOURCE));
    a_leader_is_dropped(call, read_borrowed::stats, || emit("changed"));
}

#[test]
#[should_panic(expected = "served to who said it")]
fn a_leader_is_dropped_unless_nothing_is_said() {
    let call: Call = || Box::pin(read_on_event_async());
    a_leader_is_dropped(call, read_on_event_async::stats, || ());
}

/// Takes room that others have.
#[cached(crate = crate)]
fn fill(id: u64) -> u64 {
    id
}

/// Promise I1, and a limit, where entries are evicted while they are hit and outdated.
fn entries_are_evicted(change: fn()) {
    check(move || {
        let cache = TestCache::from_builder(Cache::builder().max_entries(2));
        let _scope = cache.enter();
        read_on_event();
        let hits = {
            let cache = cache.clone();
            thread::spawn(move || cache.run(|| [read_on_event(), read_on_event()]))
        };
        let evictions = {
            let cache = cache.clone();
            thread::spawn(move || cache.run(|| [1, 2, 3].map(fill)))
        };
        SOURCE.store(1, Ordering::SeqCst);
        change();
        assert_eq!(read_on_event(), 1, "served to who said it");
        let [first, second] = hits.join().expect("the one who hits");
        assert!(first <= second, "served after something newer");
        assert_eq!(evictions.join().expect("the one who evicts"), [1, 2, 3]);
        assert_eq!(read_on_event(), 1, "served to who came after all");
        let (stats, all) = (read_on_event::stats(), cache.stats());
        assert_eq!(stats.hits + stats.misses, 5, "each call is one or the other");
        assert!(all.entries <= 2, "{} entries", all.entries);
        let n_gone = all.evictions + all.expirations + all.invalidations;
        assert_eq!(all.insertions - n_gone, all.entries as u64, "each that came is there or went");
        assert_eq!(all.bytes, stats.bytes + fill::stats().bytes, "the sum of what is there");
    });
}

#[test]
fn entries_are_evicted_while_they_are_hit_and_outdated() {
    entries_are_evicted(|| emit("changed"));
}

#[test]
#[should_panic(expected = "served to who said it")]
fn entries_are_evicted_unless_nothing_is_said() {
    entries_are_evicted(|| ());
}

/// Promise I1 for many keys at once, where callers want each other's keys.
fn batches_meet(change: fn()) {
    check(move || {
        let cache = TestCache::new();
        let _scope = cache.enter();
        let callers = [[1, 2], [2, 1]].map(|ids| {
            let cache = cache.clone();
            thread::spawn(move || cache.run(|| [read_row::get_many(ids), read_row::get_many(ids)]))
        });
        SOURCE.store(1, Ordering::SeqCst);
        change();
        assert_eq!(read_row::get_many([2, 1, 2]), [1; 3], "served to who said it");
        for caller in callers {
            let [first, second] = caller.join().expect("a caller");
            assert!(
                first.iter().zip(&second).all(|(first, second)| first <= second),
                "served after something newer"
            );
        }
        assert_eq!(read_row(1) + read_row(2), 2, "served to who came after all");
        let stats = read_row::stats();
        assert_eq!(stats.hits + stats.misses, 13, "each call is one or the other");
        assert_eq!(stats.misses, stats.loads + stats.coalesced, "each miss loads or waits");
    });
}

#[test]
fn batches_meet_while_an_event_is_emitted() {
    batches_meet(|| emit("changed"));
}

#[test]
fn batches_meet_while_a_key_is_invalidated_after_the_other() {
    batches_meet(|| {
        read_row::invalidate(&1);
        read_row::invalidate(&2);
    });
}

#[test]
#[should_panic(expected = "served to who said it")]
fn batches_meet_unless_one_key_is_forgotten() {
    batches_meet(|| {
        read_row::invalidate(&1);
    });
}
