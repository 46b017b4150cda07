//! What the tests share: watchdogs, gates and executors.

mod watchdog;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use cache_core::testing::TestCache;
use tokio::sync::Semaphore;

pub(crate) use watchdog::{eventually, happens_within, watched};

/// Counts the runs of a body.
pub(crate) struct Runs(AtomicUsize);

impl Runs {
    pub(crate) const fn new() -> Self {
        Self(AtomicUsize::new(0))
    }

    /// Notes a run, and says how many there were before.
    pub(crate) fn note(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Holds bodies up until the test opens it, threads and tasks alike.
pub(crate) struct Gate(Semaphore);

impl Gate {
    pub(crate) const fn new() -> Self {
        Self(Semaphore::const_new(0))
    }

    /// Lets one body through.
    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }

    /// Lets all bodies through, now and later.
    pub(crate) fn open_for_all(&self) {
        self.0.add_permits(Semaphore::MAX_PERMITS / 2);
    }

    pub(crate) async fn pass(&self) {
        self.0.acquire().await.expect("never closed").forget();
    }

    pub(crate) fn pass_blocking(&self) {
        pollster::block_on(self.pass());
    }
}

/// Lets others run, once.
pub(crate) async fn pause() {
    let mut is_first = true;
    poll_fn(|cx| {
        if std::mem::take(&mut is_first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

/// Runs the same test under every executor, each time in a cache of its own.
#[track_caller]
pub(crate) fn on_every_executor<F: Future<Output = ()> + 'static>(test: fn(TestCache) -> F) {
    type Run = fn(Pin<Box<dyn Future<Output = ()>>>);
    let executors: [(&str, Run); 4] = [
        ("tokio, current thread", |test| {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(test);
        }),
        ("tokio, multi-thread", |test| {
            tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .expect("a runtime")
                .block_on(test);
        }),
        ("smol", |test| smol::block_on(test)),
        ("a bare block_on", |test| pollster::block_on(test)),
    ];
    for (name, run) in executors {
        eprintln!("under {name}");
        watched(move || {
            let cache = TestCache::new();
            run(Box::pin(cache.scope(test(cache.clone()))));
        });
    }
}
