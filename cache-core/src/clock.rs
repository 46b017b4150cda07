//! The only reader of time.
//!
//! A [`Moment`] counts nanoseconds since its clock started, so wall-clock jumps do not matter,
//! and additions saturate, so no lifetime is too long.

use std::time::{Duration, Instant};

use crate::sync::{AtomicU64, Ordering};

/// A point in time of one clock: nanoseconds since it started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Moment(pub(crate) u64);

impl Moment {
    /// Later than every other moment: the deadline of what does not expire.
    pub(crate) const NEVER: Self = Self(u64::MAX);

    /// The moment `span` later; spans beyond the clock's 584 years are [`Moment::NEVER`].
    pub(crate) fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanos(span)))
    }

    /// How long ago `earlier` was; zero if it is yet to come.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Where a cache takes its time from.
pub(crate) enum Clock {
    /// The monotonic clock of the machine.
    System(Instant),
    /// Stands still until a test advances it.
    Manual(AtomicU64),
    /// Follows somebody else's clock, such as a runtime's paused one.
    Source(Box<dyn Fn() -> Duration + Send + Sync>),
}

impl Clock {
    pub(crate) fn system() -> Self {
        Self::System(machine_time())
    }

    pub(crate) fn manual() -> Self {
        Self::Manual(AtomicU64::new(0))
    }

    pub(crate) fn now(&self) -> Moment {
        match self {
            Self::System(start) => Moment(nanos(start.elapsed())),
            Self::Manual(nanos) => Moment(nanos.load(Ordering::SeqCst)),
            Self::Source(elapsed) => Moment(nanos(elapsed())),
        }
    }

    /// Moves a manual clock; false for a clock that moves by itself.
    pub(crate) fn advance(&self, span: Duration) -> bool {
        let Self::Manual(now) = self else { return false };
        let later = Moment(now.load(Ordering::SeqCst)).after(span);
        now.store(later.0, Ordering::SeqCst);
        true
    }

    /// Whether background work may wait for this clock by sleeping.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self, Self::System(_))
    }
}

/// The monotonic clock of the machine, whatever clock a cache has.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn machine_time() -> Instant {
    Instant::now()
}
