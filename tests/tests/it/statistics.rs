//! O2: the statistics say what calls took and saved.

use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, Latencies, MissReasons, cached};

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

/// Calls it once for each.
fn run_bodies(cache: &TestCache, takes: impl IntoIterator<Item = u64>) {
    for takes in takes {
        slow_body(cache, takes);
    }
}

#[test]
fn the_time_of_bodies_is_added_up_and_what_hits_save_follows_from_it() {
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(cache.stats().money_saved, None, "nothing was called that says what it costs");
        run_bodies(&cache, [10, 20, 30, 10, 10, 10, 10, 10]);
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
        run_bodies(&cache, (1..=1_000).map(|n| n * 3 % 1_001));
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
fn it_is_displayed_as_a_table_of_what_there_is_to_tell() {
    let cache = TestCache::new();
    let none = "\
hits                   0   hit rate                0.0%
misses                 0   coalesced                  0
loads                  0   errors                     0
inserted               0   evicted                    0
expired                0   invalidated                0
rejected               0   peak                     0 B
entries                0   of                  no limit
bytes                0 B   of                 256.0 MiB";
    assert_eq!(cache.stats().to_string(), none);
    cache.run(|| {
        run_bodies(&cache, [20, 40, 20, 40]);
        slow_body::invalidate(&20);
        run_bodies(&cache, [20, 40]);
    });
    let bytes = cache.stats().bytes;
    let some = format!(
        "\
hits                   3   hit rate               50.0%
misses                 3   coalesced                  0
          2 cold, 1 invalidated
loads                  3   errors                     0
inserted               3   evicted                    0
expired                0   invalidated                1
rejected               0   peak                   {bytes} B
entries                2   of                  no limit
bytes              {bytes} B   of                 256.0 MiB
in bodies          80 ms   time saved             80 ms
                           money saved             0.12
hits took 50% 0 s   90% 0 s   99% 0 s   all 0 s
loads took 50% 20 ms   90% 40 ms   99% 40 ms   all 40 ms"
    );
    assert_eq!(cache.stats().to_string(), some);
    assert_eq!(cache.curve().to_string(), "0.5x 50.0%   1x 50.0%   2x 50.0%   4x 50.0%");
    let texts = [0, 999, 1_500, 15_000, 250_000_000, 90_000_000_000, 7_200_000_000_000];
    let texts = texts.map(|nanos| {
        let mut latencies = Latencies::default();
        latencies.max = Duration::from_nanos(nanos);
        latencies.to_string().rsplit("all ").next().unwrap().to_owned()
    });
    assert_eq!(texts, ["0 s", "999 ns", "1.5 µs", "15 µs", "250 ms", "1.5 min", "2.0 h"]);
}

#[test]
fn all_of_it_can_be_written_out() {
    let cache = TestCache::new();
    cache.run(|| run_bodies(&cache, [20, 20]));
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

/// The reasons for the misses of a function by its name.
#[track_caller]
fn check_reasons(cache: &TestCache, name: &str, expected: [(&str, u64); 6]) {
    let stats = cache.function(name).stats().clone();
    let MissReasons { cold, expired, evicted, invalidated, refused, disabled, .. } =
        stats.miss_reasons;
    let found = [
        ("cold", cold),
        ("expired", expired),
        ("evicted", evicted),
        ("invalidated", invalidated),
        ("refused", refused),
        ("disabled", disabled),
    ];
    assert_eq!(found, expected, "{stats}");
    assert_eq!(stats.misses, found.iter().map(|(_, n)| n).sum::<u64>());
}

/// As [`check_reasons`], with one of them beside the cold ones.
#[track_caller]
fn check_reason(cache: &TestCache, name: &str, cold: u64, reason: &str, n: u64) {
    let names = ["cold", "expired", "evicted", "invalidated", "refused", "disabled"];
    let count = |name| if name == "cold" { cold } else { u64::from(name == reason) * n };
    check_reasons(cache, name, names.map(|name| (name, count(name))));
}

#[test]
fn a_call_that_was_never_made_is_a_cold_miss() {
    #[cached]
    fn cold_call(id: u64) -> u64 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..100).for_each(|id| assert_eq!(cold_call(id % 40), id % 40));
        check_reason(&cache, "cold_call", 40, "none", 0);
    });
}

#[test]
fn a_miss_is_an_expiry_whether_a_call_finds_the_value_or_it_was_swept() {
    #[cached(ttl = 10s)]
    fn short_lived(id: u64) -> u64 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        short_lived(1);
        short_lived(2);
        cache.advance(Duration::from_secs(10));
        short_lived(1);
        assert_eq!(cache.cleanup_expired(), 1);
        short_lived(2);
        check_reason(&cache, "short_lived", 2, "expired", 2);
    });
}

#[test]
fn a_miss_is_an_eviction_where_the_value_had_to_make_room() {
    #[cached(max_entries = 2)]
    fn crowded(id: u64) -> u64 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        [1, 2, 3, 1, 2, 3].into_iter().for_each(|id| assert_eq!(crowded(id), id));
        check_reason(&cache, "crowded", 3, "evicted", 3);
    });
}

