//! O2: the statistics say what calls took and saved.

use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, Latencies, cached};

const fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A latency lies within a step of the histogram.
#[track_caller]
fn assert_about(found: Duration, expected: Duration) {
    let ratio = found.as_secs_f64() / expected.as_secs_f64();
    assert!((ratio - 1.0).abs() <= 0.032, "{found:?} is not about {expected:?}");
}

/// A body that takes so many milliseconds of the test's time.
#[cached(skip(cache), cost = 0.04)]
fn slow_body(cache: &TestCache, takes: u64) -> u64 {
    cache.advance(millis(takes));
    takes
}

#[test]
fn the_time_of_bodies_is_added_up_and_what_hits_save_follows_from_it() {
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(cache.stats().money_saved, None, "nothing was called that says what it costs");
        (1..=3).for_each(|n| drop(slow_body(&cache, 10 * n)));
        (0..5).for_each(|_| drop(slow_body(&cache, 10)));
        for stats in [slow_body::stats(), cache.stats()] {
            assert_eq!((stats.hits, stats.body_time), (5, millis(60)));
            assert_eq!(stats.time_saved, millis(100), "five times the mean of 20 ms");
            assert!((stats.money_saved.expect("it has a cost") - 0.2).abs() < 1e-9);
        }
        cache.reset_stats();
        let stats = cache.stats();
        assert_eq!((stats.body_time, stats.time_saved), (Duration::ZERO, Duration::ZERO));
        assert_eq!(stats.load_latency, Latencies::default());
    });
}

#[test]
fn the_latencies_of_all_bodies_are_told_by_percentiles() {
    let cache = TestCache::new();
    cache.run(|| {
        (1..=1_000).for_each(|n| drop(slow_body(&cache, n * 3 % 1_001)));
        for latency in [slow_body::stats().load_latency, cache.stats().load_latency] {
            assert_eq!((latency.count, latency.max), (1_000, millis(1_000)));
            assert_about(latency.p50, millis(500));
            assert_about(latency.p90, millis(900));
            assert_about(latency.p99, millis(990));
        }
    });
}

#[test]
fn the_latency_of_an_async_body_is_that_from_its_first_poll_to_its_end() {
    #[cached(skip(cache))]
    async fn remote(cache: &TestCache, id: u64) -> u64 {
        crate::support::pause().await;
        cache.advance(millis(30));
        id
    }
    let cache = TestCache::new();
    pollster::block_on(cache.scope(async {
        remote(&cache, 1).await;
        let latency = remote::stats().load_latency;
        assert_eq!((latency.count, latency.max), (1, millis(30)));
    }));
}

#[test]
fn the_keys_of_a_batch_share_the_time_of_its_body() {
    fn all(cache: &TestCache, ids: Vec<u64>) -> Vec<u64> {
        cache.advance(millis(100));
        ids
    }
    #[cached(skip(cache), batch = all)]
    fn one(cache: &TestCache, id: u64) -> u64 {
        all(cache, vec![id])[0]
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(one::get_many(&cache, [1, 2, 3, 4]), [1, 2, 3, 4]);
        let stats = one::stats();
        assert_eq!((stats.body_time, stats.load_latency.max), (millis(100), millis(25)));
    });
}

#[test]
fn what_a_body_costs_may_be_a_constant_or_a_whole_number() {
    const CENT: f64 = 0.01;
    #[cached(cost = 2.0 * CENT)]
    fn cheap() {}
    #[cached(cost = 3)]
    fn dear() {}
    let cache = TestCache::new();
    cache.run(|| {
        (0..2).for_each(|_| cheap());
        (0..2).for_each(|_| dear());
        assert_eq!(
            (cheap::stats().money_saved, dear::stats().money_saved),
            (Some(0.02), Some(3.0))
        );
        let cost =
            |name| cache.functions().iter().find(|it| it.name == name).and_then(|it| it.cost);
        assert_eq!(
            (cost("cheap"), cost("dear"), cost("slow_body")),
            (Some(0.02), Some(3.0), Some(0.04))
        );
    });
}

#[test]
fn all_of_it_can_be_written_out() {
    let cache = TestCache::new();
    cache.run(|| (0..2).for_each(|_| drop(slow_body(&cache, 20))));
    let function = cache.functions().into_iter().find(|it| it.name == "slow_body").expect("known");
    let written = serde_json::to_value(&function).expect("it serializes");
    assert_eq!(written["stats"]["time_saved"], 0.02, "in seconds");
    assert_eq!(written["stats"]["miss_reasons"]["cold"], 1);
    assert_eq!(written["stats"]["load_latency"]["max"], 0.02);
    assert_eq!(written["curve"]["points"][2]["factor"], 2.0);
    for value in [
        serde_json::to_value(cache.stats()),
        serde_json::to_value(cache.curve()),
        serde_json::to_value(cache.health()),
        serde_json::to_value(Cache::global().advice()),
        serde_json::to_value(cache.tiers()),
    ] {
        assert!(!value.expect("it serializes").is_null());
    }
}
