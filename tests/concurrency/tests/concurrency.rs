//! The global cache under several threads at once: right values, nothing stale, nothing lost, nothing dropped twice.
//!
//! A binary of its own: calls look results up in the shortest way only while no test's cache is in use in the process.
//! What is wrong with memory shows under a sanitizer, see CONTRIBUTING.md.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;

use cache_core::{Event, HeapSize, Seen, cached, emit, invalidates};

#[path = "../../tests/it/support/watchdog.rs"]
mod watchdog;

use watchdog::{eventually, watched};

const N_THREADS: u64 = 4;

/// Runs `work` on several threads that begin together, each with its number, and fails if they hang.
#[track_caller]
fn together(work: impl Fn(u64) + Send + Sync + 'static) {
    watched(move || {
        let start = Barrier::new(N_THREADS as usize);
        thread::scope(|scope| {
            for number in 0..N_THREADS {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(number);
                });
            }
        });
    });
}

/// A number that differs from call to call.
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// A value that knows whether it is alive, on the heap so that a sanitizer sees who reads it too late.
struct Guarded {
    n: Box<u64>,
    is_alive: AtomicBool,
    n_alive: &'static AtomicI64,
}

impl Guarded {
    fn new(n: u64, n_alive: &'static AtomicI64) -> Self {
        n_alive.fetch_add(1, Ordering::SeqCst);
        Self { n: Box::new(n), is_alive: AtomicBool::new(true), n_alive }
    }
}

impl Clone for Guarded {
    fn clone(&self) -> Self {
        assert!(self.is_alive.load(Ordering::SeqCst), "cloned after it was dropped");
        Self::new(*self.n, self.n_alive)
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        assert!(self.is_alive.swap(false, Ordering::SeqCst), "dropped twice");
        self.n_alive.fetch_sub(1, Ordering::SeqCst);
    }
}

impl HeapSize for Guarded {
    fn heap_size(&self, seen: &mut Seen) -> usize {
        self.n.heap_size(seen)
    }
}

#[test]
fn values_are_right_and_dropped_once_while_others_are_evicted() {
    static N_ALIVE: AtomicI64 = AtomicI64::new(0);
    const N_CALLS: u64 = 5_000;

    #[cached(max_entries = 50)]
    fn guarded(n: u64) -> Guarded {
        Guarded::new(n, &N_ALIVE)
    }

    together(|number| {
        let mut state = number + 1;
        for i in 0..N_CALLS {
            let n = random(&mut state) % 100;
            assert_eq!(*guarded(n).n, n);
            match i % 500 {
                100 => guarded::clear(),
                200 => drop(guarded::put(n, Guarded::new(n, &N_ALIVE))),
                _ if i % 7 == 0 => _ = guarded::invalidate(&n),
                _ => {}
            }
        }
    });
    let stats = guarded::stats();
    assert_eq!(stats.hits + stats.misses, N_THREADS * N_CALLS);
    assert_eq!(stats.errors, 0);
    assert!(stats.hits > 0 && stats.evictions > 0, "{stats}");
    let n_stored = i64::try_from(stats.entries).expect("few");
    eventually("only what is stored is alive", || N_ALIVE.load(Ordering::SeqCst) == n_stored);
    guarded::clear();
    eventually("nothing is alive", || N_ALIVE.load(Ordering::SeqCst) == 0);
}

#[test]
fn nothing_is_stale_after_invalidate_has_returned() {
    const N_KEYS: u64 = 8;
    static SOURCE: [AtomicU64; N_KEYS as usize] = [const { AtomicU64::new(0) }; N_KEYS as usize];

    #[cached]
    fn source(key: u64) -> u64 {
        SOURCE[key as usize].load(Ordering::SeqCst)
    }

    together(|number| {
        let mut seen = [0; N_KEYS as usize];
        let mut state = number + 1;
        for _ in 0..5_000 {
            let key = random(&mut state) % N_KEYS;
            let is_writer = key % N_THREADS == number;
            if is_writer && random(&mut state) % 4 == 0 {
                seen[key as usize] = SOURCE[key as usize].fetch_add(1, Ordering::SeqCst) + 1;
                source::invalidate(&key);
            }
            let value = source(key);
            assert!(value >= seen[key as usize], "{value} after {}", seen[key as usize]);
            seen[key as usize] = value;
        }
    });
    assert!(source::stats().hits > 0);
}

#[test]
fn an_entry_that_is_there_all_the_time_is_always_found_while_the_table_grows() {
    const N_HOT: u64 = 100;
    const N_COLD: u64 = 20_000;

    #[cached]
    fn hot(n: u64) -> u64 {
        n + 1
    }

    #[cached]
    fn cold(n: u64) -> u64 {
        n + 2
    }

    for n in 0..N_HOT {
        hot(n);
    }
    static IS_DONE: AtomicBool = AtomicBool::new(false);
    together(|number| {
        if number == 0 {
            for n in 0..N_COLD {
                assert_eq!(cold(n), n + 2);
            }
            IS_DONE.store(true, Ordering::SeqCst);
        }
        let mut n = number;
        while !IS_DONE.load(Ordering::SeqCst) {
            assert_eq!(hot(n % N_HOT), n % N_HOT + 1);
            n += 1;
        }
    });
    assert_eq!(hot::stats().loads, N_HOT, "none was missed");
    assert_eq!(cold::stats().loads, N_COLD);
    cold::clear();
}

