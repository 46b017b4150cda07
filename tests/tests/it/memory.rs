//! M1 and M3 to M5: the budget is exact, what goes comes back, the least recently used goes first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, cached};

use crate::support::watched;

#[cached]
fn square(n: u64) -> u64 {
    n * n
}

#[cached]
fn blob(size: usize, id: u32) -> Vec<u8> {
    vec![id as u8; size]
}

fn limited_to(max_entries: usize) -> TestCache {
    TestCache::from_builder(Cache::builder().max_entries(max_entries))
}

/// What an ordered dictionary of limited length would hold, least recently used first.
#[derive(Default)]
struct OrderedDict(VecDeque<(&'static str, u64)>);

impl OrderedDict {
    /// True for a hit.
    fn call(&mut self, key: (&'static str, u64), limit: usize) -> bool {
        let found = self.0.iter().position(|held| *held == key);
        if let Some(idx) = found {
            self.0.remove(idx);
        }
        self.0.push_back(key);
        if self.0.len() > limit {
            self.0.pop_front();
        }
        found.is_some()
    }
}

fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

#[test]
fn a_small_cache_evicts_as_an_ordered_dict_does_across_functions() {
    #[cached]
    fn cube(n: u64) -> u64 {
        n * n * n
    }
    for limit in [1, 2, 3, 10, 100, 1000] {
        let cache = limited_to(limit);
        let mut model = OrderedDict::default();
        let mut state = 0x9e37_79b9_7f4a_7c15;
        cache.run(|| {
            for step in 0..20_000 {
                let n = random(&mut state) % (2 * limit as u64 + 3);
                let hits = cache.stats().hits;
                let name = if random(&mut state) % 2 == 0 {
                    square(n);
                    "square"
                } else {
                    cube(n);
                    "cube"
                };
                let was_hit = cache.stats().hits > hits;
                assert_eq!(was_hit, model.call((name, n), limit), "step {step} at limit {limit}");
                assert!(cache.stats().entries <= limit);
            }
        });
        assert_eq!(cache.stats().entries, model.0.len());
    }
}

#[test]
fn under_a_byte_limit_the_order_is_exact_from_the_first_entry_on() {
    let (cache, mut model, mut state) = (
        TestCache::from_builder(Cache::builder().max_bytes(20_000)),
        OrderedDict::default(),
        0x9e37_79b9_7f4a_7c15,
    );
    cache.run(|| {
        square(0);
        let limit = 20_000 / cache.stats().bytes;
        assert!(limit > 100, "a 64th of the bytes holds more than one");
        cache.clear();
        for step in 0..20_000 {
            let (n, hits) = (random(&mut state) % (2 * limit as u64), cache.stats().hits);
            square(n);
            let was_hit = cache.stats().hits > hits;
            assert_eq!(was_hit, model.call(("square", n), limit), "step {step}");
        }
    });
}

#[test]
fn under_a_large_byte_limit_the_order_of_few_large_values_is_exact() {
    #[cached(size = |_| 2 << 20)]
    fn large(n: u64) -> u64 {
        n
    }
    // Of the default size.
    let cache = TestCache::from_builder(Cache::builder().max_bytes(256 << 20));
    let (mut model, mut state) = (OrderedDict::default(), 1);
    cache.run(|| {
        for step in 0..5_000 {
            let (n, hits) = (random(&mut state) % 200, cache.stats().hits);
            large(n);
            assert_eq!(cache.stats().hits > hits, model.call(("large", n), 127), "step {step}");
        }
    });
}

#[test]
fn a_function_with_a_limit_of_its_own_keeps_its_own_order() {
    #[cached(max_entries = 5)]
    fn few(n: u64) -> u64 {
        n
    }
    let cache = TestCache::new();
    let mut model = OrderedDict::default();
    let mut state = 1;
    cache.run(|| {
        for _ in 0..5_000 {
            let n = random(&mut state) % 9;
            let hits = few::stats().hits;
            few(n);
            assert_eq!(few::stats().hits > hits, model.call(("few", n), 5));
            square(random(&mut state) % 5_000);
        }
        assert_eq!(few::stats().entries, 5);
        assert_eq!(square::stats().evictions, 0, "others pay nothing for it");
    });
}

#[test]
fn the_total_is_the_sum_of_the_charges_and_never_above_the_limit() {
    let limit = 200_000;
    let cache = TestCache::from_builder(Cache::builder().max_bytes(limit));
    let mut state = 7;
    cache.run(|| {
        for _ in 0..3_000 {
            let (size, id) =
                ((random(&mut state) % 3_000) as usize, (random(&mut state) % 50) as u32);
            match random(&mut state) % 10 {
                0 => drop(blob::invalidate(&size, &id)),
                1 => drop(blob::put(size, id, vec![0; size / 2])),
                2 => drop(blob::put(size, id, vec![0; size * 2])),
                _ => drop(blob(size, id)),
            }
            assert!(cache.stats().bytes <= limit);
        }
        let stats = cache.stats();
        assert_eq!(
            stats.bytes,
            cache.entries(usize::MAX).iter().map(|entry| entry.charge).sum::<usize>()
        );
        assert_eq!(stats.bytes, blob::stats().bytes);
        assert_eq!(stats.entries, cache.entries(usize::MAX).len());
        assert!(
            stats.evictions > 100
                && stats.peak_bytes <= limit
                && stats.peak_bytes >= limit * 9 / 10,
            "{stats}"
        );
        cache.clear();
        assert_eq!((cache.stats().bytes, cache.stats().entries), (0, 0));
    });
}

#[test]
fn the_budget_holds_under_concurrent_inserts() {
    let limit = 100_000;
    let cache = TestCache::from_builder(Cache::builder().max_bytes(limit));
    watched(move || {
        thread::scope(|scope| {
            for thread in 0..4_u64 {
                let cache = &cache;
                scope.spawn(move || {
                    let mut state = thread + 1;
                    cache.run(|| {
                        for _ in 0..3_000 {
                            blob(
                                (random(&mut state) % 2_000) as usize,
                                (random(&mut state) % 20) as u32,
                            );
                            assert!(cache.stats().bytes <= limit);
                            if random(&mut state) % 100 == 0 {
                                blob::clear();
                            }
                        }
                    });
                });
            }
        });
        let sum = cache.entries(usize::MAX).iter().map(|entry| entry.charge).sum::<usize>();
        assert_eq!(cache.stats().bytes, sum);
        assert!(cache.stats().peak_bytes <= limit);
    });
}

#[test]
fn keys_and_overhead_count() {
    #[cached]
    fn len(text: &str) -> usize {
        text.len()
    }
    let cache = TestCache::new();
    cache.run(|| {
        len(&"x".repeat(10_000));
        let entry = &cache.entries(1)[0];
        assert!((10_000..10_400).contains(&entry.charge), "{entry:?}");
    });
}

#[test]
fn what_is_stored_counts_with_its_capacity() {
    #[cached]
    fn shared(n: usize) -> Arc<Vec<u64>> {
        Arc::new(Vec::with_capacity(n))
    }
    #[cached]
    fn copied(n: usize) -> Vec<u64> {
        Vec::with_capacity(n)
    }
    TestCache::new().run(|| {
        shared(1_000);
        copied(1_000);
        assert!((8_000..8_400).contains(&shared::stats().bytes));
        assert!(copied::stats().bytes < 400, "the copy that is kept has no spare capacity");
    });
}

#[test]
fn an_oversized_value_is_returned_and_flushes_nothing() {
    let cache = TestCache::from_builder(Cache::builder().max_bytes(50_000));
    cache.run(|| {
        (0..10).for_each(|id| drop(blob(1_000, id)));
        assert_eq!(blob(60_000, 1).len(), 60_000);
        assert_eq!(blob(60_000, 1).len(), 60_000);
        cache.function("blob").rejected(2).evictions(0).entries(10).loads(12);
    });
}

#[test]
fn an_oversized_value_takes_its_predecessor_along() {
    let cache = TestCache::from_builder(Cache::builder().max_bytes(50_000));
    cache.run(|| {
        blob(10, 1);
        assert!(!blob::put(10, 1, vec![0; 60_000]));
        assert_eq!(blob::peek(&10, &1), None, "what was there is not what was put");
        cache.function("blob").rejected(1).entries(0);
        assert_eq!(cache.stats().bytes, 0);
    });
}

#[test]
fn values_as_large_as_the_whole_budget_are_kept() {
    let cache = TestCache::from_builder(Cache::builder().max_bytes(10 << 20));
    cache.run(|| {
        (0..20).for_each(|id| drop(blob(2 << 20, id)));
        assert_eq!(cache.stats().entries, 4, "as many as fit into the one budget");
        blob(9 << 20, 1);
        assert_eq!(cache.stats().entries, 1);
    });
}

#[test]
fn a_limit_of_n_keeps_n() {
    for limit in 1..=20 {
        let cache = limited_to(limit);
        cache.run(|| {
            (0..1_000).for_each(|n| {
                square(n);
            })
        });
        assert_eq!(cache.stats().entries, limit);
    }
}

#[test]
fn limits_change_at_run_time_and_hold_when_the_call_returns() {
    let cache = TestCache::new();
    cache.run(|| {
        (0..500).for_each(|id| drop(blob(1_000, id)));
        cache.set_max_entries(100);
        assert_eq!(cache.stats().entries, 100);
        assert!((400..500).all(|id| blob::peek(&1_000, &id).is_some()), "the most recent stay");
        cache.set_max_bytes(20_000);
        assert!(cache.stats().bytes <= 20_000);
        cache.set_max_entries(None);
        cache.set_max_bytes(None);
        (0..500).for_each(|id| drop(blob(1_000, id)));
        assert_eq!(cache.stats().entries, 500);
        assert_eq!((cache.stats().max_bytes, cache.stats().max_entries), (None, None));
    });
}

#[test]
fn huge_limits_neither_wrap_nor_reserve() {
    let cache = TestCache::from_builder(
        Cache::builder().max_entries(usize::MAX - 1).max_bytes(usize::MAX - 1),
    );
    cache.run(|| {
        assert_eq!(square(3), 9);
        cache.set_max_bytes(usize::MAX);
        cache.set_max_entries(1);
        assert_eq!((square(4), square(3)), (16, 9));
        assert_eq!(cache.stats().entries, 1);
    });
}

#[test]
fn max_bytes_limits_one_function() {
    #[cached(max_bytes = 64KiB)]
    fn page(id: u32) -> Vec<u8> {
        vec![0; 10_000 + id as usize]
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..100).for_each(|id| drop(page(id)));
        let stats = page::stats();
        assert!(stats.bytes <= 64 << 10 && stats.entries == 6, "{stats}");
        assert_eq!(stats.max_bytes, Some(64 << 10));
        assert!(page::peek(&99).is_some() && page::peek(&93).is_none());
    });
}

#[test]
fn what_is_dropped_is_dropped_at_once() {
    #[cached(ttl = 1m, size = |_| 100)]
    fn shared(id: u32) -> Arc<u32> {
        Arc::new(id)
    }
    let cache = limited_to(2);
    cache.run(|| {
        let held: Vec<Arc<u32>> = (0..4).map(shared).collect();
        let counts = || held.iter().map(Arc::strong_count).collect::<Vec<_>>();
        assert_eq!(counts(), [1, 1, 2, 2], "evicted");
        shared::invalidate(&3);
        assert_eq!(counts(), [1, 1, 2, 1], "invalidated");
        cache.advance(Duration::from_secs(60));
        cache.run_background();
        assert_eq!(counts(), [1, 1, 1, 1], "expired");
        shared::put(9, Arc::clone(&held[0]));
        assert_eq!(counts(), [2, 1, 1, 1]);
        shared::put(9, Arc::clone(&held[1]));
        assert_eq!(counts(), [1, 2, 1, 1], "replaced");
        shared::clear();
        assert_eq!(counts(), [1, 1, 1, 1], "cleared");
        assert_eq!(cache.stats().bytes, 0);
    });
}

#[test]
fn the_expired_goes_before_the_least_recently_used() {
    #[cached]
    fn lasting(id: u32) -> u32 {
        id
    }
    #[cached(ttl = 1s)]
    fn passing(id: u32) -> u32 {
        id
    }
    let cache = limited_to(3);
    cache.run(|| {
        lasting(1);
        lasting(2);
        passing(3);
        cache.advance(Duration::from_secs(1));
        assert_eq!(passing::peek(&3), None, "a look does not bring it back");
        lasting(4);
        assert!(lasting::peek(&1).is_some());
        cache.function("passing").expirations(1).evictions(0);
        cache.function("lasting").evictions(0).entries(3);
    });
}

#[test]
fn replacing_a_value_evicts_nobody_else() {
    let cache = limited_to(3);
    cache.run(|| {
        (1..=3).for_each(|n| {
            square(n);
        });
        square::put(2, 5);
        assert_eq!(square(2), 5);
        cache.function("square").evictions(0).entries(3);
    });
}

#[test]
fn a_private_cache_frees_everything_when_it_is_dropped() {
    #[cached(size = |_| 8)]
    fn handle(id: u32) -> Arc<u32> {
        Arc::new(id)
    }
    let cache = TestCache::new();
    let held: Vec<Arc<u32>> = cache.run(|| (0..10).map(handle).collect());
    assert!(held.iter().all(|value| Arc::strong_count(value) == 2));
    drop(cache);
    assert!(held.iter().all(|value| Arc::strong_count(value) == 1));
}
