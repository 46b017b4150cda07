//! What runs without its caller runs in its caller's span of `tracing`.

use std::sync::{Mutex, Once};
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{TimedOut, cached};
use tracing::Span;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::support::{Gate, on_every_executor, pause, watched};

const SECOND: Duration = Duration::from_secs(1);

/// The names of the spans around, the innermost first.
fn spans() -> Vec<&'static str> {
    let find = |(id, subscriber): (&_, &tracing::Dispatch)| {
        let registry = subscriber.downcast_ref::<Registry>()?;
        Some(registry.span(id)?.scope().map(|span| span.name()).collect())
    };
    Span::current().with_subscriber(find).flatten().unwrap_or_default()
}

/// Spans are known on every thread from here on.
fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registry =
            tracing_subscriber::registry().with(tracing_subscriber::layer::Identity::new());
        tracing::subscriber::set_global_default(registry).expect("nobody else subscribes");
    });
}

/// What bodies have seen.
static SEEN: Mutex<Vec<(&str, Vec<&str>)>> = Mutex::new(Vec::new());

fn note(call: &'static str) {
    SEEN.lock().expect("nobody panics with it").push((call, spans()));
}

fn seen(call: &str) -> Vec<Vec<&'static str>> {
    let seen = SEEN.lock().expect("nobody panics with it");
    seen.iter().filter(|(of, _)| *of == call).map(|(_, spans)| spans.clone()).collect()
}

#[test]
fn a_reload_of_a_sync_function_runs_in_the_span_of_its_caller() {
    #[cached(ttl = 10s, refresh_at = 80%)]
    fn value() {
        note("sync reload");
    }
    subscribe();
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| {
            value();
            cache.advance(9 * SECOND);
            let _request = tracing::info_span!("request").entered();
            let _page = tracing::info_span!("page").entered();
            value();
        });
        cache.run_background();
    });
    assert_eq!(seen("sync reload"), [vec![], vec!["page", "request"]]);
}

#[test]
fn a_reload_of_an_async_function_runs_in_the_span_of_its_caller() {
    #[cached(ttl = 10s, refresh_at = 80%)]
    async fn value() {
        note("async reload");
        pause().await;
        note("async reload");
    }
    subscribe();
    on_every_executor(|cache| async move {
        SEEN.lock().expect("nobody panics with it").retain(|(of, _)| *of != "async reload");
        value().await;
        cache.advance(9 * SECOND);
        tracing::Instrument::instrument(value(), tracing::info_span!("request")).await;
        cache.run_background_async().await;
        let around = vec!["request"];
        assert_eq!(seen("async reload"), [vec![], vec![], around.clone(), around]);
        assert_eq!(spans(), [""; 0]);
    });
}

#[test]
fn a_load_that_its_caller_has_left_stays_in_his_span() {
    static GATE: Gate = Gate::new();
    #[cached(timeout = 2s)]
    fn value() -> Result<(), TimedOut> {
        GATE.pass_blocking();
        note("left alone");
        Ok(())
    }
    subscribe();
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| {
            let _request = tracing::info_span!("request").entered();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while cache.run(|| value::stats().timeouts) == 0 {
                        cache.advance(SECOND / 10);
                        std::thread::yield_now();
                    }
                });
                assert!(value().is_err());
            });
        });
        GATE.open();
        cache.run_background();
    });
    assert_eq!(seen("left alone"), [vec!["request"]]);
}
