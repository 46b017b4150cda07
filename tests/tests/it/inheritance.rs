//! I3: what invalidates the result of a cached function, or ends its life, does so to what was computed from it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Event, cached, emit, in_current_load, in_current_load_sync};
use futures::future::join;

use crate::support::{Gate, eventually, on_every_executor, pause, watched};

#[derive(Event)]
struct Changed {
    id: u32,
}

#[cached(ttl = 10s, invalidate_on = [Changed { id }])]
fn leaf(id: u32) -> u32 {
    id
}

#[cached]
fn middle(id: u32) -> u32 {
    leaf(id)
}

#[cached(ttl = 1m)]
fn root(id: u32) -> u32 {
    middle(id) + middle(id + 1)
}

#[cached(inherit = false)]
fn aloof(id: u32) -> u32 {
    leaf(id)
}

#[cached]
fn above_aloof(id: u32) -> u32 {
    aloof(id)
}

#[test]
fn what_was_computed_from_a_result_goes_with_it_over_any_number_of_steps() {
    let cache = TestCache::new();
    cache.run(|| {
        // Computed by each other, then from what is stored.
        for is_warm in [false, true] {
            if is_warm {
                root::clear();
            }
            root(1);
            emit(Changed { id: 3 });
            assert!(root::peek(&1).is_some(), "row 3 is none of its own");
            emit(Changed { id: 2 });
            assert!(root::peek(&1).is_none() && middle::peek(&2).is_none(), "row 2 is");
            assert!(middle::peek(&1).is_some());
            root(1);
            assert!(leaf::invalidate(&1));
            assert!(root::peek(&1).is_none() && middle::peek(&1).is_none(), "by hand");
            root(1);
            leaf::clear();
            assert!(root::peek(&1).is_none() && middle::peek(&1).is_none(), "all at once");
            root(1);
            leaf::put(2, 20);
            assert_eq!(root(1), 21, "put");
            leaf::refresh(2);
            assert_eq!(root(1), 3, "refreshed");
            root(1);
            assert_eq!(cache.invalidate_matching("lea*"), 2);
            assert!(root::peek(&1).is_none() && middle::peek(&1).is_none(), "by name");
            root(1);
        }
    });
}

#[test]
fn a_result_lives_no_longer_than_what_it_was_computed_from() {
    let cache = TestCache::new();
    cache.run(|| {
        leaf(1);
        cache.advance(Duration::from_secs(4));
        root(1);
        cache.advance(Duration::from_secs(5));
        assert!(root::peek(&1).is_some());
        cache.advance(Duration::from_secs(1));
        assert!(leaf::peek(&1).is_none() && leaf::peek(&2).is_some());
        assert!(middle::peek(&1).is_none() && middle::peek(&2).is_some());
        assert!(root::peek(&1).is_none(), "with the first of them");
        root(1);
        cache.advance(Duration::from_secs(4));
        assert!(root::peek(&1).is_none(), "leaf 2 is 10 seconds old");
        let remaining =
            cache.entries(10).into_iter().map(|entry| (entry.function, entry.remaining));
        let expected = Some(Duration::from_secs(6));
        assert!(
            remaining.eq([("middle", expected), ("leaf", expected)]),
            "{:?}",
            cache.entries(10)
        );
    });
}

#[test]
fn a_load_is_not_joined_once_what_it_was_computed_from_has_expired() {
    static GATE: Gate = Gate::new();
    static N_READS: AtomicU32 = AtomicU32::new(0);
    #[cached(ttl = 10s)]
    fn counted() -> u32 {
        N_READS.fetch_add(1, Ordering::SeqCst)
    }
    #[cached]
    fn above() -> u32 {
        let count = counted();
        if count == 0 {
            GATE.pass_blocking();
        }
        count
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let old = scope.spawn(|| cache.run(above));
            eventually("the old load has read", || cache.run(counted::stats).entries == 1);
            cache.advance(Duration::from_secs(10));
            assert_eq!(cache.run(above), 1);
            GATE.open();
            assert_eq!(old.join().expect("no panic"), 0, "its caller gets its result");
            assert_eq!(cache.run(above::peek), Some(1), "it is not stored");
        });
    });
}

