//! One computation per key at a time.
//!
//! The first caller to miss leads; everyone else follows and shares its result.
//! A leader that panics or is dropped abandons the flight, and a follower takes over.
//! Threads and tasks wait in the same way: a follower is a future, and a thread polls it itself.
//!
//! A flight knows neither the function nor the types. Who may join it is decided by the shard that lists it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::entry::{AnyEntry, AnyValue};
use crate::sync::{Arc, AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::waits::LoadId;
use crate::worker;

/// How long a leader that could go on may leave its followers waiting before one of them takes over.
///
/// Far longer than a busy executor needs to poll a task that was woken,
/// so that only a future that somebody keeps without polling it is given up.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the followers of a flight get.
#[derive(Clone)]
pub(crate) enum Landing {
    /// The value to restore the result from, stored or not.
    Value(Arc<AnyEntry>),
    /// The whole result, which holds no value, such as an error.
    Outcome(Arc<AnyValue>),
}

/// A load that others may wait for.
pub(crate) struct Flight {
    pub(crate) id: LoadId,
    /// Those who were sent to wait and have not gone away.
    n_followers: AtomicUsize,
    /// How often the leader was polled, and whether it has been woken since.
    n_polls: AtomicU64,
    is_woken: AtomicBool,
    state: Mutex<State>,
}

enum State {
    Loading(Seats),
    Landed(Landing),
    Abandoned,
}

/// The wakers of those who wait.
#[derive(Default)]
struct Seats {
    wakers: Vec<Option<Waker>>,
    free: Vec<usize>,
}

impl Flight {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            id: LoadId::new(),
            n_followers: AtomicUsize::new(0),
            n_polls: AtomicU64::new(0),
            is_woken: AtomicBool::new(false),
            state: Mutex::new(State::Loading(Seats::default())),
        })
    }

    /// Takes one more follower aboard, unless the flight is over. The caller holds the lock of the shard,
    /// so that a leader who has left the shard knows all its followers.
    pub(crate) fn join(self: &Arc<Self>) -> bool {
        if !matches!(*self.state.lock(), State::Loading(_)) {
            return false;
        }
        self.n_followers.fetch_add(1, Ordering::SeqCst);
        if self.is_woken.load(Ordering::SeqCst) {
            self.watch();
        }
        true
    }

    /// Whether anybody waits. Final once the shard does not list the flight any more.
    pub(crate) fn has_followers(&self) -> bool {
        self.n_followers.load(Ordering::SeqCst) > 0
    }

    /// Gives the followers their result.
    pub(crate) fn land(&self, landing: Landing) {
        self.finish(State::Landed(landing));
    }

    /// Sends the followers to look for themselves; nothing happens if the flight has landed.
    pub(crate) fn abandon(&self) {
        self.finish(State::Abandoned);
    }

    /// Notes that the leader is being polled.
    pub(crate) fn polled(&self) {
        self.n_polls.fetch_add(1, Ordering::SeqCst);
        self.is_woken.store(false, Ordering::SeqCst);
    }

    /// Notes that the leader could go on.
    fn woken(self: &Arc<Self>) {
        let was_woken = self.is_woken.swap(true, Ordering::SeqCst);
        if !was_woken && self.has_followers() {
            self.watch();
        }
    }

    /// Gives the leader up if it is not polled in time although it could go on.
    fn watch(self: &Arc<Self>) {
        let flight = Arc::clone(self);
        let n_polls = self.n_polls.load(Ordering::SeqCst);
        worker::after(PATIENCE, move || {
            if flight.n_polls.load(Ordering::SeqCst) == n_polls
                && flight.is_woken.load(Ordering::SeqCst)
            {
                flight.abandon();
            }
        });
    }

    fn finish(&self, outcome: State) {
        let mut state = self.state.lock();
        let State::Loading(seats) = &mut *state else { return };
        let wakers = std::mem::take(&mut seats.wakers);
        *state = outcome;
        // Wakers are foreign code: they run after the lock is released.
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
    }
}

/// The waker that a leader's body gets: it wakes the leader, and the flight learns of it.
pub(crate) struct LeaderWaker {
    pub(crate) flight: Arc<Flight>,
    pub(crate) waker: Waker,
}

impl Wake for LeaderWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.flight.woken();
        self.waker.wake_by_ref();
    }
}

/// Waits for a flight that was joined: its landing, or `None` if it was abandoned.
pub(crate) struct Follower {
    flight: Arc<Flight>,
    seat: Option<usize>,
}

impl Follower {
    pub(crate) fn new(flight: Arc<Flight>) -> Self {
        Self { flight, seat: None }
    }
}

impl Future for Follower {
    type Output = Option<Landing>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let waker = cx.waker().clone();
        let mut state = this.flight.state.lock();
        let seats = match &mut *state {
            State::Landed(landing) => return Poll::Ready(Some(landing.clone())),
            State::Abandoned => return Poll::Ready(None),
            State::Loading(seats) => seats,
        };
        let seat = *this.seat.get_or_insert_with(|| {
            seats.free.pop().unwrap_or_else(|| {
                seats.wakers.push(None);
                seats.wakers.len() - 1
            })
        });
        let previous = seats.wakers[seat].replace(waker);
        drop(state);
        drop(previous);
        Poll::Pending
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.flight.n_followers.fetch_sub(1, Ordering::SeqCst);
        let Some(seat) = self.seat else { return };
        let mut state = self.flight.state.lock();
        let waker = match &mut *state {
            State::Loading(seats) => {
                seats.free.push(seat);
                seats.wakers[seat].take()
            }
            _ => None,
        };
        drop(state);
        drop(waker);
    }
}
