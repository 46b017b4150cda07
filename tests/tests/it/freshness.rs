//! F1: an expired value is never served, and no duration is too long or too short.

use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, cached};

use crate::support::Runs;

const SECOND: Duration = Duration::from_secs(1);
const NANO: Duration = Duration::from_nanos(1);

#[test]
fn a_value_is_served_up_to_its_deadline_and_not_at_it() {
    #[cached(ttl = 10s)]
    fn price(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        price(1);
        cache.advance(10 * SECOND - NANO);
        assert_eq!((price::peek(&1), cache.entries(9).len()), (Some(1), 1));
        price(1);
        cache.function("price").hits(1).loads(1);
        cache.advance(NANO);
        assert_eq!((price::peek(&1), cache.entries(9).len()), (None, 0));
        price(1);
        cache.function("price").hits(1).misses(2).loads(2).expirations(1);
    });
}

#[test]
fn the_lifetime_begins_when_the_value_is_there() {
    #[cached(ttl = 100ms)]
    fn slow(id: u32) -> u32 {
        CACHE.with_borrow(|cache| cache.as_ref().expect("a cache").advance(250 * SECOND / 1000));
        id
    }
    thread_local!(static CACHE: std::cell::RefCell<Option<TestCache>> = const { std::cell::RefCell::new(None) });
    let cache = TestCache::new();
    CACHE.set(Some(cache.clone()));
    cache.run(|| {
        slow(1);
        slow(1);
        cache.function("slow").hits(1).loads(1);
    });
    CACHE.set(None);
}

#[test]
fn every_way_to_write_a_duration_means_the_same() {
    #[cached(ttl = 90s)]
    fn seconds(id: u32) -> u32 {
        id
    }
    #[cached(ttl = 1m30s)]
    fn compound(id: u32) -> u32 {
        id
    }
    #[cached(ttl = "1m30s")]
    fn text(id: u32) -> u32 {
        id
    }
    #[cached(ttl = 90)]
    fn whole(id: u32) -> u32 {
        id
    }
    const LIFE: Duration = Duration::from_secs(90);
    #[cached(ttl = LIFE)]
    fn constant(id: u32) -> u32 {
        id
    }
    #[cached(ttl = Duration::from_secs(u64::from(*id)))]
    fn computed(id: &u32) -> u32 {
        *id
    }
    let cache = TestCache::new();
    cache.run(|| {
        for f in [seconds, compound, text, whole, constant, |id| computed(&id)] {
            f(90);
        }
        assert!(cache.entries(9).iter().all(|entry| entry.remaining == Some(90 * SECOND)));
        assert_eq!(cache.stats().entries, 6);
        cache.advance(89 * SECOND);
        assert_eq!(cache.cleanup_expired(), 0);
        cache.advance(SECOND);
        assert_eq!(cache.cleanup_expired(), 6);
    });
}

#[test]
fn a_lifetime_of_nothing_stores_nothing() {
    #[cached(ttl = 0)]
    fn never(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        never(1);
        never(1);
        cache.function("never").hits(0).loads(2).insertions(0).entries(0);
    });
}

#[test]
fn no_lifetime_is_too_long() {
    #[cached(ttl = Duration::MAX, jitter = 100%)]
    fn forever(id: u32) -> u32 {
        id
    }
    #[cached(idle = Duration::MAX)]
    fn forever_idle(id: u32) -> u32 {
        id
    }
    #[cached(ttl = 100000d)]
    fn long(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        cache.advance(Duration::from_secs(300 * 365 * 24 * 3600));
        let call_all = || [forever(1), forever_idle(1), long(1)];
        assert_eq!(call_all(), [1; 3]);
        cache.advance(Duration::from_secs(200 * 365 * 24 * 3600));
        assert_eq!(call_all(), [1; 3]);
        assert_eq!(cache.stats().hits, 3);
        cache.advance(Duration::MAX);
        assert_eq!(cache.stats().errors, 0);
    });
}

