//! Observers are told what happens, and harm no call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Notice, Observer, cached, emit, emit_soft};

use crate::support::watched;

#[cached(ttl = 60s, max_entries = 2, invalidate_on = [("rack", n)])]
fn rack(n: u32) -> Option<u32> {
    (n < 100).then_some(n)
}

/// Notes what it is told.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Observer for Log {
    fn notice(&self, notice: &Notice<'_>) {
        let line = match notice {
            Notice::Loaded { function, outcome, took, .. } => {
                format!("{function} {outcome:?} {}", took.is_some())
            }
            Notice::Dropped { function, cause, entries, bytes, .. } => {
                assert!(*bytes > 0);
                format!("{function} {cause:?} {entries}")
            }
            Notice::Emitted { event, is_soft, .. } => format!("{event} {is_soft}"),
            other => format!("{other:?}"),
        };
        self.0.lock().unwrap().push(line);
    }
}

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn observed() -> (TestCache, Log) {
    let (cache, log) = (TestCache::new(), Log::default());
    cache.observe(log.clone());
    (cache, log)
}

#[test]
fn observers_are_told_of_loads_and_of_what_goes_and_never_of_hits() {
    let (cache, log) = observed();
    cache.run(|| {
        rack(1);
        assert_eq!(log.take(), ["rack Stored true"]);
        (0..100).for_each(|_| drop(rack(1)));
        assert_eq!(log.take(), [""; 0]);
        rack(100);
        assert_eq!(log.take(), ["rack Refused true"]);
        rack(2);
        rack(3);
        assert_eq!(log.take(), ["rack Stored true", "rack Evicted 1", "rack Stored true"]);
        emit(("rack", 3));
        assert_eq!(log.take(), ["rack Invalidated 1", "(\"rack\", _) false"]);
        emit_soft("nothing");
        assert_eq!(log.take(), ["\"nothing\" true"]);
        rack(4);
        cache.advance(Duration::from_secs(60));
        cache.cleanup_expired();
        assert_eq!(log.take(), ["rack Stored true", "rack Expired 2"], "they are told of together");
        rack(5);
        rack(6);
        log.take();
        cache.clear();
        assert_eq!(log.take(), ["rack Invalidated 2"]);
    });
}

#[test]
fn a_load_that_ends_without_a_result_is_told_of() {
    #[cached]
    fn panics() -> u32 {
        panic!("a body's own business")
    }
    let (cache, log) = observed();
    cache.run(|| assert!(std::panic::catch_unwind(panics).is_err()));
    assert_eq!(log.take(), ["panics Abandoned false"]);
}

#[test]
fn a_change_of_the_verdict_is_told_once() {
    let (cache, log) = observed();
    cache.health();
    log.take();
    cache.set_enabled(false);
    cache.health();
    cache.health();
    let told = log.take();
    assert!(told.len() == 1 && told[0].contains("Disabled"), "{told:?}");
}

#[test]
fn an_observer_that_panics_harms_no_call_and_no_other_observer() {
    struct Panics;

    impl Observer for Panics {
        fn notice(&self, _: &Notice<'_>) {
            panic!("an observer's own business")
        }
    }
    let cache = TestCache::new();
    let log = Log::default();
    cache.observe(Panics);
    cache.observe(log.clone());
    cache.run(|| {
        assert_eq!([1, 2, 3, 3].map(rack), [1, 2, 3, 3].map(Some));
        cache.clear();
    });
    assert_eq!(log.take().len(), 5);
    cache.function("rack").hits(1).loads(3);
}

#[test]
fn an_observer_may_use_the_cache() {
    #[cached]
    fn noted(function: String) -> usize {
        function.len()
    }

    struct Uses(TestCache);

    impl Observer for Uses {
        fn notice(&self, notice: &Notice<'_>) {
            if let Notice::Loaded { function, .. } | Notice::Dropped { function, .. } = notice {
                self.0.run(|| noted((*function).to_owned()));
                self.0.stats();
                noted::clear();
            }
        }
    }
    watched(|| {
        let cache = TestCache::new();
        cache.observe(Uses(cache.clone()));
        cache.run(|| (0..10).map(rack).for_each(drop));
        cache.function("noted").loads(18);
        cache.function("rack").loads(10);
    });
}