#[test]
fn a_clone_may_make_cached_calls_and_evict_what_is_being_cloned() {
    static N_ALIVE: AtomicI64 = AtomicI64::new(0);

    struct Nested(Guarded);

    impl Clone for Nested {
        fn clone(&self) -> Self {
            let n = *self.0.n;
            assert_eq!(inner(n), n * 2);
            if n % 3 == 0 {
                outer::invalidate(&n);
                inner::invalidate(&n);
            }
            assert_eq!(inner(n + 1), n * 2 + 2);
            Self(self.0.clone())
        }
    }

    impl HeapSize for Nested {
        fn heap_size(&self, seen: &mut Seen) -> usize {
            self.0.heap_size(seen)
        }
    }

    #[cached(max_entries = 5)]
    fn outer(n: u64) -> Nested {
        Nested(Guarded::new(n, &N_ALIVE))
    }

    #[cached(max_entries = 5)]
    fn inner(n: u64) -> u64 {
        n * 2
    }

    together(|number| {
        let mut state = number + 1;
        for _ in 0..2_000 {
            let n = random(&mut state) % 10;
            assert_eq!(*outer(n).0.n, n);
        }
    });
    let stats = outer::stats();
    assert_eq!(stats.hits + stats.misses, N_THREADS * 2_000);
    outer::clear();
    eventually("nothing is alive", || N_ALIVE.load(Ordering::SeqCst) == 0);
}

