//! O3: what more or less memory would do, against an exact LRU of that size.

use std::collections::HashMap;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Builder, Cache, Curve, cached};

use crate::traces::requests;

#[cached]
fn shelf(id: u64) -> u64 {
    id
}

/// Which requests were the last ones for their keys, as a Fenwick tree.
struct Last(Vec<usize>);

impl Last {
    fn add(&mut self, time: usize, by: usize) {
        let mut node = time + 1;
        while node < self.0.len() {
            self.0[node] = self.0[node].wrapping_add(by);
            node += node & node.wrapping_neg();
        }
    }

    /// How many there are before a time.
    fn before(&self, time: usize) -> usize {
        let (mut node, mut sum) = (time, 0_usize);
        while node > 0 {
            sum = sum.wrapping_add(self.0[node]);
            node &= node - 1;
        }
        sum
    }
}

/// The hit rates of an exact LRU of each size, by stack distances (Mattson and others, 1970).
fn exact(requests: &[u64], sizes: [usize; 4]) -> [f64; 4] {
    let (mut last, mut times, mut hits) =
        (Last(vec![0; requests.len() + 1]), HashMap::new(), [0; 4]);
    for (time, id) in requests.iter().enumerate() {
        if let Some(before) = times.insert(*id, time) {
            let distance = times.len() - last.before(before);
            for (hits, size) in hits.iter_mut().zip(sizes) {
                *hits += u64::from(distance <= size);
            }
            last.add(before, usize::MAX);
        }
        last.add(time, 1);
    }
    hits.map(|hits| hits as f64 / requests.len() as f64)
}

/// Compares the curve of a cache that has served some requests with an exact LRU of `size` entries.
#[track_caller]
fn check(curve: &Curve, requests: &[u64], size: usize, at_most: f64) {
    let exact = exact(requests, [size / 2, size, 2 * size, 4 * size]);
    for (point, exact) in curve.points.iter().zip(exact) {
        println!("{size} x {}: {:.4}, exact {exact:.4}", point.factor, point.hit_rate);
        let error = (point.hit_rate - exact).abs();
        assert!(error <= at_most, "{size} entries x {}: off by {error:.4}", point.factor);
    }
}

fn serve(requests: &[u64], builder: Builder) -> TestCache {
    let cache = TestCache::from_builder(builder);
    cache.run(|| requests.iter().for_each(|id| assert_eq!(shelf(*id), *id)));
    cache
}

#[test]
fn the_curve_is_that_of_an_exact_lru_on_a_recorded_trace() {
    let requests = requests();
    for size in [205, 1_024, 2_048, 5_121] {
        let cache = serve(&requests, Cache::builder().max_entries(size));
        check(&cache.curve(), &requests, size, 0.02);
        let functions = cache.functions();
        let shelf = functions.iter().find(|it| it.stats.hits > 0).expect("it was called");
        check(&shelf.curve, &requests, size, 0.02);
        assert!(cache.stats().stats_bytes < 1 << 20, "{}", cache.stats());
    }
}

#[test]
fn where_the_limit_is_one_on_bytes_so_is_the_curve() {
    let requests = requests();
    let each = serve(&[1], Cache::builder()).stats().bytes;
    let cache = serve(&requests, Cache::builder().max_bytes(2_000 * each));
    let curve = cache.curve();
    let bytes = curve.points.map(|point| point.max_bytes);
    assert_eq!(bytes, [1_000, 2_000, 4_000, 8_000].map(|n| Some(n * each)));
    check(&curve, &requests, 2_000, 0.02);
}

#[test]
fn a_loop_shows_how_much_it_takes_to_hit() {
    let round: Vec<u64> = (0..300).collect();
    let requests = round.repeat(40);
    for (size, expected) in
        [(200, [0.0, 0.0, 1.0, 1.0]), (400, [0.0, 1.0, 1.0, 1.0]), (800, [1.0; 4])]
    {
        let cache = serve(&requests, Cache::builder().max_entries(size));
        let rates = cache.curve().points.map(|point| point.hit_rate);
        for (rate, expected) in rates.into_iter().zip(expected) {
            // The first round is of misses.
            assert!((rate - expected).abs() < 0.04, "{size} entries: {rates:?}");
        }
    }
}

#[test]
fn a_function_with_limits_of_its_own_has_a_curve_of_its_own() {
    #[cached(max_entries = 100)]
    fn few(id: u64) -> u64 {
        id
    }
    let requests = requests();
    let cache = TestCache::new();
    cache.run(|| requests.iter().for_each(|id| assert_eq!(few(*id), *id)));
    let functions = cache.functions();
    let few = functions.iter().find(|it| it.name == "few").expect("known");
    assert_eq!(few.curve.points.map(|it| it.max_entries), [50, 100, 200, 400].map(Some));
    check(&few.curve, &requests, 100, 0.02);
    let rates = cache.curve().points.map(|it| it.hit_rate);
    assert_eq!(rates, [rates[1]; 4], "more for all would not help it");
}

#[test]
fn what_is_expired_or_outdated_would_be_so_in_a_larger_cache() {
    #[cached(ttl = 10s)]
    fn brief(id: u64) -> u64 {
        id
    }
    #[cached(invalidate_on = ["over"])]
    fn eventful(id: u64) -> u64 {
        id
    }
    type Function = fn(u64) -> u64;
    type Change = fn(&TestCache);
    let changes: [(Function, Change, bool); 6] = [
        (brief, |_| {}, true),
        (brief, |cache| cache.advance(Duration::from_secs(10)), false),
        (eventful, |cache| cache.emit("something else"), true),
        (eventful, |cache| cache.emit("over"), false),
        (
            eventful,
            |_| (0..20).for_each(|id| assert!(eventful::invalidate(&id) == (id >= 10))),
            false,
        ),
        (eventful, |cache| cache.clear(), false),
    ];
    for (case, (function, change, is_gained)) in changes.into_iter().enumerate() {
        let cache = TestCache::from_builder(Cache::builder().max_entries(10));
        cache.run(|| {
            (0..20).for_each(|id| assert_eq!(function(id), id));
            change(&cache);
            (0..10).for_each(|id| assert_eq!(function(id), id));
        });
        let gained = cache.curve().points[2].hit_rate > 0.0;
        assert_eq!(gained, is_gained, "case {case}: {:?}", cache.curve());
    }
}

#[test]
fn a_change_of_the_limit_and_a_reset_begin_the_curve_anew() {
    let cache = serve(&(0..100).collect::<Vec<_>>().repeat(3), Cache::builder().max_entries(60));
    assert!(cache.curve().points[2].hit_rate > 0.6);
    cache.set_max_entries(200);
    assert_eq!(cache.curve().points.map(|it| it.hit_rate), [0.0; 4]);
    cache.run(|| (0..50).for_each(|_| assert_eq!(shelf(99), 99)));
    assert_eq!(cache.curve().points.map(|it| it.hit_rate), [1.0; 4]);
    cache.reset_stats();
    assert_eq!(cache.curve().points.map(|it| it.hit_rate), [0.0; 4]);
}