#[test]
fn what_must_not_be_stored_keeps_what_uses_it_from_being_stored() {
    #[cached(ttl = 0)]
    fn never(id: u32) -> u32 {
        id
    }
    #[cached]
    fn from_never(id: u32) -> u32 {
        never(id)
    }
    #[cached(invalidate_on = [Changed { id }])]
    fn fails(id: u32) -> Result<u32, String> {
        Err(id.to_string())
    }
    #[cached]
    fn from_failure(id: u32) -> u32 {
        fails(id).unwrap_or(0)
    }
    TestCache::new().run(|| {
        from_never(1);
        assert_eq!(from_never::peek(&1), None);
        from_failure(1);
        assert_eq!(from_failure::peek(&1), Some(0));
        emit(Changed { id: 1 });
        assert_eq!(from_failure::peek(&1), None, "an error depends on events as well");
    });
}

#[test]
fn inheritance_can_be_declined() {
    let cache = TestCache::new();
    cache.run(|| {
        above_aloof(1);
        emit(Changed { id: 1 });
        leaf::clear();
        cache.advance(Duration::from_secs(100));
        assert_eq!(aloof::peek(&1), Some(1));
        assert_eq!(above_aloof::peek(&1), Some(1));
        aloof::invalidate(&1);
        assert_eq!(above_aloof::peek(&1), None, "who declines is inherited all the same");
    });
}

#[test]
fn a_function_that_is_switched_off_hands_its_events_on() {
    static IS_ON: AtomicBool = AtomicBool::new(true);
    #[cached(enabled = IS_ON.load(Ordering::SeqCst), invalidate_on = [Changed { id }])]
    fn switched(id: u32) -> u32 {
        id
    }
    #[cached]
    fn above(id: u32) -> u32 {
        switched(id)
    }
    TestCache::new().run(|| {
        IS_ON.store(false, Ordering::SeqCst);
        above(1);
        assert!(above::peek(&1).is_some() && switched::peek(&1).is_none());
        emit(Changed { id: 1 });
        assert!(above::peek(&1).is_none());
        switched::uncached(1);
        above(2);
        switched::invalidate(&2);
        assert!(above::peek(&2).is_none(), "by hand");
    });
}

#[cached(ttl = 10s, invalidate_on = [Changed { id }])]
async fn leaf_async(id: u32) -> u32 {
    pause().await;
    id
}

#[cached]
async fn root_async(id: u32) -> u32 {
    pause().await;
    let first = leaf_async(id).await;
    pause().await;
    let both = join(leaf_async(id + 1), leaf_async(id + 2)).await;
    pause().await;
    first + both.0 + both.1
}

#[test]
fn inheritance_holds_across_await_points_and_for_what_runs_side_by_side() {
    on_every_executor(|cache| async move {
        for is_warm in [false, true] {
            for id in 1..=3 {
                if !is_warm {
                    leaf_async::clear();
                }
                root_async(1).await;
                emit(Changed { id });
                assert_eq!(root_async::peek(&1), None, "row {id}");
                root_async(1).await;
                assert!(leaf_async::invalidate(&id));
                assert_eq!(root_async::peek(&1), None, "row {id} by hand");
            }
        }
        root_async(1).await;
        cache.advance(Duration::from_secs(10));
        assert_eq!(root_async::peek(&1), None);
        // Calls side by side in one task are no part of each other.
        join(root_async(1), leaf_async(7)).await;
        emit(Changed { id: 7 });
        assert!(root_async::peek(&1).is_some());
    });
}

#[test]
fn who_waits_for_another_callers_load_inherits_from_it() {
    static GATE: Gate = Gate::new();
    static N_RUNS: AtomicU32 = AtomicU32::new(0);
    #[cached(ttl = 10s, invalidate_on = [Changed { id }])]
    fn held(id: u32) -> Result<u32, String> {
        GATE.pass_blocking();
        if N_RUNS.fetch_add(1, Ordering::SeqCst) % 2 == 1 { Err("odd".to_owned()) } else { Ok(id) }
    }
    #[cached]
    fn above(id: u32) -> u32 {
        held(id).unwrap_or(0)
    }
    watched(|| {
        // A result, then an error that is not stored.
        for is_error in [false, true] {
            let cache = TestCache::new();
            thread::scope(|scope| {
                scope.spawn(|| cache.run(|| held(1)));
                eventually("the load runs", || cache.run(held::stats).loads == 1);
                scope.spawn(|| cache.run(|| above(1)));
                eventually("another waits", || cache.run(held::stats).misses == 2);
                GATE.open();
            });
            cache.run(|| {
                cache.function("held").loads(1).coalesced(1);
                assert_eq!(above::peek(&1), Some(u32::from(!is_error)));
                emit(Changed { id: 1 });
                assert_eq!(above::peek(&1), None, "an error: {is_error}");
            });
        }
    });
}

