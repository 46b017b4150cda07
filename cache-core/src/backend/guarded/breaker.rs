//! When to leave a tier in peace that does not work, and when to try it again.

use std::time::Duration;

use crate::clock::Moment;

/// So many failures in a row open the circuit.
const N_FAILURES: u32 = 5;

/// How long it stays open at first, and at most: twice as long after each trial that fails.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// Whether a tier is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// It is: all is well.
    Closed,
    /// It is not, because it failed several times in a row.
    Open,
    /// One operation at a time tries whether it works again.
    HalfOpen,
}

#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    pause: Duration,
}

#[derive(Debug)]
enum State {
    Closed { n_failures: u32 },
    Open { until: Moment },
    HalfOpen { is_trying: bool },
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed { n_failures: 0 }, pause: SHORTEST }
    }
}

impl Breaker {
    /// Whether an operation may begin now. If so, one of the next three is told how it ended.
    pub(super) fn admit(&mut self, now: Moment) -> bool {
        match &mut self.state {
            State::Closed { .. } => true,
            State::Open { until } if now < *until => false,
            State::HalfOpen { is_trying: true } => false,
            state => {
                *state = State::HalfOpen { is_trying: true };
                true
            }
        }
    }

    pub(super) fn succeeded(&mut self) {
        // Success that began before the circuit opened says nothing about now.
        if !matches!(self.state, State::Open { .. }) {
            *self = Self::default();
        }
    }

    pub(super) fn failed(&mut self, now: Moment) {
        match &mut self.state {
            State::Closed { n_failures } if *n_failures + 1 < N_FAILURES => *n_failures += 1,
            State::Closed { .. } => self.open(now),
            State::HalfOpen { .. } => {
                self.pause = (self.pause * 2).min(LONGEST);
                self.open(now);
            }
            State::Open { .. } => {}
        }
    }

    /// An operation ended before anybody knew how it would.
    pub(super) fn given_up(&mut self) {
        if let State::HalfOpen { is_trying } = &mut self.state {
            *is_trying = false;
        }
    }

    pub(super) fn circuit(&self) -> Circuit {
        match self.state {
            State::Closed { .. } => Circuit::Closed,
            State::Open { .. } => Circuit::Open,
            State::HalfOpen { .. } => Circuit::HalfOpen,
        }
    }

    /// When it is worth asking again; `None` if somebody's trial tells.
    pub(super) fn admits_at(&self) -> Option<Moment> {
        match self.state {
            State::Open { until } => Some(until),
            _ => None,
        }
    }

    fn open(&mut self, now: Moment) {
        self.state = State::Open { until: now.after(self.pause) };
    }
}
