//! One computation per key at a time.
//!
//! The first caller to miss leads; everyone else follows and shares its result.
//! A leader that panics or is dropped abandons the flight, and a follower takes over.
//! If the leader's body can do without its caller, it is handed over as it is; else the follower begins anew.
//! Threads and tasks wait in the same way: a follower is a future, and a thread polls it itself.
//!
//! A flight knows neither the function nor the types. Who may join it is decided by the register that lists it.

use std::any::Any;
use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::clock::Moment;
use crate::entry::{AnyValue, EntryRef};
use crate::sources::{Sources, Standing};
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, MutexGuard, Ordering};
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
    Value(EntryRef),
    /// The whole result, which holds no value, such as an error.
    Outcome(Arc<AnyValue>),
}

/// A load that others may wait for.
pub(crate) struct Flight {
    pub(crate) id: LoadId,
    /// How often the leader was polled, and whether it has been woken since.
    n_polls: AtomicU64,
    is_woken: AtomicBool,
    /// What the load is computed from, once there is something or somebody to ask.
    sources: OnceLock<Arc<Sources>>,
    state: Mutex<State>,
}

struct State {
    stage: Stage,
    /// Those who were sent to wait and have not gone away.
    n_followers: usize,
    /// The wakers of those who wait. A seat stays its follower's until that is gone.
    wakers: Vec<Option<Waker>>,
    free_seats: Vec<usize>,
}

enum Stage {
    Loading,
    /// The leader is gone, and its load waits for a follower to go on with it. There is one, or the load is dropped.
    Orphaned(Orphan),
    Landed(Landing),
    Abandoned,
}

/// A load without a leader.
pub(crate) type Orphan = Box<dyn Any + Send>;

/// How the wait for a flight ends.
pub(crate) enum Arrival {
    Landed(Landing),
    /// The load is this follower's now.
    Adopted(Orphan),
    Abandoned,
}

impl Flight {
    pub(crate) fn new(id: LoadId) -> Arc<Self> {
        let state = State {
            stage: Stage::Loading,
            n_followers: 0,
            wakers: Vec::new(),
            free_seats: Vec::new(),
        };
        Arc::new(Self {
            id,
            n_polls: AtomicU64::new(0),
            is_woken: AtomicBool::new(false),
            sources: OnceLock::new(),
            state: Mutex::new(state),
        })
    }

    /// What the load is computed from.
    pub(crate) fn sources(&self) -> &Arc<Sources> {
        self.sources.get_or_init(Arc::default)
    }

    /// What the load is computed from, if it is known to be computed from anything.
    pub(crate) fn known_sources(&self) -> Option<&Arc<Sources>> {
        self.sources.get()
    }

    /// How the load stands to what has happened since it began.
    pub(crate) fn standing(&self, now: impl FnOnce() -> Moment) -> Standing {
        self.known_sources().map_or(Standing::Current, |sources| sources.standing(now()))
    }

    /// Takes one more follower aboard, unless the flight is over. The caller holds the lock of the memory,
    /// so that a leader who has left the register knows all its followers.
    fn join(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        if !matches!(state.stage, Stage::Loading | Stage::Orphaned(_)) {
            return false;
        }
        state.n_followers += 1;
        drop(state);
        if self.is_woken.load(Ordering::SeqCst) {
            self.watch();
        }
        true
    }

    /// Whether anybody waits. Final once the register does not list the load any more.
    pub(crate) fn has_followers(&self) -> bool {
        self.state.lock().n_followers > 0
    }

    /// Gives the followers their result.
    pub(crate) fn land(&self, landing: Landing) {
        self.end(Stage::Landed(landing));
    }

    /// Sends the followers to look for themselves; nothing happens if the flight has landed.
    pub(crate) fn abandon(&self) {
        self.end(Stage::Abandoned);
    }

    /// Leaves a load to whichever follower is first; gives it back if there is none.
    pub(crate) fn orphan(&self, load: Orphan) -> Option<Orphan> {
        let state = self.state.lock();
        if state.n_followers == 0 || !matches!(state.stage, Stage::Loading) {
            return Some(load);
        }
        self.change(state, Stage::Orphaned(load));
        None
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

    fn end(&self, stage: Stage) {
        let state = self.state.lock();
        if matches!(state.stage, Stage::Loading) {
            self.change(state, stage);
        }
    }

    /// Goes on to another stage and wakes everybody, after the lock is released: wakers are foreign code.
    fn change(&self, mut state: MutexGuard<'_, State>, stage: Stage) {
        state.stage = stage;
        let wakers: Vec<Waker> = state.wakers.iter_mut().filter_map(Option::take).collect();
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
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

/// Waits for a flight that was joined.
pub(crate) struct Follower {
    flight: Arc<Flight>,
    seat: Option<usize>,
}

impl Follower {
    /// Waits for a flight, unless it is over.
    pub(crate) fn join(flight: &Arc<Flight>) -> Option<Self> {
        flight.join().then(|| Self { flight: Arc::clone(flight), seat: None })
    }

    /// What it waits for.
    pub(crate) fn flight(&self) -> &Flight {
        &self.flight
    }
}

impl Future for Follower {
    type Output = Arrival;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let waker = cx.waker().clone();
        let mut guard = this.flight.state.lock();
        let state = &mut *guard;
        match &state.stage {
            Stage::Landed(landing) => return Poll::Ready(Arrival::Landed(landing.clone())),
            Stage::Abandoned => return Poll::Ready(Arrival::Abandoned),
            Stage::Loading | Stage::Orphaned(_) => {}
        }
        if let Stage::Orphaned(load) = std::mem::replace(&mut state.stage, Stage::Loading) {
            return Poll::Ready(Arrival::Adopted(load));
        }
        let seat = *this.seat.get_or_insert_with(|| {
            state.free_seats.pop().unwrap_or_else(|| {
                state.wakers.push(None);
                state.wakers.len() - 1
            })
        });
        let previous = state.wakers[seat].replace(waker);
        drop(guard);
        drop(previous);
        Poll::Pending
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let mut guard = self.flight.state.lock();
        let state = &mut *guard;
        state.n_followers -= 1;
        let waker = self.seat.and_then(|seat| {
            state.free_seats.push(seat);
            state.wakers[seat].take()
        });
        // A load that nobody wants any more is dropped; it abandons its flight by itself.
        let is_last = state.n_followers == 0 && matches!(state.stage, Stage::Orphaned(_));
        let load = is_last.then(|| std::mem::replace(&mut state.stage, Stage::Loading));
        drop(guard);
        drop((waker, load));
    }
}
