//! The only reader of time.
//!
//! A [`Moment`] counts nanoseconds since its clock started, so wall-clock jumps do not matter,
//! and additions saturate, so no lifetime is too long.

use std::task::Waker;
use std::time::{Duration, Instant};

use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};

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
    System(SystemClock),
    /// Stands still until a test advances it.
    Manual(ManualClock),
    /// Follows somebody else's clock, such as a runtime's paused one.
    Source(Box<dyn Fn() -> Duration + Send + Sync>),
}

impl Clock {
    pub(crate) fn system() -> Self {
        // In this order: what the coarse clock shows later is not too little.
        let coarse_start = coarse::now();
        Self::System(SystemClock { coarse_start, start: machine_time(), recent: AtomicU64::new(0) })
    }

    pub(crate) fn manual() -> Self {
        Self::Manual(ManualClock::default())
    }

    pub(crate) fn now(&self) -> Moment {
        match self {
            Self::System(clock) => clock.now(),
            Self::Manual(clock) => clock.now(),
            Self::Source(elapsed) => Moment(nanos(elapsed())),
        }
    }

    /// About the present moment, for what only people look at: as it was seen by a call some time ago.
    pub(crate) fn recent(&self) -> Moment {
        match self {
            Self::System(clock) => Moment(clock.recent.load(Ordering::Relaxed)),
            _ => self.now(),
        }
    }

    /// The present moment, for a thread that has been content with a recent one for some calls.
    /// Sets how many there may be until the next time.
    pub(crate) fn look(&self, calls_to_go: &AtomicU32) -> Moment {
        match self {
            Self::System(clock) => clock.look(calls_to_go),
            _ => self.now(),
        }
    }

    /// About the present moment, for one more call.
    pub(crate) fn roughly(&self, calls_to_go: &AtomicU32) -> Moment {
        match calls_to_go.load(Ordering::Relaxed) {
            0 => self.look(calls_to_go),
            n_calls => {
                calls_to_go.store(n_calls - 1, Ordering::Relaxed);
                self.recent()
            }
        }
    }

    /// Whether a moment is certainly yet to come, where that can be said without a look at the clock itself.
    pub(crate) fn is_surely_before(&self, due: Moment) -> bool {
        match self {
            Self::System(clock) => clock.latest().is_some_and(|latest| latest < due),
            _ => false,
        }
    }

    /// The present moment for what is done under a lock. A test's clock is asked before, for it may be user code;
    /// the system's only when it is needed.
    pub(crate) fn before_lock(&self) -> Option<Moment> {
        (!self.is_system()).then(|| self.now())
    }

    /// Moves a manual clock; false for a clock that moves by itself.
    pub(crate) fn advance(&self, span: Duration) -> bool {
        let Self::Manual(clock) = self else { return false };
        clock.advance(span);
        true
    }

    /// Has somebody woken at a moment, or says how long to wait on the machine's clock until it is to be asked again.
    pub(crate) fn wake_at(&self, due: Moment, waker: &Waker) -> Option<Duration> {
        match self {
            Self::System(clock) => Some(due.since(clock.now())),
            Self::Manual(clock) => {
                clock.wake_at(due, waker);
                None
            }
            // It does not tell when it moves.
            Self::Source(_) => Some(OFTEN),
        }
    }

    /// Whether background work may wait for this clock by sleeping.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self, Self::System(_))
    }
}

/// How often a clock is looked at that moves by nobody knows what.
const OFTEN: Duration = Duration::from_millis(1);

/// A clock that a test moves, and who waits for it.
#[derive(Default)]
pub(crate) struct ManualClock {
    nanos: AtomicU64,
    sleepers: Mutex<Vec<(Moment, Waker)>>,
}

impl ManualClock {
    fn now(&self) -> Moment {
        Moment(self.nanos.load(Ordering::SeqCst))
    }

    fn advance(&self, span: Duration) {
        let later = self.now().after(span);
        self.nanos.store(later.0, Ordering::SeqCst);
        let mut sleepers = self.sleepers.lock();
        let woken: Vec<_> = sleepers.extract_if(.., |(due, _)| *due <= later).collect();
        drop(sleepers);
        woken.into_iter().for_each(|(_, waker)| waker.wake());
    }

    /// Who registers asks for the time after that, for it may have come meanwhile.
    fn wake_at(&self, due: Moment, waker: &Waker) {
        self.sleepers.lock().push((due, waker.clone()));
    }
}

/// The clock of the machine, and about what it shows.
pub(crate) struct SystemClock {
    start: Instant,
    /// What the coarse clock showed at the start, if there is one.
    coarse_start: Option<u64>,
    recent: AtomicU64,
}

impl SystemClock {
    /// Between two looks at the clock there are so many calls, while these come fast.
    const CALLS: u32 = 63;

    /// What is noted is about so exact.
    const STEP: u64 = 1_000_000;

    fn now(&self) -> Moment {
        Moment(nanos(self.start.elapsed()))
    }

    /// A moment that is not before the present one, and cheaper to have.
    fn latest(&self) -> Option<Moment> {
        Some(Moment(coarse::now()?.saturating_sub(self.coarse_start?) + coarse::LAG))
    }

    fn look(&self, calls_to_go: &AtomicU32) -> Moment {
        let now = self.now();
        // Where calls are few, each one looks.
        let is_long_ago = now.0 > self.recent.load(Ordering::Relaxed) + Self::STEP;
        if is_long_ago {
            self.recent.store(now.0, Ordering::Relaxed);
        }
        calls_to_go.store(if is_long_ago { 0 } else { Self::CALLS }, Ordering::Relaxed);
        now
    }
}