#[test]
fn a_miss_is_an_invalidation_whoever_has_said_so() {
    #[cached(invalidate_on = ["changed"])]
    fn outdated(id: u64) -> u64 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        outdated(1);
        let verbs: [fn(&TestCache); 5] = [
            |_| assert!(outdated::invalidate(&1)),
            |_| outdated::clear(),
            |cache| cache.clear(),
            |cache| cache.emit("changed"),
            |cache| assert_eq!(cache.invalidate_matching("outdat*"), 1),
        ];
        for (n, verb) in (1..).zip(verbs) {
            verb(&cache);
            outdated(1);
            check_reason(&cache, "outdated", 1, "invalidated", n);
        }
        outdated::refresh(1);
        check_reason(&cache, "outdated", 1, "invalidated", 6);
    });
}

#[test]
fn a_miss_is_a_refusal_where_the_last_result_was_not_stored_or_not_served() {
    #[cached(
        cache_if = |value: &u64| *value != 1,
        validate = |value: &u64| *value != 2,
        size = |value| if *value == 3 { 1 << 30 } else { 0 }
    )]
    fn refused(id: u64) -> Result<u64, String> {
        if id == 4 { Err("no such thing".to_owned()) } else { Ok(id) }
    }
    let cache = TestCache::new();
    cache.run(|| {
        for round in 0..3 {
            for id in 1..=4 {
                assert_eq!(refused(id).ok(), (id != 4).then_some(id));
            }
            check_reason(&cache, "refused", 4, "refused", 4 * round);
        }
    });
}

#[test]
fn calls_while_caching_is_off_are_misses_for_that_reason() {
    #[cached(enabled = id != 7)]
    fn switched(id: u64) -> u64 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        switched(1);
        cache.set_enabled(false);
        (0..3).for_each(|_| assert_eq!(switched(1), 1));
        cache.set_enabled(true);
        assert_eq!((switched(1), switched(7)), (1, 7));
        switched::uncached(1);
        check_reason(&cache, "switched", 1, "disabled", 4);
        assert_eq!(cache.stats().hits, 1);
        cache.function("switched").loads(1);
    });
}

#[test]
fn every_call_is_a_hit_or_a_miss_for_one_reason() {
    #[cached(ttl = 50s, max_entries = 60, cache_if = |value: &u64| value % 7 != 0)]
    fn any_call(id: u64) -> u64 {
        id
    }
    let (cache, mut state) = (TestCache::new(), 1_u64);
    cache.run(|| {
        for n_calls in 1..=20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let id = (state >> 33) % 100;
            match (state >> 50) % 40 {
                0 => drop(any_call::invalidate(&id)),
                1 => cache.advance(Duration::from_secs(5)),
                2 => cache.set_enabled(state >> 60 != 0),
                3 => drop(cache.cleanup_expired()),
                _ => {}
            }
            any_call(id);
            let stats = any_call::stats();
            assert_eq!(stats.hits + stats.miss_reasons.total(), n_calls);
            assert_eq!(stats.misses, stats.miss_reasons.total());
        }
        let MissReasons { cold, expired, evicted, invalidated, refused, disabled, .. } =
            any_call::stats().miss_reasons;
        assert_eq!(cold, 100, "the first call of each");
        assert!([expired, evicted, invalidated, refused, disabled].iter().all(|n| *n > 50));
    });
}

#[test]
fn what_is_remembered_of_keys_that_are_gone_is_bounded_and_told() {
    #[cached]
    fn passing(id: u64) -> u64 {
        id
    }
    let cache = TestCache::from_builder(Cache::builder().max_entries(10));
    cache.run(|| {
        let before = cache.stats().stats_bytes;
        (0..100_000).for_each(|id| assert_eq!(passing(id), id));
        let taken = cache.stats().stats_bytes - before;
        assert!((256 << 10..1 << 20).contains(&taken), "{taken}");
        let reasons = passing::stats().miss_reasons;
        assert!(reasons.cold >= 99_980, "few keys are taken for others: {reasons:?}");
        (95_000..95_100).for_each(|id| assert_eq!(passing(id), id));
        let evicted = passing::stats().miss_reasons.evicted - reasons.evicted;
        assert_eq!(evicted, 100, "not all is forgotten");
    });
}

#[test]
fn the_latency_of_hits_is_that_from_the_lookup_to_the_copy() {
    /// A value that takes time to copy.
    struct Heavy(TestCache);
    impl Clone for Heavy {
        fn clone(&self) -> Self {
            self.0.advance(millis(7));
            Self(self.0.clone())
        }
    }
    #[cached(skip(cache), size = |_| 0)]
    fn heavy(cache: &TestCache) -> Heavy {
        Heavy(cache.clone())
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..11).for_each(|_| drop(heavy(&cache)));
        for latency in [heavy::stats().hit_latency, cache.stats().hit_latency] {
            assert_eq!((latency.count, latency.max), (10, millis(7)));
            assert_about(latency.p50, millis(7));
        }
        cache.clear();
    });
}
