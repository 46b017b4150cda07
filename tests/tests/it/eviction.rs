//! What a cache with `Eviction::ScanResistant` keeps, and that it keeps to its limits.

use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, Eviction, cached};

use crate::support::watched;

#[cached]
fn price(id: u64) -> u64 {
    id
}

#[cached]
fn blob(size: usize, id: u64) -> Vec<u8> {
    vec![id as u8; size]
}

fn with(eviction: Eviction, max_entries: usize) -> TestCache {
    TestCache::from_builder(Cache::builder().max_entries(max_entries).eviction(eviction))
}

/// How many of some calls are hits.
fn hits(cache: &TestCache, ids: impl IntoIterator<Item = u64>) -> u64 {
    let before = cache.stats().hits;
    cache.run(|| {
        for id in ids {
            assert_eq!(price(id), id);
        }
    });
    cache.stats().hits - before
}

#[test]
fn what_is_in_use_survives_a_scan_that_empties_an_lru() {
    for (max_entries, n_hot) in [(10, 5), (100, 50), (4_000, 2_000)] {
        let survivors = |eviction| {
            let cache = with(eviction, max_entries);
            hits(&cache, (0..5).flat_map(|_| 0..n_hot));
            hits(&cache, 1_000_000..1_000_000 + 20 * max_entries as u64);
            hits(&cache, 0..n_hot)
        };
        assert_eq!(survivors(Eviction::Lru), 0);
        let found = survivors(Eviction::ScanResistant);
        assert!(found >= n_hot * 9 / 10, "{found} of {n_hot} with {max_entries} entries");
    }
}

#[test]
fn a_loop_over_more_than_fits_is_hit_by_a_scan_resistant_cache_only() {
    let rounds = || (0..10).flat_map(|_| 0..400);
    assert_eq!(hits(&with(Eviction::Lru, 200), rounds()), 0);
    let found = hits(&with(Eviction::ScanResistant, 200), rounds());
    assert!(found >= 9 * 150, "{found}");
}

#[test]
fn both_limits_hold_and_every_byte_comes_back() {
    watched(|| {
        let builder = Cache::builder().max_bytes(60_000).max_entries(100);
        let cache = TestCache::from_builder(builder.eviction(Eviction::ScanResistant));
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        cache.run(|| {
            for _ in 0..20_000 {
                let id = random(300);
                let size = 1 + (id as usize * 37) % 2_000;
                match random(20) {
                    0 => _ = blob::invalidate(&size, &id),
                    1 => _ = blob::refresh(size, id),
                    _ => assert_eq!(blob(size, id).len(), size),
                }
                let stats = cache.stats();
                assert!(stats.bytes <= 60_000 && stats.entries <= 100, "{stats}");
            }
            let charges: usize = cache.entries(usize::MAX).iter().map(|entry| entry.charge).sum();
            let stats = cache.stats();
            assert_eq!((stats.bytes, stats.insertions > 5_000), (charges, true));
            blob::clear();
            assert_eq!((cache.stats().bytes, cache.stats().entries), (0, 0));
        });
    });
}

#[test]
fn a_function_with_a_limit_of_its_own_makes_room_in_its_own_order() {
    #[cached(max_entries = 10)]
    fn few(n: u64) -> u64 {
        n
    }
    let cache = TestCache::from_builder(Cache::builder().eviction(Eviction::ScanResistant));
    hits(&cache, 0..100);
    cache.run(|| {
        (0..20).for_each(|_| (0..5).for_each(|n| _ = few(n)));
        (100..1_000).for_each(|n| _ = few(n));
        let before = few::stats().hits;
        (0..5).for_each(|n| _ = few(n));
        let found = few::stats().hits - before;
        assert!(found >= 4, "{found} of 5; an LRU has none");
        assert_eq!(few::stats().entries, 10);
        assert_eq!((price::stats().entries, price::stats().evictions), (100, 0));
    });
}

#[test]
fn what_has_expired_goes_before_what_is_on_probation() {
    #[cached(ttl = 1m)]
    fn passing(n: u64) -> u64 {
        n
    }
    let cache = with(Eviction::ScanResistant, 10);
    cache.run(|| {
        // In use, so that it would stay.
        (0..50).for_each(|_| (0..5).for_each(|n| _ = passing(n)));
        (0..5).for_each(|id| _ = price(id));
        cache.advance(Duration::from_secs(61));
        (5..10).for_each(|id| _ = price(id));
        cache.function("passing").expirations(5).evictions(0);
        cache.function("price").evictions(0).entries(10);
    });
}
