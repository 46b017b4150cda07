//! Time as slower tiers know it: a clock that only goes forward, the wall clock, and alarms.
//!
//! What leaves the process outlives its clocks, so lifetimes out there are told by the wall clock, which may jump.
//! A test moves both by hand.

use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use std::collections::BTreeMap;

use crate::clock::{Moment, machine_time, nanos};
use crate::sync::{Arc, Mutex};
use crate::worker;

/// Where a slower tier takes its time from. Clones show the same time.
#[derive(Clone, Default)]
pub struct Time(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<Mutex<Manual>>),
}

/// A time that a test moves.
struct Manual {
    now: Moment,
    wall: SystemTime,
    alarms: BTreeMap<(Moment, u64), Ring>,
    n_alarms: u64,
}

type Ring = Box<dyn FnOnce() + Send>;

impl Time {
    /// The time of the machine.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A time that stands still until [`Time::advance`] moves it. Its wall clock begins on 1 January 2026.
    #[must_use]
    pub fn manual() -> Self {
        let wall = UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let manual = Manual { now: Moment(0), wall, alarms: BTreeMap::new(), n_alarms: 0 };
        Self(Source::Manual(Arc::new(Mutex::new(manual))))
    }

    /// Moves a manual time forward, and rings the alarms that are due then.
    ///
    /// # Panics
    ///
    /// If this is the time of the machine.
    #[track_caller]
    pub fn advance(&self, span: Duration) {
        let manual = self.by_hand();
        let end = manual.lock().now.after(span);
        loop {
            let mut state = manual.lock();
            let Some(alarm) = state.alarms.first_entry().filter(|alarm| alarm.key().0 <= end)
            else {
                break state.go_to(end);
            };
            let ((due, _), ring) = alarm.remove_entry();
            state.go_to(due);
            drop(state);
            ring();
        }
    }

    /// Sets a manual wall clock, as an administrator or a time server does. The other clock does not move.
    ///
    /// # Panics
    ///
    /// If this is the time of the machine.
    #[track_caller]
    pub fn set_wall(&self, wall: SystemTime) {
        self.by_hand().lock().wall = wall;
    }

    /// What the wall clock shows.
    #[must_use]
    pub fn wall(&self) -> SystemTime {
        match &self.0 {
            Source::System => wall_time(),
            Source::Manual(manual) => manual.lock().wall,
        }
    }

    /// Whether it is the one that files are given.
    pub(crate) fn is_system(&self) -> bool {
        matches!(self.0, Source::System)
    }

    /// How far the clock has come that only goes forward.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.now().since(Moment(0))
    }

    pub(crate) fn now(&self) -> Moment {
        static START: OnceLock<Instant> = OnceLock::new();
        match &self.0 {
            Source::System => Moment(nanos(START.get_or_init(machine_time).elapsed())),
            Source::Manual(manual) => manual.lock().now,
        }
    }

    /// Runs `alarm` once, so much later; false if there is no thread for it, until somebody can start one.
    pub(crate) fn after(&self, delay: Duration, alarm: impl FnOnce() + Send + 'static) -> bool {
        match &self.0 {
            Source::System => return worker::after(delay, alarm),
            Source::Manual(_) if delay.is_zero() => alarm(),
            Source::Manual(manual) => {
                let mut manual = manual.lock();
                manual.n_alarms += 1;
                let key = (manual.now.after(delay), manual.n_alarms);
                manual.alarms.insert(key, Box::new(alarm));
            }
        }
        true
    }

    /// Rings once, so much later, unless what is returned is dropped before; `None` if nothing would ring.
    pub(crate) fn alarm(
        &self,
        delay: Duration,
        ring: impl FnOnce() + Send + 'static,
    ) -> Option<Alarm> {
        match &self.0 {
            Source::System => {
                let (alarm, has_thread) = worker::alarm(delay, ring);
                has_thread.then_some(Alarm { _alarm: Some(alarm) })
            }
            Source::Manual(_) => {
                self.after(delay, ring);
                Some(Alarm { _alarm: None })
            }
        }
    }

    #[track_caller]
    fn by_hand(&self) -> &Mutex<Manual> {
        match &self.0 {
            Source::Manual(manual) => manual,
            Source::System => panic!("the time of the machine moves by itself"),
        }
    }
}

/// What rings later, unless it is dropped. A manual one rings all the same.
pub(crate) struct Alarm {
    _alarm: Option<worker::Alarm>,
}

impl Manual {
    fn go_to(&mut self, moment: Moment) {
        self.wall += moment.since(self.now);
        self.now = self.now.max(moment);
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Source::System => "System",
            Source::Manual(_) => "Manual",
        };
        f.debug_tuple("Time").field(&kind).finish()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn wall_time() -> SystemTime {
    SystemTime::now()
}
