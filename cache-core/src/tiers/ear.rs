//! Hearing what other processes change: the log of a tier is followed, and what is told there is done here.
//!
//! Whoever does not hear from the log may have missed something, and holds nothing in memory for current that is older
//! than a *lease*: when so much time has gone by since the log was asked that last answered, and again after each lease
//! until it does, all that the tier keeps is stale here. When something was missed for certain, it is outdated.
//!
//! The thread that does this does nothing else, so that it is never late.

use std::pin::{Pin, pin};
use std::sync::Weak;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use crate::backend::{Guarded, News, Told, decode};
use crate::event::Family;
use crate::events::{Change, Events};
use crate::sync::{Arc, AtomicBool, Ordering, start_daemon};
use crate::task::within;
use crate::time::Time;

use super::stage::Stage;

/// After a failure the log is asked again so much later.
const RETRY: Duration = Duration::from_millis(50);

/// Who waits for the first news looks so often whether there are some.
const LOOK: Duration = Duration::from_millis(10);

/// Hears what other processes tell through one tier, as long as this exists.
pub(super) struct Ear {
    pub(super) guarded: Guarded,
    pub(super) events: Arc<Events>,
    pub(super) stage: Arc<Stage>,
    /// What everything depends on that the tier keeps.
    pub(super) family: Family,
    pub(super) lease: Duration,
    /// Whether it has heard from the log.
    pub(super) has_begun: AtomicBool,
    /// Is told when something may have to be given back.
    pub(super) has_moved: fn(),
}

impl Ear {
    /// Begins to hear. False if there is no thread for it.
    pub(super) fn start(self: &Arc<Self>) -> bool {
        let ear = Arc::downgrade(self);
        let (guarded, lease) = (self.guarded.clone(), self.lease);
        start_daemon("cache-news", move || follow(&ear, &guarded, lease))
    }

    /// Waits until it has heard from the log.
    pub(super) async fn has_heard(&self) {
        while !self.has_begun.load(Ordering::SeqCst) {
            within(&Time::system(), LOOK, std::future::pending::<()>()).await;
        }
    }

    /// Does what was told.
    fn hear(&self, news: &News) {
        for message in &news.messages {
            let (origin, told) = decode(message);
            // What was told here was done here.
            let told = told.into_iter().filter(|_| origin != Some(self.guarded.origin()));
            for change in told {
                match change {
                    Told::Soft(digest) => self.hear_one(digest, Change::Soft),
                    Told::Hard(digest) => self.hear_one(digest, Change::Hard),
                    Told::Everything => self.lose(Change::Hard),
                }
            }
        }
    }

    fn hear_one(&self, digest: u64, change: Change) {
        // First: a call that still finds something there has begun before the event moves.
        self.stage.drop_dependent(&[digest]);
        self.moved(self.events.hear(digest, change));
    }

    /// Takes everything that the tier keeps to have changed.
    fn lose(&self, change: Change) {
        self.stage.clear();
        self.moved(self.events.emit_all(self.family, change));
    }

    fn moved(&self, has_moved: bool) {
        if has_moved {
            (self.has_moved)();
        }
    }
}

fn follow(ear: &Weak<Ear>, guarded: &Guarded, lease: Duration) {
    let mut position: Option<String> = None;
    let mut until = now().saturating_add(lease);
    loop {
        let asked = now();
        let mut reading = pin!(read(guarded, position.clone(), lease / 4));
        let news = loop {
            let news = wait(reading.as_mut(), until);
            let Some(ear) = ear.upgrade() else { return };
            if now() >= until {
                ear.lose(Change::Soft);
                until = now().saturating_add(lease);
            }
            if let Some(news) = news {
                break news.map(|news| (ear, news));
            }
        };
        let Some((ear, news)) = news else { continue };
        if position.is_none() || !news.is_complete {
            ear.lose(Change::Hard);
        }
        ear.hear(&news);
        position = Some(news.position);
        // When it was asked, not when it has answered: who answers may have been slow to say so.
        until = until.max(asked.saturating_add(lease));
        ear.has_begun.store(true, Ordering::SeqCst);
    }
}

async fn read(guarded: &Guarded, after: Option<String>, patience: Duration) -> Option<News> {
    let news = guarded.news(after.as_deref(), patience).await;
    if news.is_none() {
        within(&Time::system(), RETRY, std::future::pending::<()>()).await;
    }
    news
}

fn now() -> Duration {
    Time::system().elapsed()
}

/// Polls a future on this thread, until it is ready or it is that late.
fn wait<F: Future>(mut future: Pin<&mut F>, until: Duration) -> Option<F::Output> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(out);
        }
        let left = until.saturating_sub(now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