#[test]
fn spawned_work_counts_where_it_is_attached() {
    #[cached]
    async fn attached(id: u32) -> u32 {
        tokio::spawn(in_current_load(leaf_async(id))).await.expect("no panic")
    }
    #[cached]
    async fn detached(id: u32) -> u32 {
        let cache = TestCache::new();
        tokio::spawn(cache.scope(leaf_async(id))).await.expect("no panic")
    }
    #[cached]
    fn attached_thread(id: u32) -> u32 {
        thread::spawn(in_current_load_sync(move || leaf(id))).join().expect("no panic")
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    let cache = TestCache::new();
    runtime.block_on(cache.scope(async {
        attached(1).await;
        assert!(leaf_async::peek(&1).is_some(), "in the cache of the caller");
        detached(1).await;
        attached_thread(1);
        emit(Changed { id: 1 });
        assert_eq!(attached::peek(&1), None);
        assert_eq!(attached_thread::peek(&1), None);
        assert_eq!(detached::peek(&1), Some(1));
        assert_eq!(in_current_load(leaf_async(2)).await, 2, "without a load around");
        assert_eq!(in_current_load_sync(|| leaf(2))(), 2);
    }));
}

#[test]
fn what_depends_on_very_much_goes_too_often_rather_than_too_late() {
    const N: u32 = 10_000;
    #[derive(Event)]
    struct Other;
    #[cached(invalidate_on = [Other])]
    fn sum() -> u64 {
        (0..N).map(|id| u64::from(leaf(id))).sum()
    }
    let cache = TestCache::new();
    cache.run(|| {
        let happenings: [fn(); 7] = [
            || emit(Changed { id: 0 }),
            || emit(Changed { id: N - 1 }),
            || assert!(leaf::invalidate(&(N / 2))),
            || assert!(leaf::put(5, 5)),
            leaf::clear,
            || emit(Other),
            // Not one of those: the price of telling so many apart no longer.
            || emit(Changed { id: N + 7 }),
        ];
        for (idx, happen) in happenings.into_iter().enumerate() {
            sum();
            assert!(sum::peek().is_some());
            let charge = cache.entries(1)[0].charge;
            assert!(charge < 20_000, "{charge} bytes");
            happen();
            assert!(sum::peek().is_none(), "case {idx}");
        }
    });
}

#[test]
fn a_body_that_changes_what_it_has_used_is_not_stored() {
    #[cached]
    fn restless(id: u32) -> u32 {
        let used = leaf(id);
        emit(Changed { id });
        used
    }
    #[cached]
    fn careful(id: u32) -> u32 {
        emit(Changed { id });
        leaf(id)
    }
    TestCache::new().run(|| {
        assert_eq!((restless(1), careful(2)), (1, 2));
        assert_eq!((restless::peek(&1), careful::peek(&2)), (None, Some(2)));
    });
}

#[test]
fn a_test_cache_inside_a_body_is_a_world_of_its_own() {
    #[cached]
    fn with_own_cache(id: u32) -> u32 {
        let own = TestCache::new();
        own.run(|| leaf(id))
    }
    TestCache::new().run(|| {
        with_own_cache(1);
        emit(Changed { id: 1 });
        assert_eq!(with_own_cache::peek(&1), Some(1));
    });
}

#[test]
fn recursion_inherits_as_other_calls_do() {
    #[cached]
    fn fibonacci(n: u32) -> u64 {
        if n < 2 { u64::from(leaf(n)) } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    watched(|| {
        TestCache::new().run(|| {
            assert_eq!(fibonacci(80), 23_416_728_348_467_685);
            emit(Changed { id: 0 });
            assert_eq!(fibonacci::peek(&1), Some(1));
            assert!((2..=80).all(|n| fibonacci::peek(&n).is_none()));
        });
    });
}