#[test]
fn the_default_lifetime_applies_where_a_function_says_none() {
    #[cached]
    fn plain(id: u32) -> u32 {
        id
    }
    #[cached(ttl = 1h)]
    fn own(id: u32) -> u32 {
        id
    }
    let cache = TestCache::from_builder(Cache::builder().ttl(60 * SECOND));
    cache.run(|| {
        assert_eq!((plain(1), own(1)), (1, 1));
        cache.advance(60 * SECOND);
        assert_eq!((plain::peek(&1), own::peek(&1)), (None, Some(1)));
    });
}

#[test]
fn an_idle_entry_ends_and_a_used_one_does_not() {
    #[cached(idle = 10s)]
    fn session(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((session(1), session(2)), (1, 2));
        for _ in 0..10 {
            cache.advance(6 * SECOND);
            session(1);
            cache.run_background();
        }
        assert_eq!((session::peek(&1), session::peek(&2)), (Some(1), None));
        cache.function("session").hits(10).expirations(1);
        cache.advance(10 * SECOND);
        cache.run_background();
        cache.function("session").expirations(2).entries(0);
    });
}

#[test]
fn idle_and_ttl_together_end_with_the_first() {
    #[cached(idle = 10s, ttl = 25s)]
    fn session(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        for _ in 0..4 {
            session(1);
            cache.advance(8 * SECOND);
        }
        session(1);
        cache.function("session").hits(3).loads(2);
    });
}

#[test]
fn jitter_lengthens_a_lifetime_by_at_most_its_share() {
    #[cached(ttl = 100s, jitter = 10%)]
    fn price(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..200).for_each(|id| {
            price(id);
        });
        let lives: Vec<Duration> =
            cache.entries(200).iter().filter_map(|entry| entry.remaining).collect();
        assert!(lives.iter().all(|life| (100 * SECOND..=110 * SECOND).contains(life)));
        assert!(lives.iter().max() > lives.iter().min().map(|least| *least + 5 * SECOND).as_ref());
    });
}

#[test]
fn errors_and_nones_have_lifetimes_of_their_own() {
    static RUNS: Runs = Runs::new();
    #[cached(ttl = 1h, err_ttl = 5s)]
    fn fetch(id: u32) -> Result<u32, String> {
        if RUNS.note() == 0 { Err("down".to_owned()) } else { Ok(id) }
    }
    #[cached(ttl = 1h, none_ttl = 5s)]
    fn find(id: u32) -> Option<u32> {
        (id > 10).then_some(id)
    }
    #[cached(none_ttl = 5s, err_ttl = 7s)]
    fn both(id: u32) -> Result<Option<u32>, String> {
        match id {
            0 => Err("bad".to_owned()),
            1 => Ok(None),
            _ => Ok(Some(id)),
        }
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((fetch(1), fetch(1)), (Err("down".to_owned()), Err("down".to_owned())));
        assert_eq!((find(1), find(1), find(11)), (None, None, Some(11)));
        (0..3).for_each(|id| drop(both(id)));
        cache.function("fetch").loads(1).hits(1);
        cache.advance(5 * SECOND);
        assert_eq!((fetch(1), find::peek(&1), find::peek(&11)), (Ok(1), None, Some(Some(11))));
        assert!(both::peek(&0).is_some() && both::peek(&1).is_none() && both::peek(&2).is_some());
        cache.advance(2 * SECOND);
        assert!(both::peek(&0).is_none());
        cache.advance(3593 * SECOND);
        assert_eq!((fetch::peek(&1), find::peek(&11)), (Some(Ok(1)), None));
        assert_eq!(both::peek(&2), Some(Ok(Some(2))));
    });
}

/// What a bank says of a price, and for how long it stands.
#[derive(Clone, cache_core::HeapSize)]
struct Offer {
    price: u64,
    seconds: u32,
}

fn validity(offer: &Offer) -> Duration {
    offer.seconds * SECOND
}

