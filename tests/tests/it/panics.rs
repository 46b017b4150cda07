//! L3: no user code runs under a lock, and a panic in any of it leaves the cache consistent.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use cache_core::testing::TestCache;
use cache_core::{Cache, HeapSize, cached};
use serde::Serialize;

use crate::support::watched;

fn quietly<R>(work: impl FnOnce() -> R) -> Result<R, ()> {
    catch_unwind(AssertUnwindSafe(work)).map_err(drop)
}

#[test]
fn a_panicking_body_is_the_callers_and_the_key_works_on() {
    static ARMED: AtomicBool = AtomicBool::new(true);
    #[cached]
    fn fragile(id: u32) -> u32 {
        assert!(!ARMED.swap(false, Ordering::SeqCst), "planned");
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        let payload = catch_unwind(|| fragile(1)).expect_err("the body panics");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"planned"));
        (0..10).for_each(|_| assert_eq!(fragile(1), 1));
        cache.function("fragile").hits(9).misses(2).loads(2).entries(1);
    });
}

/// A value whose parts of a value's life call the cache, or panic, when armed.
#[derive(Debug, Serialize)]
struct Touchy(u32);

static CLONE_PANICS: AtomicBool = AtomicBool::new(false);
static DROP_PANICS: AtomicBool = AtomicBool::new(false);
static SIZE_PANICS: AtomicBool = AtomicBool::new(false);

impl Clone for Touchy {
    fn clone(&self) -> Self {
        assert!(!CLONE_PANICS.swap(false, Ordering::SeqCst), "clone");
        Self(self.0)
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        if DROP_PANICS.load(Ordering::SeqCst) && !thread::panicking() {
            panic!("drop");
        }
    }
}

impl HeapSize for Touchy {
    fn heap_size(&self, _: &mut cache_core::Seen) -> usize {
        assert!(!SIZE_PANICS.swap(false, Ordering::SeqCst), "size");
        0
    }
}

#[cached]
fn touchy(id: u32) -> Touchy {
    Touchy(id)
}

#[test]
fn a_panic_in_clone_drop_or_size_leaves_the_cache_consistent() {
    let cache = TestCache::from_builder(Cache::builder().max_entries(3));
    cache.run(|| {
        SIZE_PANICS.store(true, Ordering::SeqCst);
        assert_eq!(touchy(1).0, 1, "the cache never fails the call");
        cache.function("touchy").errors(1).entries(0);

        CLONE_PANICS.store(true, Ordering::SeqCst);
        assert_eq!(touchy(1).0, 1, "nor when it takes its copy");
        cache.function("touchy").errors(2).entries(0);

        touchy(1);
        CLONE_PANICS.store(true, Ordering::SeqCst);
        assert!(quietly(|| touchy(1)).is_err(), "on a hit the panic is the caller's");
        assert_eq!(touchy(1).0, 1, "and nobody else's");

        (2..=3).for_each(|id| drop(touchy(id)));
        let spare = touchy(3);
        std::mem::forget(spare);
        DROP_PANICS.store(true, Ordering::SeqCst);
        std::mem::forget(touchy(4));
        DROP_PANICS.store(false, Ordering::SeqCst);
        cache.function("touchy").entries(3).evictions(1).errors(3);
        assert!(touchy::peek(&4).is_some() && touchy::peek(&1).is_none());
        DROP_PANICS.store(true, Ordering::SeqCst);
        touchy::clear();
        DROP_PANICS.store(false, Ordering::SeqCst);
        cache.function("touchy").entries(0).errors(6);
        assert_eq!(cache.stats().bytes, 0);
        assert_eq!(touchy(9).0, 9);
    });
}

#[test]
fn a_panic_in_what_the_attribute_says_is_the_callers() {
    #[cached(cache_if = |value| *value != 1 || panic!("planned"))]
    fn choosy(id: u32) -> u32 {
        id
    }
    #[cached(size = |value| if *value == 1 { panic!("planned") } else { 8 })]
    fn sized(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert!(quietly(|| choosy(1)).is_err() && quietly(|| sized(1)).is_err());
        assert_eq!((choosy(2), choosy(2), sized(2), sized(2)), (2, 2, 2, 2));
        cache.function("choosy").entries(1).hits(1);
        cache.function("sized").entries(1).hits(1);
    });
}

/// A value that calls its own function whenever it can.
#[derive(Debug, Serialize)]
struct Reentrant(u32);

static DEPTH: AtomicUsize = AtomicUsize::new(0);

fn reenter(id: u32) {
    if DEPTH.fetch_add(1, Ordering::SeqCst) < 1 {
        let _ = reentrant(id);
        let _ = reentrant(id + 1);
        reentrant::invalidate(&(id + 2));
        let _ = Cache::global().stats();
        reentrant::clear();
    }
    DEPTH.fetch_sub(1, Ordering::SeqCst);
}

impl Clone for Reentrant {
    fn clone(&self) -> Self {
        reenter(self.0);
        Self(self.0)
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        reenter(self.0);
    }
}

impl HeapSize for Reentrant {
    fn heap_size(&self, _: &mut cache_core::Seen) -> usize {
        reenter(self.0);
        0
    }
}

#[cached]
fn reentrant(id: u32) -> Reentrant {
    Reentrant(id)
}

#[test]
fn user_code_may_call_the_cache_from_anywhere() {
    watched(|| {
        let cache = TestCache::from_builder(Cache::builder().max_entries(2));
        cache.run(|| {
            for id in 0..20 {
                assert_eq!(reentrant(id % 5).0, id % 5);
                assert_eq!(reentrant(id % 5).0, id % 5);
            }
            cache.set_max_entries(1);
            reentrant::clear();
            cache.clear();
        });
    });
}

#[test]
fn a_clock_may_call_the_cache() {
    static IS_INNER: AtomicBool = AtomicBool::new(false);
    #[cached]
    fn clocked(id: u32) -> u32 {
        id
    }
    watched(|| {
        let cache = TestCache::following(Cache::builder(), || {
            if !IS_INNER.swap(true, Ordering::SeqCst) {
                assert_eq!((clocked(7), clocked::peek(&7)), (7, Some(7)));
                IS_INNER.store(false, Ordering::SeqCst);
            }
            std::time::Duration::ZERO
        });
        cache.run(|| assert_eq!((clocked(7), clocked(7), clocked::invalidate(&7)), (7, 7, true)));
    });
}

#[test]
fn a_slow_clone_holds_nobody_up() {
    static MEET: Barrier = Barrier::new(4);
    static ARMED: AtomicBool = AtomicBool::new(false);
    #[derive(Debug)]
    struct Slow;
    impl Clone for Slow {
        fn clone(&self) -> Self {
            if ARMED.load(Ordering::SeqCst) {
                MEET.wait();
            }
            Self
        }
    }
    #[cached(size = |_| 0)]
    fn slow(_id: u32) -> Slow {
        Slow
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| _ = slow(1));
        ARMED.store(true, Ordering::SeqCst);
        // The clones of four hits on one key must be under way at once to get past the barrier.
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| cache.run(|| _ = slow(1)));
            }
        });
        ARMED.store(false, Ordering::SeqCst);
    });
}
