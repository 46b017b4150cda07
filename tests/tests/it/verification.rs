//! O4: cached results are compared with fresh ones, and a function whose results differ is told.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, HeapSize, Notice, Observer, Status, TimedOut, cached, emit};
use serde::Serialize;

use crate::support::{on_every_executor, watched};

thread_local! {
    /// What bodies read that is in no key.
    static HIDDEN: Cell<u64> = const { Cell::new(0) };
}

/// A cache that compares a share of the hits.
fn verifying(share: f64) -> TestCache {
    TestCache::from_builder(Cache::builder().verify(share))
}

/// How many hits were compared, and how many of the results differed.
fn compared(cache: &TestCache, function: &str) -> (u64, u64) {
    let observed = cache.function(function);
    (observed.stats().verified, observed.stats().divergences)
}

#[cached]
fn pure(n: u64) -> u64 {
    n * n
}

#[cached(ttl = 10m, invalidate_on = [("forgetful", n)])]
fn forgetful(n: u64) -> u64 {
    n + HIDDEN.get()
}

#[derive(Default, Clone)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Observer for Log {
    fn notice(&self, notice: &Notice<'_>) {
        if let Notice::Diverged { function, file, key, .. } = notice {
            self.0.lock().unwrap().push(format!("{function} {file} {key}"));
        }
    }
}

#[test]
fn a_missing_part_of_the_key_is_told_once_with_the_key() {
    let (cache, log) = (verifying(1.0), Log::default());
    cache.observe(log.clone());
    cache.run(|| {
        assert_eq!(forgetful(7), 7);
        HIDDEN.set(1);
        assert_eq!(forgetful(7), 8, "the caller gets the fresh result");
        assert_eq!(forgetful(7), 8, "which is stored");
        HIDDEN.set(2);
        assert_eq!(forgetful(7), 9);
    });
    assert_eq!(compared(&cache, "forgetful"), (3, 2));
    cache.function("forgetful").hits(3).misses(1).loads(4);
    let key = cache.entries(1)[0].key.clone();
    assert_eq!(*log.0.lock().unwrap(), [format!("forgetful {} {key}", file!())]);
    let functions = cache.functions();
    let function = functions.iter().find(|it| it.name == "forgetful").unwrap();
    assert_eq!((function.comparable, function.suspect.as_ref()), (Some(true), Some(&key)));
    cache.reset_stats();
    assert_eq!(compared(&cache, "forgetful"), (0, 0));
}

#[test]
fn results_that_do_not_differ_are_only_counted() {
    let cache = verifying(1.0);
    cache.run(|| (0..10).chain(0..10).for_each(|n| assert_eq!(pure(n), n * n)));
    assert_eq!(compared(&cache, "verification::pure"), (10, 0));
    cache.function("verification::pure").hits(10).misses(10).loads(20).insertions(20).entries(10);
}

#[test]
fn that_share_of_the_hits_is_compared() {
    for (share, expected) in [(0.0, 0..=0), (0.01, 10..=11), (0.25, 249..=251), (1.0, 1000..=1000)]
    {
        let cache = verifying(share);
        cache.run(|| (0..1001).for_each(|_| assert_eq!(pure(3), 9)));
        let (n_compared, _) = compared(&cache, "verification::pure");
        assert!(expected.contains(&n_compared), "{n_compared} at {share}");
        cache.function("verification::pure").hits(1000).loads(n_compared + 1);
        assert_eq!(cache.config().verify, share);
    }
}

#[test]
fn async_functions_are_compared_on_every_executor() {
    #[cached]
    async fn later(n: u64) -> u64 {
        tokio::task::yield_now().await;
        n + HIDDEN.get()
    }
    on_every_executor(|_| async {
        let cache = verifying(1.0);
        let calls = async {
            HIDDEN.set(0);
            assert_eq!((later(1).await, later(1).await), (1, 1));
            HIDDEN.set(5);
            assert_eq!(later(1).await, 6);
        };
        cache.scope(calls).await;
        assert_eq!(compared(&cache, "later"), (2, 1));
    });
}

