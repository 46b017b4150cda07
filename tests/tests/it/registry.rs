//! O1, A4 and A9: what a program caches can be seen, before and after its first call.

use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, cached};

use crate::support::watched;

/// Never called.
#[cached(ttl = 90s, version = 3, name = "img:never")]
#[allow(dead_code)]
fn never_called(id: u32) -> u32 {
    id
}

#[test]
fn every_function_is_known_before_its_first_call() {
    let functions = Cache::global().functions();
    let never = functions.iter().find(|function| function.name == "img:never").expect("known");
    assert_eq!(never.module, module_path!());
    assert!(never.file.ends_with("registry.rs"));
    assert_eq!((never.ttl, never.version, never.enabled), (Some(Duration::from_secs(90)), 3, true));
    assert_eq!((never.stats.hits, never.stats.loads), (0, 0));
    assert!(functions.len() > 100, "all of this binary: {}", functions.len());
}

#[test]
fn a_function_is_listed_with_the_line_of_its_name() {
    let line = line!();
    #[cached(ttl = 1m)]
    #[allow(dead_code)]
    fn far_below() {}

    struct Shelf;
    #[cached]
    #[allow(dead_code)]
    impl Shelf {
        #[cached(skip(self))]
        fn first(&self) {}

        #[cached(skip(self), handle = Second)]
        fn second(&self) {}
    }
    let functions = Cache::global().functions();
    for (name, below) in [("far_below", 3), ("Shelf::first", 10), ("Shelf::second", 13)] {
        let function = functions.iter().find(|function| function.name == name).expect("known");
        assert_eq!(function.line - line, below, "{name}");
    }
}

#[test]
fn a_function_is_listed_once_however_often_it_is_instantiated() {
    #[cached]
    fn instantiated_twice<T: serde::Serialize>(_value: T) -> usize {
        size_of::<T>()
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((instantiated_twice(1_u8), instantiated_twice(1_u16)), (1, 2));
        assert_eq!(
            cache
                .functions()
                .iter()
                .filter(|function| function.name == "instantiated_twice")
                .count(),
            1
        );
        cache.function("instantiated_twice").loads(2);
    });
}

#[test]
fn entries_tell_their_age_use_and_rest() {
    #[cached(ttl = 100s)]
    fn price(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    let seconds = |n| Duration::from_secs(n);
    cache.run(|| {
        price(1);
        price(2);
        cache.advance(seconds(10));
        (0..3).for_each(|_| {
            price(1);
        });
        cache.advance(seconds(20));
        let entries = cache.entries(9);
        assert_eq!(entries.len(), 2);
        let (first, second) = (&entries[0], &entries[1]);
        assert_eq!(
            (first.uses, first.age, first.idle, first.remaining),
            (3, seconds(30), seconds(20), Some(seconds(70)))
        );
        assert_eq!((second.uses, second.age, second.idle), (0, seconds(30), seconds(30)));
        assert_eq!((first.function, first.label.as_deref(), first.key.len()), ("price", None, 16));
        assert!(first.charge > 0 && first.key != second.key);
        assert_eq!(cache.entries(1).len(), 1);
    });
}

#[test]
fn counters_are_exact_under_concurrency() {
    #[cached]
    fn square(n: u64) -> u64 {
        n * n
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    cache.run(|| {
                        (0..20_000_u64).for_each(|n| {
                            square(n % 1_000);
                        })
                    })
                });
            }
        });
        let stats = cache.stats();
        assert_eq!(stats.hits + stats.misses, 160_000);
        assert_eq!((stats.loads, stats.insertions, stats.entries), (1_000, 1_000, 1_000));
        assert_eq!(stats.misses, stats.loads + stats.coalesced);
    });
}

#[test]
fn a_reset_starts_all_counters_anew() {
    #[cached]
    fn square(n: u64) -> u64 {
        n * n
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..100).for_each(|n| {
            square(n % 10);
        });
        square::clear();
        cache.reset_stats();
        let stats = cache.stats();
        assert_eq!(
            (stats.hits, stats.misses, stats.insertions, stats.invalidations, stats.peak_bytes),
            (0, 0, 0, 0, 0)
        );
        (0..10).for_each(|_| {
            square(1);
        });
        assert_eq!((cache.stats().hits, cache.stats().misses), (9, 1));
        assert!((cache.stats().hit_rate() - 0.9).abs() < 1e-9);
    });
}

#[test]
fn the_table_is_aligned() {
    let cache = TestCache::new();
    let text = cache.stats().to_string();
    let widths: Vec<usize> = text.lines().map(|line| line.chars().count()).collect();
    assert!(widths.iter().all(|width| *width == widths[0]), "\n{text}");
    assert!(text.contains("hit rate") && text.contains("256.0 MiB"), "\n{text}");
}