#[test]
fn the_value_chooses_its_lifetime() {
    #[cached(ttl = |offer| offer.seconds * SECOND + price)]
    fn by_closure(seconds: u32, price: Duration) -> Offer {
        Offer { price: price.as_secs(), seconds }
    }
    #[cached(ttl = validity)]
    fn by_function(price: u64, seconds: u32) -> Option<Offer> {
        Some(Offer { price, seconds })
    }
    #[cached(ttl = 1h, idle = validity)]
    async fn by_idleness(price: u64, seconds: u32) -> Result<Offer, String> {
        Ok(Offer { price, seconds })
    }
    let cache = TestCache::new();
    let call_all = |seconds| {
        let offers = [
            by_closure(seconds - 1, SECOND),
            by_function(1, seconds).expect("an offer"),
            pollster::block_on(by_idleness(1, seconds)).expect("an offer"),
        ];
        offers.map(|offer| offer.price)
    };
    let n_entries = || cache.cleanup_expired();
    cache.run(|| {
        assert_eq!((call_all(10), call_all(20)), ([1; 3], [1; 3]));
        cache.advance(10 * SECOND - NANO);
        assert_eq!(n_entries(), 0);
        cache.advance(NANO);
        assert_eq!(n_entries(), 3);
        cache.advance(10 * SECOND - NANO);
        assert_eq!(n_entries(), 0);
        cache.advance(NANO);
        assert_eq!(n_entries(), 3);
        assert_eq!(cache.stats().loads, 6);
    });
}

#[test]
fn a_value_that_was_put_chooses_its_lifetime_as_well() {
    #[cached(ttl = |offer| validity(offer) * 2, skip(bank))]
    fn offer(id: u64, bank: &str) -> Offer {
        Offer { price: id, seconds: bank.len() as u32 }
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(offer(2, "a bank").price, 2);
        assert!(offer::put(1, Offer { price: 5, seconds: 5 }));
        assert!(!offer::put(2, Offer { price: 5, seconds: 0 }), "it would not live at all");
        assert!(offer::peek(&2).is_none());
        cache.advance(10 * SECOND - NANO);
        assert_eq!(offer::peek(&1).map(|offer| offer.price), Some(5));
        cache.advance(NANO);
        assert!(offer::peek(&1).is_none());
    });
}

#[test]
fn no_lifetime_that_a_value_chooses_is_too_short_or_too_long() {
    #[cached(ttl = |life| *life, jitter = 100%)]
    fn lives(life: Duration) -> Duration {
        life
    }
    #[cached(idle = |life| *life)]
    fn idles(life: Duration) -> Duration {
        life
    }
    let cache = TestCache::new();
    cache.run(|| {
        for life in [Duration::ZERO, SECOND, Duration::MAX] {
            assert_eq!((lives(life), idles(life)), (life, life));
        }
        cache.function("lives").insertions(2).errors(0);
        cache.function("idles").insertions(2).errors(0);
        cache.advance(SECOND - NANO);
        assert_eq!((lives::peek(&SECOND), idles::peek(&SECOND)), (Some(SECOND), Some(SECOND)));
        cache.advance(SECOND + NANO);
        assert_eq!((lives::peek(&SECOND), idles::peek(&SECOND)), (None, None), "at most twice");
        assert!(lives::peek(&Duration::MAX).is_some() && idles::peek(&Duration::MAX).is_some());
    });
}

#[test]
fn failures_do_not_live_as_long_as_a_value_would() {
    #[cached(ttl = |offer| offer.as_ref().map_or(Duration::MAX, validity), err_ttl = 5s)]
    fn offer(seconds: u32) -> Result<Offer, String> {
        if seconds == 0 { Err("closed".to_owned()) } else { Ok(Offer { price: 1, seconds }) }
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert!(offer(0).is_err() && offer(9).is_ok());
        cache.advance(5 * SECOND);
        assert!(offer::peek(&0).is_none() && offer::peek(&9).is_some());
        cache.advance(4 * SECOND);
        assert!(offer::peek(&9).is_none());
    });
}

