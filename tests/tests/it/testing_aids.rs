//! U1: a test has its own cache and clock, and can say what it expects of a function by name.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use cache_core::testing::TestCache;
use cache_core::{Cache, cached};

#[cached]
fn square(n: u64) -> u64 {
    n * n
}

fn message_of(test: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(test)).expect_err("it fails");
    match payload.downcast::<String>() {
        Ok(message) => *message,
        Err(payload) => (*payload.downcast::<&str>().expect("a message")).to_owned(),
    }
}

#[test]
fn private_caches_do_not_see_each_other_or_the_global_one() {
    let (one, two) = (TestCache::new(), TestCache::new());
    one.run(|| square(901));
    one.run(|| square(901));
    two.run(|| square(901));
    one.function("testing_aids::square").hits(1).loads(1);
    two.function("testing_aids::square").hits(0).loads(1);
    assert!(
        Cache::global().entries(usize::MAX).iter().all(|entry| entry.key != one.entries(1)[0].key)
    );
}

#[test]
fn scopes_nest_and_end() {
    let (outer, inner) = (TestCache::new(), TestCache::new());
    let _outer = outer.enter();
    {
        let _inner = inner.enter();
        square(1);
    }
    square(1);
    assert_eq!((outer.stats().loads, inner.stats().loads), (1, 1));
}

#[test]
fn a_scope_follows_a_future_over_threads() {
    let cache = TestCache::new();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("a runtime");
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            runtime.spawn(cache.scope(async {
                for n in 0..20 {
                    square(n);
                    tokio::task::yield_now().await;
                }
            }))
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.expect("no panic");
        }
    });
    assert_eq!((cache.stats().loads, cache.stats().hits + cache.stats().misses), (20, 1_000));
}

#[test]
fn other_threads_enter_by_themselves() {
    let cache = TestCache::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            let cache = cache.clone();
            scope.spawn(move || {
                let _scope = cache.enter();
                square(3)
            });
        }
    });
    assert_eq!(cache.stats().loads, 1);
}

#[test]
fn a_failed_assertion_says_what_happened() {
    let cache = TestCache::new();
    cache.run(|| square(2));
    let text = message_of(move || drop(cache.function("testing_aids::square").loads(1).hits(5)));
    assert!(
        text.contains("`testing_aids::square` has 0 hits, expected 5") && text.contains("loads"),
        "{text}"
    );
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let text = message_of(|| drop(TestCache::new().function("no_such_function")));
    assert!(
        text.contains("no cached function is called `no_such_function`") && text.contains("square"),
        "{text}"
    );
}

#[test]
fn a_clock_that_is_followed_cannot_be_advanced() {
    let cache = TestCache::following(Cache::builder(), || std::time::Duration::ZERO);
    let text = message_of(|| cache.advance(std::time::Duration::ZERO));
    assert!(text.contains("advance that one"), "{text}");
}
