//! L1 and L2 for threads: one body per key, and no circle of waiting.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use cache_core::cached;
use cache_core::testing::TestCache;

use crate::support::{Gate, Runs, eventually, watched};

#[test]
fn many_threads_on_a_cold_key_run_one_body() {
    static RUNS: Runs = Runs::new();
    static GATE: Gate = Gate::new();
    #[cached]
    fn report(id: u32) -> String {
        RUNS.note();
        GATE.pass_blocking();
        format!("report {id}")
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let callers: Vec<_> =
                (0..64).map(|_| scope.spawn(|| cache.run(|| report(7)))).collect();
            eventually("all wait", || cache.run(report::stats).misses == 64);
            GATE.open_for_all();
            for caller in callers {
                assert_eq!(caller.join().expect("no panic"), "report 7");
            }
        });
        assert_eq!(RUNS.count(), 1);
        cache.function("report").loads(1).coalesced(63).misses(64).insertions(1);
    });
}

#[test]
fn other_keys_do_not_wait() {
    static GATE: Gate = Gate::new();
    #[cached]
    fn slow(id: u32) -> u32 {
        if id == 0 {
            GATE.pass_blocking();
        }
        id
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let first = scope.spawn(|| cache.run(|| slow(0)));
            eventually("the body runs", || cache.run(slow::stats).loads == 1);
            for id in 1..500 {
                assert_eq!(cache.run(|| slow(id)), id);
            }
            GATE.open();
            assert_eq!(first.join().expect("no panic"), 0);
        });
    });
}

#[test]
fn followers_share_an_error_that_is_not_stored() {
    static GATE: Gate = Gate::new();
    #[cached]
    fn fetch(_id: u32) -> Result<u32, String> {
        GATE.pass_blocking();
        Err("down".to_owned())
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let callers: Vec<_> = (0..16).map(|_| scope.spawn(|| cache.run(|| fetch(1)))).collect();
            eventually("all wait", || cache.run(fetch::stats).misses == 16);
            GATE.open_for_all();
            for caller in callers {
                assert_eq!(caller.join().expect("no panic"), Err("down".to_owned()));
            }
        });
        cache.function("fetch").loads(1).coalesced(15).entries(0);
    });
}

#[test]
fn followers_share_a_none_and_a_value_that_is_not_stored() {
    static GATE: Gate = Gate::new();
    #[cached]
    fn find(_id: u32) -> Option<u32> {
        GATE.pass_blocking();
        None
    }
    #[cached(cache_if = |value| *value > 100)]
    fn small(id: u32) -> u32 {
        GATE.pass_blocking();
        id
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let finds: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.run(|| find(1)))).collect();
            let smalls: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.run(|| small(1)))).collect();
            eventually("all wait", || cache.stats().misses == 16);
            GATE.open_for_all();
            assert!(finds.into_iter().all(|caller| caller.join().expect("no panic").is_none()));
            assert!(smalls.into_iter().all(|caller| caller.join().expect("no panic") == 1));
        });
        cache.function("find").loads(1).entries(0);
        cache.function("small").loads(1).entries(0);
    });
}

#[test]
fn errors_that_cannot_be_cloned_reach_every_caller() {
    static RUNS: Runs = Runs::new();
    #[cached]
    fn read(path: &str) -> std::io::Result<String> {
        RUNS.note();
        std::fs::read_to_string(path)
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let callers: Vec<_> =
                (0..8).map(|_| scope.spawn(|| cache.run(|| read("/does/not/exist")))).collect();
            for caller in callers {
                let error = caller.join().expect("no panic").expect_err("no such file");
                assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
            }
        });
        assert!(RUNS.count() <= 8);
    });
}

