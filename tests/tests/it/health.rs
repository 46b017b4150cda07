//! D6: whether all is well is told, and whoever listens hears of a change.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::backend::Time;
use cache_core::testing::TestCache;
use cache_core::{Builder, Cache, Health, Notice, Observer, Status, cached};

use crate::guarded::{Mood, Moody};

#[cached(validate = |value: &u64| *value != 7)]
fn patient(id: u64) -> u64 {
    id
}

/// A cache, and the verdicts that a listener has heard.
fn watched_cache(min_hit_rate: f64) -> (TestCache, Arc<Mutex<Vec<Status>>>) {
    watched_cache_of(Cache::builder().min_hit_rate(min_hit_rate))
}

fn watched_cache_of(builder: Builder) -> (TestCache, Arc<Mutex<Vec<Status>>>) {
    let cache = TestCache::from_builder(builder);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (notes, asked) = (Arc::clone(&heard), cache.clone());
    cache.on_health(move |health: &Health| {
        // It may use the cache.
        assert_eq!(asked.health().status, health.status);
        notes.lock().expect("no panic").push(health.status);
    });
    (cache, heard)
}

fn call(cache: &TestCache, ids: impl IntoIterator<Item = u64>) {
    cache.run(|| ids.into_iter().for_each(|id| assert_eq!(patient(id), id)));
}

#[test]
fn few_hits_among_the_last_calls_make_it_degraded_until_there_are_more() {
    let (cache, heard) = watched_cache(0.5);
    assert_eq!(cache.health().status, Status::Healthy, "nothing has happened");
    call(&cache, 1_000..1_900);
    assert_eq!(cache.health().status, Status::Healthy, "too few to tell");
    call(&cache, 2_000..2_100);
    let health = cache.health();
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(health.reasons, ["0 % of the last 1000 calls were hits, less than 50 %"]);
    call(&cache, (1_000..1_500).chain(1_000..1_500));
    assert_eq!(cache.health().status, Status::Healthy);
    assert_eq!(*heard.lock().expect("no panic"), [Status::Degraded, Status::Healthy]);
}

#[test]
fn a_cache_that_is_off_is_disabled() {
    let (cache, heard) = watched_cache(0.1);
    cache.set_enabled(false);
    assert_eq!(cache.health().status, Status::Disabled);
    call(&cache, 0..2_000);
    assert_eq!(
        cache.health().reasons,
        ["caching is switched off"],
        "it is not to blame for misses"
    );
    cache.set_enabled(true);
    assert_eq!(cache.health().status, Status::Healthy);
    assert_eq!(*heard.lock().expect("no panic"), [Status::Disabled, Status::Healthy]);
}

#[test]
fn values_that_are_refused_or_too_large_are_reasons() {
    #[cached(size = |_| 1 << 30)]
    fn large(id: u64) -> u64 {
        id
    }
    let (cache, _) = watched_cache(0.0);
    call(&cache, std::iter::repeat_n(7, 1_000));
    assert_eq!(cache.health().reasons, ["`validate` has refused 999 stored values"]);
    cache.run(|| (0..1_000).for_each(|id| assert_eq!(large(id), id)));
    let expected = "100 % of the last results were too large, more than 5 %";
    assert_eq!(cache.health().reasons, [expected]);
}

#[test]
fn a_listener_that_panics_harms_neither_the_caller_nor_the_other_listeners() {
    let cache = TestCache::new();
    cache.on_health(|_| panic!("a listener's own business"));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    cache.on_health(move |health| notes.lock().expect("no panic").push(health.status));
    cache.set_enabled(false);
    assert_eq!(cache.health().status, Status::Disabled);
    cache.set_enabled(true);
    assert_eq!(cache.health().status, Status::Healthy);
    assert_eq!(*heard.lock().expect("no panic"), [Status::Disabled, Status::Healthy]);
}

#[test]
fn who_begins_to_listen_late_hears_what_is_wrong() {
    let cache = TestCache::new();
    cache.set_enabled(false);
    assert_eq!(cache.health().status, Status::Disabled);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    cache.on_health(move |health| notes.lock().expect("no panic").push(health.status));
    assert_eq!(cache.health().status, Status::Disabled);
    assert_eq!(*heard.lock().expect("no panic"), [Status::Disabled]);
}

/// Notes what is said of tiers and of the verdict.
struct Log(Arc<Mutex<Vec<String>>>);

impl Observer for Log {
    fn notice(&self, notice: &Notice<'_>) {
        let line = match notice {
            Notice::Tier { name, is_working, .. } => format!("{name} works: {is_working}"),
            Notice::Health(health) => health.status.to_string(),
            _ => return,
        };
        self.0.lock().expect("no panic").push(line);
    }
}

#[test]
fn the_verdict_follows_the_breaker_of_a_tier() {
    let backend = Moody::new(&Time::system());
    let (cache, heard) = watched_cache_of(Cache::builder().custom_backend(backend.clone()));
    let log = Arc::new(Mutex::new(Vec::new()));
    cache.observe(Log(Arc::clone(&log)));
    call(&cache, 0..10);
    assert_eq!(cache.health().status, Status::Healthy);
    backend.is(Mood::Fails);
    call(&cache, 10..30);
    let health = cache.health();
    assert_eq!(health.status, Status::Degraded);
    assert_eq!(health.reasons, ["the tier `custom` does not work"]);
    backend.is(Mood::Works);
    assert!(cache.flush(Duration::from_secs(20)), "what was missed is made up for");
    call(&cache, 30..31);
    assert_eq!(cache.health().status, Status::Healthy);
    assert_eq!(*heard.lock().expect("no panic"), [Status::Degraded, Status::Healthy]);
    let log = log.lock().expect("no panic");
    assert_eq!(*log, ["custom works: false", "degraded", "custom works: true", "healthy"]);
}
