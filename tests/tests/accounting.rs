//! M2 and K4 against the allocator: what the cache says it holds, and what a hit allocates.
//!
//! One test in a binary of its own, because the allocator counts for the whole process.

use std::alloc::System;
use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::Arc;

use cache_core::testing::TestCache;
use cache_core::{Cache, Eviction, HeapSize, cached, emit};
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

#[derive(Clone, HeapSize)]
struct Answer {
    model: String,
    choices: Vec<(String, f64)>,
    usage: BTreeMap<String, u64>,
    next: Option<Box<Answer>>,
}

fn answer(n: u64) -> Answer {
    Answer {
        model: "large".to_owned(),
        choices: (0..n % 5 + 1).map(|i| ("token ".repeat((i + n) as usize % 40), 0.5)).collect(),
        usage: (0..n % 20).map(|i| (format!("kind {i}"), i)).collect(),
        next: (n % 3 == 0).then(|| Box::new(answer(n + 1))),
    }
}

#[cached]
fn number(n: u64) -> u64 {
    n
}
#[cached(ttl = 1h)]
fn mortal(n: u64) -> u64 {
    n
}
#[cached]
fn string(n: u64) -> String {
    "x".repeat(n as usize % 500)
}
#[cached]
fn spare(n: u64) -> Arc<String> {
    let mut text = String::with_capacity(1000);
    text.push_str(&n.to_string());
    Arc::new(text)
}
#[cached]
fn nested(n: u64) -> Vec<Vec<u8>> {
    (0..n % 20).map(|i| vec![0; i as usize * 7]).collect()
}
#[cached]
fn hash_map(n: u64) -> HashMap<String, Vec<u64>> {
    (0..n % 50).map(|i| (format!("key {i}"), vec![i; i as usize])).collect()
}
#[cached]
fn tree(n: u64) -> BTreeMap<u64, String> {
    (0..n % 100).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15), "x".repeat(i as usize))).collect()
}
#[cached]
fn shared(n: u64) -> Vec<Arc<Vec<u8>>> {
    let one = Arc::new(vec![0; n as usize % 1000]);
    (0..10).map(|_| Arc::clone(&one)).collect()
}
#[expect(clippy::vec_box, reason = "boxes are what is measured")]
#[cached]
fn boxed(n: u64) -> Vec<Box<u64>> {
    (0..n % 100).map(Box::new).collect()
}
#[cached]
fn structs(n: u64) -> Answer {
    answer(n)
}

#[cached(invalidate_on = [("answer", n)])]
fn with_event(n: u64) -> u64 {
    n
}
#[cached(invalidate_on = [("answer", n), ("group", n / 100), "answers"])]
fn with_events(n: u64) -> u64 {
    n
}

fn accounted(name: &str, call: fn(u64), stats: fn() -> cache_core::Stats) -> (usize, usize) {
    const N: u64 = 3_000;
    let cache = TestCache::from_builder(Cache::builder().max_bytes(None));
    let (said, held) = cache.run(|| {
        call(0);
        let (before, region) = (stats().bytes, Region::new(ALLOCATOR));
        (1..N).for_each(call);
        let change = region.change();
        (stats().bytes - before, change.bytes_allocated - change.bytes_deallocated)
    });
    let error = 100.0 * (said as f64 - held as f64) / held as f64;
    println!("{name:>10} {said:>10} said {held:>10} held {error:>+6.1} %");
    assert!(error.abs() <= 5.0, "{name}: {error:+.1} %");
    (said, held)
}

#[derive(Serialize)]
struct Query<'a> {
    user: u64,
    text: &'a str,
    limit: Option<u32>,
    exact: bool,
    weights: Vec<f32>,
}

#[cached]
fn by_number(n: u64) -> u64 {
    n
}
#[cached]
fn by_str(text: &str) -> usize {
    text.len()
}
#[cached]
fn by_string(text: String) -> usize {
    text.len()
}
#[cached]
fn by_struct(query: &Query<'_>) -> u64 {
    query.user + query.text.len() as u64 + u64::from(query.exact) + query.weights.len() as u64
}
#[cached]
fn to_string(n: u64) -> String {
    "x".repeat(n as usize)
}
#[cached]
async fn later(n: u64) -> u64 {
    n
}

fn allocations(name: &str, expected: usize, mut hit: impl FnMut()) {
    (0..10).for_each(|_| hit());
    let region = Region::new(ALLOCATOR);
    (0..1000).for_each(|_| hit());
    let n = region.change().allocations;
    println!("{name:>10} {} allocations a hit", n as f64 / 1000.0);
    assert_eq!(n, expected * 1000, "{name}");
}

/// Fills the global cache, and empties it again: what entries need besides themselves is said, and given back.
fn many_come_and_go(name: &str, call: fn(u64), stats: fn() -> cache_core::Stats, clear: fn()) {
    const MANY: u64 = 200_000;
    // What the statistics take is no part of what entries need, and stays.
    let counted = || Cache::global().stats().stats_bytes as f64;
    let (region, counted_before) = (Region::new(ALLOCATOR), counted());
    let held = || {
        let change = region.change();
        let held = change.bytes_allocated as f64 - change.bytes_deallocated as f64;
        held - (counted() - counted_before)
    };
    (0..MANY).for_each(call);
    let (said, full) = (stats().bytes as f64, held());
    let share = 100.0 * (said - full) / full;
    println!("{name:>10} {said:>10} said {full:>10} held {share:>+6.1} %");
    clear();
    println!("   cleared {:>10} said {:>10} held", stats().bytes, held());
    assert!(share.abs() < 5.0, "all are there");
    assert!(held() < full / 100.0, "what they needed is given back, not only they");
}