#[test]
fn what_outlives_a_value_is_what_its_function_asks_for() {
    const LIFE: Duration = SECOND;
    #[cached(ttl = LIFE)]
    fn constant(id: u32) -> u32 {
        id
    }
    #[cached(ttl = life, key = id)]
    fn argument(id: u32, life: Duration) -> (u32, Duration) {
        (id, life)
    }
    let cache = TestCache::new();
    cache.run(|| {
        constant(1);
        argument(1, LIFE);
        cache.advance(LIFE);
        assert_eq!(cache.cleanup_expired(), 2);
    });
}

#[test]
fn only_the_latest_deadline_counts() {
    #[cached(ttl = Duration::from_secs(life), key = id)]
    fn value(id: u32, life: u64) -> u64 {
        u64::from(id) + life
    }
    let cache = TestCache::new();
    cache.run(|| {
        value(1, 100);
        value::refresh(1, 1);
        cache.advance(SECOND);
        assert_eq!(value::peek(&1), None);
        value(1, 1);
        value::refresh(1, 100);
        cache.advance(5 * SECOND);
        cache.run_background();
        assert_eq!(value::peek(&1), Some(101));
    });
}

#[test]
fn a_cache_can_follow_tokios_paused_clock() {
    #[cached(ttl = 1m)]
    async fn price(id: u32) -> u32 {
        id
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let start = tokio::time::Instant::now();
        let cache = TestCache::following(Cache::builder(), move || start.elapsed());
        let test = async {
            price(1).await;
            tokio::time::advance(59 * SECOND).await;
            price(1).await;
            cache.function("price").hits(1);
            tokio::time::advance(SECOND).await;
            price(1).await;
            cache.function("price").loads(2).expirations(1);
        };
        cache.scope(test).await;
    });
}

#[test]
fn the_global_cache_gives_expired_entries_back_by_itself() {
    #[cached(ttl = 20ms)]
    fn passing(id: u32) -> Vec<u8> {
        vec![id as u8; 10_000]
    }
    (0..10).for_each(|id| drop(passing(id)));
    crate::support::eventually("the sweep", || passing::stats().bytes == 0);
    assert_eq!((passing::stats().expirations, passing::stats().entries), (10, 0));
}

#[test]
fn a_lifetime_grows_with_each_use_up_to_its_bound() {
    static RUNS: Runs = Runs::new();
    #[cached(adaptive_ttl = 10s..1m)]
    fn price(id: u32) -> usize {
        RUNS.note() + id as usize
    }
    let cache = TestCache::new();
    cache.run(|| {
        let lives = |n_uses: u32| {
            price::clear();
            let value = price(1);
            (0..n_uses).for_each(|_| assert_eq!(price(1), value));
            let life = 10 * SECOND * (n_uses + 1).min(6);
            cache.advance(life - NANO);
            assert_eq!(price::peek(&1), Some(value), "{n_uses} uses");
            cache.advance(NANO);
            assert_eq!(price::peek(&1), None, "{n_uses} uses");
        };
        [0, 1, 2, 4, 5, 6, 20, 100].into_iter().for_each(lives);
        cache.run_background();
        assert_eq!(cache.function("price").stats().entries, 0);
    });
}

#[test]
fn a_lifetime_that_grows_ends_when_an_event_says_so_and_with_what_it_depends_on() {
    #[cached(ttl = 25s)]
    fn inner() -> u32 {
        1
    }
    #[cached(adaptive_ttl = 10s..1h, stale = 5s, invalidate_on = ["over"])]
    fn outer() -> u32 {
        inner()
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..10).for_each(|_| _ = outer());
        cache.advance(25 * SECOND - NANO);
        assert_eq!(outer::peek(), Some(1));
        cache.advance(NANO);
        assert_eq!(outer::peek(), None, "the inner one has expired");
        outer::clear();
        (0..10).for_each(|_| _ = outer());
        cache_core::emit_soft("over");
        assert_eq!(outer::peek(), None);
        assert_eq!(outer(), 1, "in need");
        cache.run_background();
        cache.function("outer").loads(3);
    });
}
