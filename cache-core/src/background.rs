//! The loads of one cache that nobody waits for: reloads, and those whose callers have lost their patience.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use crate::executor::{Place, Task};
use crate::sync::Arc;

/// So many reloads at once, by default.
pub(crate) const MAX_RELOADS: usize = 64;

/// The loads of one cache that run without their callers. They end with it.
pub(crate) struct Background {
    max_reloads: usize,
    // `Condvar` belongs to the standard mutex, which is why this one is not `crate::sync::Mutex`.
    state: std::sync::Mutex<State>,
    ended: Condvar,
}

#[derive(Default)]
struct State {
    n_begun: u64,
    n_reloads: usize,
    running: HashMap<u64, Running>,
    wakers: Vec<Waker>,
}

struct Running {
    place: Place,
    is_reload: bool,
    /// What ends it when it is dropped.
    task: Option<Box<dyn Send>>,
}

impl Background {
    pub(crate) fn new(max_reloads: usize) -> Arc<Self> {
        let (state, ended) = (std::sync::Mutex::default(), Condvar::new());
        Arc::new(Self { max_reloads, state, ended })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a load that may be left alone, until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>, place: Place) -> Entered {
        let mut state = self.state();
        self.enter(&mut state, place, false)
    }

    /// Notes a reload, unless there are as many as may be.
    pub(crate) fn begin_reload(self: &Arc<Self>, place: Place) -> Option<Entered> {
        let mut state = self.state();
        (state.n_reloads < self.max_reloads).then(|| self.enter(&mut state, place, true))
    }

    fn enter(self: &Arc<Self>, state: &mut State, place: Place, is_reload: bool) -> Entered {
        state.n_begun += 1;
        state.n_reloads += usize::from(is_reload);
        let id = state.n_begun;
        state.running.insert(id, Running { place, is_reload, task: None });
        Entered { id, background: Arc::clone(self) }
    }

    /// Has a load go on although nobody waits for it, as long as the cache exists.
    pub(crate) fn keep<R: Send + 'static>(&self, id: u64, task: Task<R>) {
        if let Some(running) = self.state().running.get_mut(&id) {
            running.task = Some(Box::new(task));
        }
    }

    /// Drops them all. A body that blocks a thread runs to its end.
    pub(crate) fn cancel(&self) {
        let mut state = self.state();
        state.n_reloads = 0;
        let running = std::mem::take(&mut state.running);
        drop(state);
        drop(running);
    }

    /// Waits until those have ended that run on threads.
    pub(crate) fn wait_for_threads(&self) {
        let mut state = self.state();
        while state.running.values().any(|load| load.place == Place::Thread) {
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until all have ended.
    pub(crate) async fn wait(&self) {
        poll_fn(|cx| {
            let mut state = self.state();
            if state.running.is_empty() {
                return Poll::Ready(());
            }
            state.wakers.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// A load runs as long as this exists.
pub(crate) struct Entered {
    pub(crate) id: u64,
    background: Arc<Background>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        let mut state = self.background.state();
        let ended = state.running.remove(&self.id);
        if ended.as_ref().is_some_and(|load| load.is_reload) {
            state.n_reloads -= 1;
        }
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        self.background.ended.notify_all();
        wakers.into_iter().for_each(Waker::wake);
        drop(ended);
    }
}
