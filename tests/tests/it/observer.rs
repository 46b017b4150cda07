//! Observers are told what happens, and harm no call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Notice, Observer, Status, TracingObserver, cached, emit, emit_soft};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

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
            Notice::Loaded { function, reason, outcome, took, .. } => {
                format!("{function} {reason:?} {outcome:?} {}", took.is_some())
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
        assert_eq!(log.take(), ["rack Some(\"cold\") Stored true"]);
        assert!((0..100).all(|_| rack(1).is_some()));
        assert_eq!(log.take(), [""; 0]);
        rack(100);
        assert_eq!(log.take(), ["rack Some(\"cold\") Refused true"]);
        rack(2);
        rack(3);
        assert_eq!(
            log.take(),
            [
                "rack Some(\"cold\") Stored true",
                "rack Evicted 1",
                "rack Some(\"cold\") Stored true"
            ]
        );
        emit(("rack", 3));
        assert_eq!(log.take(), ["rack Invalidated 1", "(\"rack\", _) false"]);
        emit_soft("nothing");
        assert_eq!(log.take(), ["\"nothing\" true"]);
        rack(4);
        cache.advance(Duration::from_secs(60));
        cache.cleanup_expired();
        assert_eq!(
            log.take(),
            ["rack Some(\"cold\") Stored true", "rack Expired 2"],
            "they are told of together"
        );
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
    assert_eq!(log.take(), ["panics Some(\"cold\") Abandoned false"]);
}

#[test]
fn a_change_of_the_verdict_is_told_once() {
    let (cache, log) = observed();
    let statuses = [true, false, false].map(|is_enabled| {
        cache.set_enabled(is_enabled);
        cache.health().status
    });
    assert_eq!(statuses, [Status::Healthy, Status::Disabled, Status::Disabled]);
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
                assert!(self.0.stats().loads > 0);
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

/// The fields of an event.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0 += &format!(" {}={value:?}", field.name());
    }
}

impl<S: tracing::Subscriber> Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if metadata.target() == "cache_core" {
            let mut fields = Fields(metadata.level().to_string());
            event.record(&mut fields);
            self.0.lock().unwrap().push(fields.0);
        }
    }
}

#[test]
fn tracing_is_told_what_observers_are() {
    let (cache, log) = (TestCache::new(), Log::default());
    cache.observe(TracingObserver);
    let subscriber = tracing_subscriber::registry().with(log.clone());
    tracing::subscriber::with_default(subscriber, || {
        cache.run(|| rack(1));
        cache.emit(("rack", 1));
    });
    let told = log.take();
    assert_eq!(
        told[0],
        "DEBUG message=loaded function=\"rack\" reason=\"cold\" outcome=\"stored\" seconds=0.0"
    );
    assert!(
        told[1].starts_with(
            "DEBUG message=dropped function=\"rack\" cause=\"invalidated\" entries=1 bytes="
        ),
        "{told:?}"
    );
    assert_eq!(told[2], "DEBUG message=emitted event=\"(\\\"rack\\\", _)\" is_soft=false");
}