/// The clock that [`Instant`] reads, as it was when the kernel last moved it on: several times as cheap to read.
#[cfg(target_os = "linux")]
mod coarse {
    /// It is moved on at each tick of the kernel, of which there are at least a hundred a second while a thread runs:
    /// it lags behind by fewer nanoseconds.
    pub(super) const LAG: u64 = 100_000_000;

    #[expect(unsafe_code, reason = "the system call has no safe wrapper")]
    /// In nanoseconds.
    pub(super) fn now() -> Option<u64> {
        let mut time = std::mem::MaybeUninit::<libc::timespec>::uninit();
        // SAFETY: there is room for a time, which is written if the call succeeds.
        let time = unsafe {
            let result = libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, time.as_mut_ptr());
            (result == 0).then(|| time.assume_init())?
        };
        // Neither is negative, and they reach for centuries.
        Some((time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64))
    }
}

/// Elsewhere there is none.
#[cfg(not(target_os = "linux"))]
mod coarse {
    pub(super) const LAG: u64 = 0;

    pub(super) fn now() -> Option<u64> {
        None
    }
}

/// The monotonic clock of the machine, whatever clock a cache has.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub(crate) fn machine_time() -> Instant {
    Instant::now()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Waits until something has happened on another thread, and fails if that takes for ever.
    #[track_caller]
    pub(crate) fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
        let start = machine_time();
        while !happened() {
            assert!(start.elapsed() < Duration::from_secs(20), "this never happened: {what}");
            std::thread::yield_now();
        }
    }

    #[test]
    fn no_span_is_too_long() {
        let now = Moment(5);
        assert_eq!(now.after(Duration::from_nanos(7)), Moment(12));
        assert_eq!(now.after(Duration::MAX), Moment::NEVER);
        assert_eq!(Moment::NEVER.after(Duration::from_nanos(1)), Moment::NEVER);
        assert_eq!(Moment(12).since(now), Duration::from_nanos(7));
        assert_eq!(now.since(Moment(12)), Duration::ZERO, "that is yet to come");
    }

    #[test]
    fn a_manual_clock_moves_by_hand_alone() {
        let clock = Clock::manual();
        assert_eq!((clock.now(), clock.now()), (Moment(0), Moment(0)));
        assert!(clock.advance(Duration::from_nanos(3)) && clock.advance(Duration::from_nanos(4)));
        assert_eq!((clock.now(), clock.recent()), (Moment(7), Moment(7)));
        assert!(clock.advance(Duration::MAX));
        assert_eq!(clock.now(), Moment::NEVER);
    }

    #[test]
    fn somebody_elses_clock_is_followed_and_not_moved() {
        static ELAPSED: AtomicU64 = AtomicU64::new(3);
        let elapsed = || Duration::from_secs(ELAPSED.load(Ordering::SeqCst));
        let clock = Clock::Source(Box::new(elapsed));
        assert!(!clock.advance(Duration::from_secs(1)));
        assert_eq!(clock.now(), Moment(3_000_000_000));
        ELAPSED.store(4, Ordering::SeqCst);
        assert_eq!(clock.before_lock(), Some(Moment(4_000_000_000)), "it may be user code");
    }

    #[test]
    fn a_clock_that_a_test_moves_is_never_asked_for_an_old_moment() {
        let (clock, calls_to_go) = (Clock::manual(), AtomicU32::new(9));
        for nanos in 1..20 {
            clock.advance(Duration::from_nanos(1));
            assert_eq!(clock.roughly(&calls_to_go), Moment(nanos));
        }
    }

    #[test]
    fn what_is_surely_before_the_deadline_is_before_it() {
        let clock = Clock::system();
        let span = |nanos| Duration::from_nanos(nanos);
        for n in 0..100_000 {
            let due = clock.now().after(span(n * 7_919 % 300_000_000));
            // Some are past by now, and some within the lag of the coarse clock.
            (0..n % 64).for_each(|_| std::hint::spin_loop());
            let before = clock.now();
            assert!(
                before < due || !clock.is_surely_before(due),
                "{before:?} is not before {due:?}"
            );
            assert!(!clock.is_surely_before(before), "that is past");
        }
        #[cfg(target_os = "linux")]
        assert!(clock.is_surely_before(clock.now().after(Duration::from_secs(10))));
        assert!(!Clock::manual().is_surely_before(Moment(5)), "it is asked itself");
    }

    #[test]
    fn calls_that_come_fast_share_a_look_at_the_machines_clock() {
        let (clock, calls_to_go) = (Clock::system(), AtomicU32::new(0));
        assert!(!clock.advance(Duration::from_secs(1)) && clock.before_lock().is_none());
        eventually("a look that is late enough to be noted", || {
            clock.look(&calls_to_go);
            clock.recent() > Moment(0)
        });
        assert_eq!(calls_to_go.load(Ordering::Relaxed), 0, "after a pause, the next call looks");
        eventually("two looks within a millisecond", || {
            clock.look(&calls_to_go);
            calls_to_go.load(Ordering::Relaxed) == SystemClock::CALLS
        });
        let recent = clock.recent();
        for n_left in (0..SystemClock::CALLS).rev() {
            assert_eq!(clock.roughly(&calls_to_go), recent);
            assert_eq!(calls_to_go.load(Ordering::Relaxed), n_left);
        }
        let before = clock.now();
        assert!(clock.roughly(&calls_to_go) >= before, "and then one looks again");
    }
}
