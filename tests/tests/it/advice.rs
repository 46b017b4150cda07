//! What to change is said in words, of what many calls have shown.

use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Builder, Cache, Topic, cached};

const N_CALLS: u64 = 2_000;

/// What is said of a function after some calls.
fn advice(builder: Builder, name: &str, call: fn(&TestCache, u64)) -> Vec<(Topic, String)> {
    let cache = TestCache::from_builder(builder);
    cache.run(|| (0..N_CALLS).for_each(|n| call(&cache, n)));
    let all = cache.advice().into_iter().filter(|advice| advice.function == name);
    all.map(|advice| (advice.topic, advice.to_string())).collect()
}

#[track_caller]
fn check(found: &[(Topic, String)], topic: Topic, text: &str) {
    assert_eq!(found, [(topic, text.to_owned())]);
}

#[cached]
fn in_turn(id: u64) -> u64 {
    id
}

#[test]
fn more_memory_is_advised_where_it_makes_hits() {
    let cache = || Cache::builder().max_entries(150);
    let twice = |_: &TestCache, n| assert_eq!(in_turn(n % 200), n % 200);
    let found = advice(cache(), "in_turn", twice);
    check(&found, Topic::MoreMemory, "in_turn: 2× memory would lift hits from 0 % to 90 %");
    let found = advice(cache(), "cache", twice);
    check(&found, Topic::MoreMemory, "cache: 2× memory would lift hits from 0 % to 90 %");
    let fourfold = |_: &TestCache, n| assert_eq!(in_turn(n % 500), n % 500);
    let found = advice(cache(), "in_turn", fourfold);
    check(&found, Topic::MoreMemory, "in_turn: 4× memory would lift hits from 0 % to 75 %");
}

#[test]
fn less_memory_is_advised_where_half_of_it_makes_as_many_hits() {
    // Three of four calls are of ten keys, the others of keys that never come back.
    let mostly_few = |_: &TestCache, n: u64| {
        let id = if n % 4 == 0 { 1_000 + n } else { n % 10 };
        assert_eq!(in_turn(id), id);
    };
    let found = advice(Cache::builder().max_entries(200), "cache", mostly_few);
    assert!(matches!(found[..], [(Topic::LessMemory, _)]), "{found:?}");
}

#[test]
fn a_ttl_that_is_shorter_than_the_reuse_is_told() {
    #[cached(ttl = 10s)]
    fn short(id: u64) -> u64 {
        id
    }
    let found = advice(Cache::builder(), "short", |cache, n| {
        cache.advance(Duration::from_secs(1));
        assert_eq!(short(n % 20), n % 20);
    });
    let text = "short: 99 % of misses are expiries, its TTL of 10s is shorter than its reuse";
    check(&found, Topic::Expired, text);
}

#[test]
fn what_is_mostly_invalidated_refused_or_cold_is_told() {
    #[cached(invalidate_on = ["news"])]
    fn eventful(id: u64) -> u64 {
        id
    }
    #[cached(cache_if = |value: &u64| *value > 5)]
    fn unwanted(id: u64) -> u64 {
        id
    }
    #[cached(size = |_| 1 << 30)]
    fn large(id: u64) -> u64 {
        id
    }
    let found = advice(Cache::builder(), "eventful", |cache, n| {
        cache.emit("news");
        assert_eq!(eventful(n % 3), n % 3);
    });
    assert!(matches!(found[..], [(Topic::Invalidated, _)]), "{found:?}");
    let found = advice(Cache::builder(), "unwanted", |_, n| assert_eq!(unwanted(n % 8), n % 8));
    assert!(matches!(found[..], [(Topic::Refused, _)]), "{found:?}");
    let found = advice(Cache::builder(), "large", |_, n| assert_eq!(large(n % 3), n % 3));
    assert!(matches!(found[..], [(Topic::Refused, _)]), "{found:?}");
    assert!(found[0].1.contains("too large"), "{found:?}");
    let found = advice(Cache::builder(), "in_turn", |_, n| assert_eq!(in_turn(n), n));
    assert!(matches!(found[..], [(Topic::Cold, _)]), "{found:?}");
}

#[test]
fn what_is_as_fast_as_a_hit_and_seldom_hit_is_not_to_be_cached() {
    /// A value that takes a millisecond to copy, also when it is stored.
    struct Slow(TestCache);
    impl Clone for Slow {
        fn clone(&self) -> Self {
            self.0.advance(Duration::from_millis(1));
            Self(self.0.clone())
        }
    }
    #[cached(skip(cache), size = |_| 0)]
    fn quick(cache: &TestCache, _id: u64) -> Slow {
        Slow(cache.clone())
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..N_CALLS).for_each(|n| drop(quick(&cache, n)));
        (0..10).for_each(|n| drop(quick(&cache, n)));
        let advice = cache.advice();
        let about = advice.iter().find(|advice| advice.function == "quick").expect("something");
        assert_eq!(about.topic, Topic::Fast, "{about}");
        cache.clear();
    });
}

#[test]
fn nothing_is_advised_of_few_calls_or_where_all_is_well() {
    let cache = TestCache::from_builder(Cache::builder().max_entries(150));
    cache.run(|| (0..900).for_each(|n| assert_eq!(in_turn(n % 200), n % 200)));
    assert_eq!(cache.advice(), []);
    let cache = TestCache::new();
    cache.run(|| (0..N_CALLS).for_each(|n| assert_eq!(in_turn(n % 50), n % 50)));
    assert_eq!(cache.advice(), []);
}
