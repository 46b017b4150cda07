//! Those who are told what happens, other than hits.
//!
//! They are called on the thread on which it happens, and under no lock. What one of them panics with is dropped, and
//! what happens while it is told something is told to nobody, so that none of them tells himself without end.

#[cfg(feature = "tracing")]
mod tracing;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::health::Health;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, thread_local};

#[cfg(feature = "tracing")]
pub use tracing::TracingObserver;

/// Somebody who is told what happens in a cache, see [`Cache::observe`](crate::Cache::observe).
pub trait Observer: Send + Sync {
    /// Something has happened.
    ///
    /// It is told at once, on the thread of the call that it happened to or on one of the cache's own, and that waits
    /// meanwhile.
    fn notice(&self, notice: &Notice<'_>);
}

/// Something that has happened in a cache.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Notice<'a> {
    /// A load has ended.
    #[non_exhaustive]
    Loaded {
        /// The name of its function.
        function: &'static str,
        /// Why the call that began it had missed, as a field of [`MissReasons`](crate::MissReasons) is called; `None` for a
        /// reload in the background, and for a load that took over from another one.
        reason: Option<&'static str>,
        /// What became of it.
        outcome: Outcome,
        /// How long its body took; `None` where no body has returned.
        took: Option<Duration>,
    },
    /// Values have been dropped, which were of one function and went for one reason.
    #[non_exhaustive]
    Dropped {
        /// The name of their function.
        function: &'static str,
        /// Why they went.
        cause: Cause,
        /// How many.
        entries: usize,
        /// The bytes that they counted for.
        bytes: usize,
    },
    /// An event was emitted.
    #[non_exhaustive]
    Emitted {
        /// What it is called, without what is in it: `UserUpdated`, `("user", _)`.
        event: &'a str,
        /// Whether it leaves stale what depends on it.
        is_soft: bool,
    },
    /// A tier behind the memory has begun to fail, or works again.
    ///
    /// It is noticed by the next load that asks the tiers, or when the verdict on the cache is asked for.
    #[non_exhaustive]
    Tier {
        /// What it is called.
        name: &'static str,
        /// Whether it is asked from now on.
        is_working: bool,
    },
    /// A stored result has differed from a fresh one, for the first time of its function, see
    /// [`Builder::verify`](crate::Builder::verify).
    #[non_exhaustive]
    Diverged {
        /// The name of the function.
        function: &'static str,
        /// The source file that it is in.
        file: &'static str,
        /// The line there.
        line: u32,
        /// A digest of the key, as [`EntryInfo::key`](crate::EntryInfo::key) shows it.
        key: &'a str,
    },
    /// The verdict on the cache has changed, beginning from a healthy one.
    ///
    /// That is found when somebody asks for it by [`Cache::health`](crate::Cache::health), and for the cache of the process
    /// every ten seconds.
    Health(&'a Health),
}

/// What became of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// Its result is stored.
    Stored,
    /// Its result is not to be stored: an `Err`, for one.
    Refused,
    /// Its result was invalidated before it was there.
    Outdated,
    /// Its result is larger than the cache may be.
    Rejected,
    /// There is no result: its body has panicked, or nobody wanted it any more.
    Abandoned,
}

impl Outcome {
    /// It in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Refused => "refused",
            Self::Outdated => "outdated",
            Self::Rejected => "rejected",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Why a value was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// It made room for others.
    Evicted,
    /// Its lifetime had ended.
    Expired,
    /// Somebody said so.
    Invalidated,
}

impl Cause {
    /// It in one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
        }
    }
}

/// All who are told what happens in one cache.
#[derive(Default)]
pub(crate) struct Observers {
    /// So that what happens need not be noted where nobody is told.
    is_any: AtomicBool,
    all: Mutex<Arc<[Arc<dyn Observer>]>>,
}

/// Somebody who only wants to hear of the verdict.
pub(crate) struct HealthListener<F>(pub(crate) F);

impl<F: Fn(&Health) + Send + Sync> Observer for HealthListener<F> {
    fn notice(&self, notice: &Notice<'_>) {
        if let Notice::Health(health) = notice {
            (self.0)(health);
        }
    }
}

thread_local! {
    /// Whether this thread is telling somebody something.
    static TELLING: Cell<bool> = const { Cell::new(false) };
}

/// Has a thread be telling, until it is dropped.
struct Telling;

impl Telling {
    /// `None` where that is so already, or where the thread is ending.
    fn begin() -> Option<Self> {
        let was_telling = TELLING.try_with(|telling| telling.replace(true)).unwrap_or(true);
        (!was_telling).then(|| Self)
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        TELLING.with(|telling| telling.set(false));
    }
}

impl Observers {
    /// True if it is the first one.
    pub(crate) fn add(&self, observer: Arc<dyn Observer>) -> bool {
        let mut all = self.all.lock();
        *all = all.iter().cloned().chain([observer]).collect();
        !self.is_any.swap(true, Ordering::SeqCst)
    }

    #[inline]
    pub(crate) fn is_any(&self) -> bool {
        self.is_any.load(Ordering::Relaxed)
    }

    /// Whether somebody is told of what this thread does.
    pub(crate) fn can_hear(&self) -> bool {
        self.is_any() && !TELLING.try_with(Cell::get).unwrap_or(true)
    }

    /// Tells all of them.
    pub(crate) fn tell(&self, notice: &Notice<'_>) {
        if !self.is_any() {
            return;
        }
        let Some(_telling) = Telling::begin() else { return };
        let all = Arc::clone(&self.all.lock());
        for observer in &*all {
            // Whoever it is, the call is none of his.
            let _ = catch_unwind(AssertUnwindSafe(|| observer.notice(notice)));
        }
    }
}