#[test]
fn the_total_is_within_five_percent_of_the_allocator_and_hits_allocate_nothing() {
    let rows = [
        accounted(
            "u64",
            |n| {
                black_box(number(n));
            },
            number::stats,
        ),
        accounted("String", |n| drop(string(n)), string::stats),
        accounted("spare", |n| drop(spare(n)), spare::stats),
        accounted("nested", |n| drop(nested(n)), nested::stats),
        accounted("HashMap", |n| drop(hash_map(n)), hash_map::stats),
        accounted("BTreeMap", |n| drop(tree(n)), tree::stats),
        accounted("Arc", |n| drop(shared(n)), shared::stats),
        accounted("Box", |n| drop(boxed(n)), boxed::stats),
        accounted("derived", |n| drop(structs(n)), structs::stats),
        accounted(
            "event",
            |n| {
                black_box(with_event(n));
            },
            with_event::stats,
        ),
        accounted(
            "events",
            |n| {
                black_box(with_events(n));
            },
            with_events::stats,
        ),
    ];
    let (said, held) = rows.into_iter().fold((0, 0), |sum, row| (sum.0 + row.0, sum.1 + row.1));
    println!(
        "     total {said:>10} said {held:>10} held {:>+6.1} %",
        100.0 * (said as f64 - held as f64) / held as f64
    );

    let text = "x".repeat(40);
    let query =
        Query { user: 1, text: "coffee", limit: Some(3), exact: true, weights: vec![0.5; 8] };
    allocations("u64", 0, || {
        black_box(by_number(black_box(7)));
    });
    allocations("&str", 0, || {
        black_box(by_str(black_box(&text)));
    });
    // The argument itself is the one allocation.
    allocations("String", 1, || {
        black_box(by_string(text.clone()));
    });
    allocations("struct", 0, || {
        black_box(by_struct(&query));
    });
    // The value's own clone is.
    allocations("to String", 1, || drop(to_string(100)));
    allocations("event", 0, || {
        black_box(with_event(7));
    });
    allocations("events", 0, || {
        black_box(with_events(7));
    });
    allocations("async", 0, || {
        black_box(pollster::block_on(later(7)));
    });
    assert!(query.limit.is_some());
    let call = |n| {
        black_box(number(n));
    };
    many_come_and_go("many", call, number::stats, number::clear);
    let call = |n| {
        black_box(mortal(n));
    };
    many_come_and_go("mortal", call, mortal::stats, mortal::clear);
    events_take_memory_only_while_something_depends_on_them();
    what_is_remembered_of_keys_that_are_gone_is_accounted_for();
}

fn what_is_remembered_of_keys_that_are_gone_is_accounted_for() {
    let region = Region::new(ALLOCATOR);
    let builder = Cache::builder().max_bytes(None).max_entries(20_000);
    let cache = TestCache::from_builder(builder.eviction(Eviction::ScanResistant));
    cache.run(|| (0..200_000).for_each(|n| _ = black_box(number(n))));
    let (change, stats) = (region.change(), cache.stats());
    let said = (stats.bytes + stats.stats_bytes) as f64;
    let held = change.bytes_allocated as f64 - change.bytes_deallocated as f64;
    let error = 100.0 * (said - held) / held;
    println!("    ghosts {said:>10} said {held:>10} held {error:>+6.1} %");
    assert!(error.abs() < 5.0, "{error:+.1} % in a full cache with a scan-resistant order");
}

fn events_take_memory_only_while_something_depends_on_them() {
    let cache = TestCache::from_builder(Cache::builder().max_bytes(None));
    cache.run(|| {
        // What is made once for the process.
        emit(("answer", 0));
        with_event(0);
        cache.clear();
        let region = Region::new(ALLOCATOR);
        let held = || region.change().bytes_allocated - region.change().bytes_deallocated;
        (0..1_000_000).for_each(|n| emit(("answer", n)));
        assert_eq!(held(), 0, "after a million events that nothing depends on");
        for round in 0..3 {
            (0..100_000).for_each(|n| {
                black_box(with_event(n));
            });
            assert!(held() > 10_000_000, "{} bytes for 100,000 entries", held());
            if round == 0 {
                (0..100_000).for_each(|n| assert!(with_event::invalidate(&n)));
            } else {
                cache.clear();
            }
            assert!(held() < 8_000_000, "{} bytes after they are gone", held());
        }
        let region = Region::new(ALLOCATOR);
        (0..1_000).for_each(|n| {
            black_box(with_event(n));
            emit(("answer", n));
        });
        let change = region.change();
        let n_bytes = change.bytes_allocated as isize - change.bytes_deallocated as isize;
        assert!(
            n_bytes < 10_000,
            "{n_bytes} bytes after 1,000 entries have gone with their events"
        );
    });
}
