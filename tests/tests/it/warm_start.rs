//! What was used most is at hand when a program starts anew.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cache_core::backend::{BackendKey, CacheBackend, Memory, Time, Value};
use cache_core::codec::Encoded;
use cache_core::testing::TestCache;
use cache_core::{Backend, Builder, Cache, Event, cached, emit, emit_all};
use pollster::FutureExt;

use crate::redis::Server;
use crate::support::{eventually, happens_within, watched};

#[derive(Event)]
struct Reprinted {
    page: u64,
}

/// A kilobyte that does not become less when it is compressed.
#[cached(invalidate_on = [Reprinted { page }])]
fn page(page: u64) -> Vec<u8> {
    let noise = |n: u64| (page * 1_000 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    (0..1_000).map(|n| noise(noise(n)) as u8).collect()
}

#[cached]
fn index(n: u64) -> Vec<u8> {
    page(n)
}

const PLENTY: usize = 1 << 20;
const SOON: Duration = Duration::from_secs(20);

fn flush(process: &TestCache) {
    assert!(process.flush(Duration::from_secs(10)), "all is written");
}

/// A process that is the first to use a tier. Loads that begin before one has been kept there may not be kept.
fn first(builder: Builder) -> TestCache {
    let process = TestCache::from_builder(builder.warm_start(0, SOON));
    process.run(|| page(0));
    flush(&process);
    process
}

fn lookups(process: &TestCache) -> u64 {
    process.tiers().iter().map(|tier| tier.latency.count).sum()
}

fn staged(process: &TestCache) -> usize {
    process.tiers().iter().map(|tier| tier.staged).sum()
}

/// Uses pages, those with higher numbers more often, and ends.
fn use_pages(builder: Builder, n_pages: u64) {
    let process = first(builder);
    process.run(|| {
        for n in 0..n_pages {
            (0..=n).for_each(|_| drop(page(n)));
        }
    });
    flush(&process);
}

/// A process that has just started, with so many pages at hand.
///
/// On a busy machine a tier may be too slow for some of them, as it may be for calls: then another one is started.
fn started(builder: impl Fn() -> Builder, n_pages: usize) -> TestCache {
    loop {
        let process = TestCache::from_builder(builder().warm_start(PLENTY, SOON));
        if happens_within(Duration::from_secs(2), || staged(&process) == n_pages) {
            return process;
        }
    }
}

/// Calls that a warm start has made ready ask no tier.
fn needs_no_tier(builder: impl Fn() -> Builder, n_requests: impl Fn() -> u64) {
    use_pages(builder(), 20);
    let process = started(&builder, 20);
    let (before, asked) = (n_requests(), lookups(&process));
    process.run(|| (0..20).for_each(|n| assert_eq!(page(n), page::uncached(n))));
    assert_eq!((process.stats().loads, process.stats().recalled), (0, 20));
    assert_eq!((lookups(&process), n_requests()), (asked, before));
    assert_eq!(staged(&process), 0, "they are in memory now");
}

fn on_disk(folder: &Path) -> Builder {
    Cache::builder().backend(Backend::Filesystem).directory(folder)
}

fn in_redis(server: &Server) -> Builder {
    Cache::builder().backend(Backend::Redis).redis_url(server.url())
}

#[test]
fn calls_after_a_warm_start_ask_neither_directory_nor_server() {
    watched(|| {
        let folder = tempfile::tempdir().expect("a folder");
        needs_no_tier(|| on_disk(folder.path()), || 0);
        let server = Server::start(&[]);
        let n_gets = || {
            let stats = server.ask(&["INFO", "commandstats"]);
            let gets = stats.lines().find_map(|line| line.strip_prefix("cmdstat_mget:calls="));
            let n_gets = gets.and_then(|line| line.split(',').next()?.parse().ok());
            n_gets.unwrap_or_else(|| panic!("no number of commands in {stats}"))
        };
        needs_no_tier(|| in_redis(&server), n_gets);
    });
}

fn shared() -> impl Fn() -> Builder {
    let tier = Arc::new(Memory::new(1 << 30));
    move || Cache::builder().custom_backend(tier.clone())
}

#[test]
fn a_warm_start_loads_what_was_used_most_and_no_more_than_it_may() {
    watched(|| {
        let builder = shared();
        use_pages(builder(), 20);
        let process = TestCache::from_builder(builder().warm_start(10_000, SOON));
        eventually("there is no room for another one", || process.tiers()[0].staged_bytes > 8_000);
        let n_staged = staged(&process);
        process.run(|| (17..20).for_each(|n| drop(page(n))));
        assert_eq!(staged(&process), n_staged - 3, "the most used ones were there");
        process.run(|| (0..5).for_each(|n| drop(page(n))));
        assert_eq!(staged(&process), n_staged - 3, "the least used ones were not");
        assert!(process.tiers()[0].staged_bytes <= 10_000);
        assert_eq!((process.stats().loads, process.stats().recalled), (0, 8));

        let without_time = TestCache::from_builder(builder().warm_start(PLENTY, Duration::ZERO));
        without_time.run(|| drop(page(1)));
        assert_eq!((staged(&without_time), without_time.stats().recalled), (0, 1));
    });
}

#[test]
fn a_list_that_names_a_result_twice_is_counted_once() {
    watched(|| {
        let tier = Arc::new(Memory::new(1 << 30));
        let builder = || Cache::builder().custom_backend(tier.clone());
        use_pages(builder(), 20);
        let place = BackendKey::new("cache", "popular", "", b"");
        let list = tier.get(&place).block_on().expect("it works").expect("a list");
        let twice = Encoded::raw(list.payload().repeat(2));
        let twice = Value::seal(&place, &twice, None, &Time::system());
        tier.set(&place, twice).block_on().expect("it is stored");
        let process = started(builder, 20);
        process.run(|| (0..20).for_each(|n| drop(page(n))));
        assert_eq!((staged(&process), process.tiers()[0].staged_bytes), (0, 0));
    });
}

#[test]
fn what_is_changed_between_a_warm_start_and_the_call_is_not_served() {
    type Verb = (&'static str, usize, fn());
    let verbs: [Verb; 4] = [
        ("emit", 1, || emit(Reprinted { page: 3 })),
        ("emit_all", 5, emit_all::<Reprinted>),
        ("clear", 5, page::clear),
        ("invalidate", 1, || {
            page::invalidate(&3);
        }),
    ];
    watched(move || {
        for (name, n_gone, verb) in verbs {
            for is_own in [true, false] {
                let builder = shared();
                use_pages(builder(), 5);
                let process = started(&builder, 5);
                let other = TestCache::from_builder(builder());
                if is_own {
                    process.run(verb)
                } else {
                    other.run(verb)
                }
                eventually("it is heard", || staged(&process) == 5 - n_gone);
                process.run(|| (0..5).for_each(|n| drop(page(n))));
                assert_eq!(process.stats().recalled as usize, 5 - n_gone, "{name}, {is_own}");
            }
        }
    });
}

#[test]
fn what_is_made_of_something_that_changes_is_not_served_after_a_warm_start() {
    watched(|| {
        let builder = shared();
        let first = first(builder());
        // One after the other: of two that are the first to be kept with an event, one may not be.
        first.run(|| (page(1), page(2)));
        flush(&first);
        first.run(|| (index(1), index(2)));
        flush(&first);
        let process = started(&builder, 5);
        TestCache::from_builder(builder()).run(|| emit(Reprinted { page: 1 }));
        eventually("it is heard", || staged(&process) == 3);
        process.run(|| (index(1), index(2)));
        assert_eq!(process.function("warm_start::index").stats().recalled, 1);
    });
}

#[test]
fn who_is_cut_off_from_the_others_has_nothing_at_hand_for_longer_than_a_lease() {
    watched(|| {
        let mut server = Server::start(&[]);
        use_pages(in_redis(&server), 5);
        let process = started(|| in_redis(&server).lease(Duration::from_millis(500)), 5);
        server.kill();
        eventually("the lease is over", || staged(&process) == 0);
    });
}