thread_local! {
    /// What happens while the next body of `changing` runs.
    static MEANWHILE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

#[cached(ttl = 10m, invalidate_on = [("changing", n)])]
fn changing(n: u64) -> u64 {
    MEANWHILE.take().into_iter().for_each(|work| work());
    n + HIDDEN.get()
}

#[test]
fn what_was_outdated_while_the_body_ran_is_no_difference() {
    type Work = fn(&TestCache);
    let cases: [(&str, Work, u64); 7] = [
        ("nothing", |_| {}, 1),
        ("an event", |_| emit(("changing", 1_u64)), 0),
        ("a removal", |_| assert!(changing::invalidate(&1)), 0),
        ("another value", |_| assert!(changing::put(1, 5)), 0),
        ("a clear", |cache| cache.clear(), 0),
        ("the end of its lifetime", |cache| cache.advance(Duration::from_secs(600)), 0),
        ("an eviction", |cache| cache.set_max_bytes(0), 0),
    ];
    for (what, work, expected) in cases {
        let cache = verifying(1.0);
        cache.run(|| {
            HIDDEN.set(0);
            changing(1);
            HIDDEN.set(1);
            let handle = cache.clone();
            MEANWHILE.set(Some(Box::new(move || work(&handle))));
            assert_eq!(changing(1), 2);
            assert!(MEANWHILE.take().is_none(), "the body has run");
        });
        assert_eq!(compared(&cache, "changing").1, expected, "{what}");
    }
}

#[test]
fn an_outcome_that_would_not_be_stored_is_no_difference() {
    #[cached]
    fn fallible(n: u64) -> Result<u64, String> {
        if HIDDEN.get() == 0 { Ok(n) } else { Err("down".to_owned()) }
    }
    #[cached]
    fn optional(n: u64) -> Option<u64> {
        (HIDDEN.get() == 0).then_some(n)
    }
    #[cached(cache_if = |value| *value < 10)]
    fn choosy(n: u64) -> u64 {
        n + HIDDEN.get()
    }
    let cache = verifying(1.0);
    cache.run(|| {
        HIDDEN.set(0);
        assert_eq!((fallible(1), optional(1), choosy(1)), (Ok(1), Some(1), 1));
        HIDDEN.set(10);
        assert_eq!(fallible(1), Ok(1), "what is stored stands in for an error");
        assert_eq!((optional(1), choosy(1)), (None, 11));
    });
    for function in ["fallible", "optional", "choosy"] {
        assert_eq!(compared(&cache, function), (0, 0), "{function}");
        cache.function(function).hits(1).loads(2);
    }
}

#[test]
fn a_difference_fails_the_call_where_that_is_asked_for() {
    let cache = TestCache::from_builder(Cache::builder().verify(1.0).fail_on_divergence(true));
    cache.run(|| {
        HIDDEN.set(0);
        forgetful(3);
        forgetful(3);
        HIDDEN.set(4);
        let panic = catch_unwind(|| forgetful(3)).expect_err("it panics");
        let message = panic.downcast_ref::<String>().expect("a text");
        let key = &cache.entries(1)[0].key;
        for part in ["`forgetful` at ", file!(), key, "key", "not pure", "without an event"] {
            assert!(message.contains(part), "{part} in {message}");
        }
        assert_eq!(forgetful(3), 7, "the fresh result is stored");
    });
}

#[test]
fn a_function_whose_results_cannot_be_compared_is_listed_and_not_run() {
    #[derive(Clone, HeapSize)]
    struct Opaque(u64);

    #[cached]
    fn opaque(n: u64) -> Opaque {
        Opaque(n + HIDDEN.get())
    }
    #[cached]
    fn copies<T>(n: u64, of: &T) -> Vec<T>
    where
        T: Clone + Send + Sync + HeapSize + Serialize + 'static,
    {
        vec![of.clone(); (n + HIDDEN.get()) as usize]
    }
    let cache = verifying(1.0);
    cache.run(|| {
        HIDDEN.set(0);
        opaque(1);
        copies(1, &1_u8);
        HIDDEN.set(1);
        assert_eq!(opaque(1).0, 1);
        copies(1, &1_u8);
    });
    let comparable = |name: &str| {
        let functions = cache.functions();
        functions.iter().find(|it| it.name == name).unwrap().comparable
    };
    assert_eq!(comparable("opaque"), Some(false));
    cache.function("opaque").hits(1).loads(1);
    assert_eq!(comparable("copies"), Some(true), "its bounds say how");
    assert_eq!(compared(&cache, "copies"), (1, 1));
    assert_eq!(comparable("optional"), None, "nobody has asked");
}

#[test]
fn values_without_equality_are_compared_by_what_they_serialize_to() {
    #[derive(Clone, Serialize)]
    struct Weights {
        of: HashMap<String, f64>,
    }

    #[cached]
    fn weights(hidden: bool) -> Weights {
        let of = (0..100).map(|n| (n.to_string(), if n == 7 { f64::NAN } else { f64::from(n) }));
        let mut of: HashMap<_, _> = of.collect();
        if hidden && HIDDEN.get() > 0 {
            of.insert("8".to_owned(), 0.0);
        }
        Weights { of }
    }
    let cache = verifying(1.0);
    cache.run(|| {
        HIDDEN.set(0);
        (0..10).for_each(|_| drop(weights(false)));
        assert_eq!(compared(&cache, "weights"), (9, 0), "in whatever order, and not a number");
        weights(true);
        HIDDEN.set(1);
        weights(true);
        assert_eq!(compared(&cache, "weights"), (10, 1));
    });
}

#[test]
fn a_function_that_calls_itself_is_compared_in_time() {
    #[cached]
    fn fibonacci(n: u64) -> u64 {
        if n < 2 { n } else { fibonacci(n - 1) + fibonacci(n - 2) }
    }
    watched(|| {
        let cache = verifying(1.0);
        cache.run(|| {
            assert_eq!(fibonacci(80), fibonacci(80));
        });
        let (n_compared, n_different) = compared(&cache, "fibonacci");
        assert!(n_compared > 0 && n_different == 0, "{n_compared} and {n_different}");
    });
}

#[test]
fn calls_of_a_batch_are_compared() {
    #[cached(batch = load_many)]
    fn one_of_many(n: u64) -> u64 {
        n + HIDDEN.get()
    }
    fn load_many(keys: Vec<u64>) -> Vec<u64> {
        keys.into_iter().map(|n| n + HIDDEN.get()).collect()
    }
    let cache = verifying(1.0);
    cache.run(|| {
        HIDDEN.set(0);
        assert_eq!(one_of_many::get_many([1, 2, 3]), [1, 2, 3]);
        HIDDEN.set(1);
        assert_eq!(one_of_many::get_many([1, 2, 3]), [2, 3, 4]);
    });
    assert_eq!(compared(&cache, "one_of_many"), (3, 3));
}

#[test]
fn a_load_apart_from_its_caller_is_compared_and_fails_the_caller() {
    static SHARED: AtomicU64 = AtomicU64::new(0);

    #[cached(ttl = 10m, timeout = 1h)]
    fn patient(n: u64) -> Result<u64, TimedOut> {
        Ok(n + SHARED.load(Ordering::SeqCst))
    }
    watched(|| {
        let builder = Cache::builder().verify(1.0).fail_on_divergence(true);
        let cache = TestCache::from_builder(builder);
        cache.run(|| {
            assert_eq!((patient(1).ok(), patient(1).ok()), (Some(1), Some(1)));
            SHARED.store(1, Ordering::SeqCst);
            assert!(catch_unwind(|| patient(1).ok()).is_err());
        });
        assert_eq!(compared(&cache, "patient"), (2, 1));
    });
}

#[test]
fn a_comparison_that_panics_harms_no_call() {
    #[derive(Clone, HeapSize)]
    struct Touchy(u64);

    impl PartialEq for Touchy {
        fn eq(&self, _: &Self) -> bool {
            panic!("a value's own business")
        }
    }

    #[cached]
    fn touchy(n: u64) -> Touchy {
        Touchy(n)
    }
    let cache = verifying(1.0);
    let calls = || (0..3).for_each(|_| assert_eq!(touchy(1).0, 1));
    assert!(catch_unwind(AssertUnwindSafe(|| cache.run(calls))).is_ok());
    assert_eq!(compared(&cache, "touchy"), (0, 0));
    cache.function("touchy").errors(2);
}

#[test]
fn a_cache_that_is_switched_off_and_on_compares_as_before() {
    let cache = verifying(1.0);
    cache.run(|| {
        pure(1);
        cache.set_enabled(false);
        pure(1);
        cache.set_enabled(true);
        pure(1);
    });
    cache.function("verification::pure").hits(1).misses(2).loads(2);
    assert_eq!(compared(&cache, "verification::pure"), (1, 0));
}

#[test]
fn differences_are_a_reason_for_bad_health() {
    let cache = verifying(0.1);
    cache.run(|| {
        HIDDEN.set(0);
        forgetful(1);
        for hidden in 0..1_000 {
            HIDDEN.set(hidden / 500);
            forgetful(1);
        }
    });
    let health = cache.health();
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(health.reasons, ["1 stored results differed from fresh ones, of `forgetful`"]);
}