#[test]
fn follower_takes_over_when_the_leader_panics() {
    static RUNS: Runs = Runs::new();
    static GATE: Gate = Gate::new();
    #[cached]
    fn fragile(id: u32) -> u32 {
        let run = RUNS.note();
        GATE.pass_blocking();
        assert!(run >= 3, "planned");
        id
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let callers: Vec<_> =
                (0..20).map(|_| scope.spawn(|| cache.run(|| fragile(1)))).collect();
            eventually("all wait", || cache.run(fragile::stats).misses == 20);
            GATE.open_for_all();
            let outcomes: Vec<_> = callers.into_iter().map(|caller| caller.join()).collect();
            assert_eq!(outcomes.iter().filter(|outcome| outcome.is_err()).count(), 3);
            assert!(outcomes.into_iter().flatten().all(|value| value == 1));
        });
        assert_eq!(RUNS.count(), 4);
        assert_eq!(cache.run(|| fragile(1)), 1);
    });
}

#[test]
fn recursion_hits_its_own_results() {
    #[cached]
    fn fib(n: u64) -> u128 {
        if n < 2 { n.into() } else { fib(n - 1) + fib(n - 2) }
    }
    watched(|| {
        let cache = TestCache::new();
        let expected = 2_880_067_194_370_816_120;
        thread::scope(|scope| {
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.run(|| fib(90)))).collect();
            assert!(callers.into_iter().all(|caller| caller.join().expect("no panic") == expected));
        });
        assert_eq!(cache.run(fib::stats).insertions, 91);
    });
}

#[test]
fn a_call_of_itself_computes_without_waiting() {
    static IS_INNER: AtomicBool = AtomicBool::new(false);
    #[cached]
    fn body(id: u32) -> u32 {
        if IS_INNER.swap(true, Ordering::SeqCst) { id } else { body(id) + 1 }
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| {
            assert_eq!(body(5), 6);
            assert_eq!(body(5), 6, "the key works afterwards");
        });
    });
}

#[test]
fn functions_that_call_each_other_from_two_threads_return() {
    static MEET: Barrier = Barrier::new(2);
    static N_MET: Runs = Runs::new();
    fn meet() {
        if N_MET.note() < 2 {
            MEET.wait();
        }
    }
    #[cached]
    fn even(n: u32) -> u32 {
        meet();
        if n == 0 { 0 } else { odd(n) + 1 }
    }
    #[cached]
    fn odd(n: u32) -> u32 {
        meet();
        if n == 0 { 0 } else { even(n - 1) + 1 }
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let a = scope.spawn(|| cache.run(|| even(10)));
            let b = scope.spawn(|| cache.run(|| odd(10)));
            assert_eq!((a.join().expect("no panic"), b.join().expect("no panic")), (20, 19));
        });
    });
}

#[test]
fn a_circle_over_two_threads_is_broken() {
    static MEET: Barrier = Barrier::new(2);
    static N_MET: Runs = Runs::new();
    // f(1) needs f(2) and f(2) needs f(1), except for the run that the circle is broken with.
    #[cached]
    fn f(id: u32) -> u32 {
        if N_MET.note() < 2 {
            MEET.wait();
            return f(3 - id) + 1;
        }
        0
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let a = scope.spawn(|| cache.run(|| f(1)));
            let b = scope.spawn(|| cache.run(|| f(2)));
            let mut sums = [a.join().expect("no panic"), b.join().expect("no panic")];
            sums.sort_unstable();
            // One caller computes without waiting; the other follows it.
            assert_eq!(sums, [1, 2]);
        });
    });
}

#[test]
fn without_single_flight_every_caller_runs_its_body() {
    static GATE: Gate = Gate::new();
    #[cached(single_flight = false)]
    fn body(id: u32) -> u32 {
        GATE.pass_blocking();
        id
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| cache.run(|| body(1)))).collect();
            eventually("all run", || cache.run(body::stats).loads == 8);
            GATE.open_for_all();
            assert!(callers.into_iter().all(|caller| caller.join().expect("no panic") == 1));
        });
        cache.function("body").loads(8).coalesced(0).entries(1);
    });
}

#[test]
fn a_cached_function_works_while_its_thread_ends() {
    struct AtExit;
    impl Drop for AtExit {
        fn drop(&mut self) {
            assert_eq!(at_exit(1), 1);
        }
    }
    thread_local!(static AT_EXIT: AtExit = const { AtExit });
    #[cached]
    fn at_exit(id: u32) -> u32 {
        id
    }
    watched(|| thread::spawn(|| AT_EXIT.with(|_| at_exit(2))).join().expect("no panic"));
}