/// A function for each name; all of them, and what they have counted.
macro_rules! functions {
    ($($name:ident)+) => {
        $(
            #[cached]
            fn $name(n: u64) -> (u64, &'static str) {
                (n, stringify!($name))
            }
        )+
        const ALL: &[fn(u64) -> (u64, &'static str)] = &[$($name),+];
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        const STATS: &[fn() -> cache_core::Stats] = &[$($name::stats),+];
    };
}

#[test]
fn no_hit_of_many_functions_is_lost() {
    functions! {
        f00 f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19
        f20 f21 f22 f23 f24 f25 f26 f27 f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39
        f40 f41 f42 f43 f44 f45 f46 f47 f48 f49 f50 f51 f52 f53 f54 f55 f56 f57 f58 f59
        f60 f61 f62 f63 f64 f65 f66 f67 f68 f69 f70 f71 f72 f73 f74 f75 f76 f77 f78 f79
        f80 f81 f82 f83 f84 f85 f86 f87 f88 f89 f90 f91 f92 f93 f94 f95 f96 f97 f98 f99
    }
    const N_ROUNDS: u64 = 5;
    const N_CALLS: u64 = 20;
    // Each round has threads of its own: what they have counted outlives them.
    for _ in 0..N_ROUNDS {
        together(|_| {
            for n in 0..N_CALLS {
                for (function, name) in ALL.iter().zip(NAMES) {
                    assert_eq!(function(n % 2), (n % 2, *name));
                }
            }
        });
    }
    for (stats, name) in STATS.iter().zip(NAMES) {
        let stats = stats();
        assert_eq!(stats.loads, 2, "{name}");
        assert_eq!(stats.hits + stats.misses, N_ROUNDS * N_THREADS * N_CALLS, "{name}");
    }
}

#[test]
fn a_thread_that_is_ending_is_answered_too() {
    const N_ROUNDS: u64 = 50;

    #[cached]
    fn last(n: u64) -> u64 {
        n + 1
    }

    struct AtTheEnd;

    impl Drop for AtTheEnd {
        fn drop(&mut self) {
            assert_eq!(last(1), 2);
        }
    }

    thread_local! {
        static BEFORE: AtTheEnd = const { AtTheEnd };
        static AFTER: AtTheEnd = const { AtTheEnd };
    }

    for _ in 0..N_ROUNDS {
        // One is dropped before the thread gives back what it has for its calls, the other one after.
        together(|_| {
            BEFORE.with(|_| ());
            assert_eq!(last(1), 2);
            AFTER.with(|_| ());
        });
    }
    eventually("the threads have ended, and every call is counted", || {
        let stats = last::stats();
        stats.hits + stats.misses == N_ROUNDS * N_THREADS * 3
    });
    assert_eq!(last::stats().loads, 1);
}

#[derive(Event)]
struct Written {
    row: u64,
}

/// Rows that only count up.
static ROWS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

#[cached(invalidate_on = [Written { row }])]
fn read(row: u64) -> u64 {
    ROWS[row as usize].load(Ordering::SeqCst)
}

#[cached(invalidate_on = |_value| [Written { row }])]
fn read_and_tell(row: u64) -> u64 {
    ROWS[row as usize].load(Ordering::SeqCst)
}

#[cached]
fn read_through(row: u64) -> u64 {
    read(row)
}

#[invalidates(Written { row })]
fn write(row: u64) {
    ROWS[row as usize].fetch_add(1, Ordering::SeqCst);
}

#[test]
fn nothing_is_stale_after_an_event_was_emitted() {
    /// What every reader knows: rows whose writers have returned.
    static KNOWN: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];
    static N_WRITERS: AtomicU64 = AtomicU64::new(2);
    together(|number| {
        let mut state = number + 1;
        if number < 2 {
            // Two rows each, so that what is known is right.
            for _ in 0..5_000 {
                let row = number * 2 + random(&mut state) % 2;
                write(row);
                KNOWN[row as usize].fetch_add(1, Ordering::SeqCst);
            }
            N_WRITERS.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        let mut n_rounds = 0;
        // Also where the writers were done before this thread had a turn: then it finds what it has read.
        while N_WRITERS.load(Ordering::SeqCst) > 0 || n_rounds < 100 {
            n_rounds += 1;
            let row = random(&mut state) % 4;
            let calls: [fn(u64) -> u64; 3] = [read, read_and_tell, read_through];
            for (nth, call) in calls.into_iter().enumerate() {
                let known = KNOWN[row as usize].load(Ordering::SeqCst);
                let value = call(row);
                assert!(value >= known, "call {nth} of row {row}: {value}, but {known} was known");
            }
        }
    });
    assert!(read::stats().hits > 0 && read_through::stats().hits > 0, "{}", read::stats());
}

#[test]
fn a_result_that_only_events_can_outdate_expires_when_that_is_said() {
    static RUNS: AtomicU64 = AtomicU64::new(0);

    #[derive(Event)]
    struct Sold;

    #[cached(invalidate_on = [Sold])]
    fn stock(_item: u32) -> u64 {
        RUNS.fetch_add(1, Ordering::SeqCst) + 1
    }

    // The second and the third call find it, by then in the shortest way.
    let calls = || [(); 3].map(|()| stock(7));
    assert_eq!(calls(), [1; 3]);
    assert!(stock::expire(&7));
    assert_eq!(calls(), [2; 3], "after it was said to expire");
    emit(Sold);
    assert_eq!(calls(), [3; 3], "after the event");
    cache_core::Cache::global().emit_soft(Sold);
    assert_eq!(calls(), [4; 3], "after the event, softly");
    assert!(stock::invalidate(&7));
    assert_eq!(calls(), [5; 3], "after it was dropped");
}

#[test]
fn the_global_cache_gives_outdated_entries_back_by_itself() {
    #[derive(Event)]
    struct Gone;
    #[cached(invalidate_on = [Gone])]
    fn gone(id: u32) -> Vec<u8> {
        vec![0; id as usize]
    }
    watched(|| {
        (0..2_000).for_each(|id| drop(gone(id)));
        assert_eq!(gone::stats().entries, 2_000);
        gone(7);
        assert_eq!(gone::stats().hits, 1);
        emit(Gone);
        gone(7);
        assert_eq!((gone::stats().hits, gone::stats().loads), (1, 2_001), "at once");
        assert!(gone::invalidate(&7));
        eventually("nobody touches them", || gone::stats().entries == 0);
        assert_eq!(gone::stats().bytes, 0);
        assert_eq!(gone::stats().invalidations, 2_001);
    });
}

#[test]
fn hits_in_the_global_cache_are_inherited_from_as_well() {
    #[derive(Event)]
    struct Replaced;
    #[cached(invalidate_on = [Replaced])]
    fn with_event(id: u32) -> u32 {
        id
    }
    #[cached]
    fn without(id: u32) -> u32 {
        id
    }
    #[cached]
    fn above(id: u32) -> u32 {
        with_event(id) + without(id)
    }
    with_event(1);
    without(1);
    above(1);
    assert_eq!((with_event::stats().hits, without::stats().hits), (1, 1));
    emit(Replaced);
    assert_eq!(above::peek(&1), None);
    above(1);
    assert!(without::invalidate(&1));
    assert_eq!(above::peek(&1), None, "by hand");
    assert_eq!(above::stats().loads, 2);
}

#[test]
fn the_counters_of_eight_threads_are_exact_and_some_of_their_hits_are_timed() {
    #[cached]
    fn triple(n: u64) -> u64 {
        3 * n
    }
    const N_CALLS: u64 = 1_000_000;
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..N_CALLS).for_each(|n| assert_eq!(triple(n % 500), 3 * (n % 500))));
        }
    });
    let stats = triple::stats();
    assert_eq!(stats.hits + stats.misses, 8 * N_CALLS);
    assert_eq!((stats.misses, stats.loads), (stats.loads + stats.coalesced, 500));
    assert_eq!((stats.load_latency.count, stats.insertions), (500, 500));
    // The thread whose hit it was to be may have been in a test's cache, or in a load.
    let n_timed = stats.hit_latency.count as f64 / stats.hits as f64 * 1_024.0;
    assert!((0.5..1.5).contains(&n_timed), "{n_timed} of 1,024 hits were timed");
    assert!(stats.hit_latency.p50 <= stats.hit_latency.max && !stats.hit_latency.max.is_zero());
}
