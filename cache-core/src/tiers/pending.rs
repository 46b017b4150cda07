//! What is on its way to the tiers, for those who wait until nothing is.

use crate::sync::{Arc, Mutex};
use crate::task::{Receiver, Sender, channel};

/// What is on its way.
#[derive(Default)]
pub(super) struct Pending(Mutex<State>);

#[derive(Default)]
struct State {
    n_busy: usize,
    /// Those who wait until nothing is busy.
    waiting: Vec<Sender<()>>,
}

impl Pending {
    /// Something is on its way until this is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> Busy {
        self.0.lock().n_busy += 1;
        Busy(Arc::clone(self))
    }

    /// Is ready when nothing is on its way.
    pub(super) fn idle(&self) -> Receiver<()> {
        let (sender, receiver) = channel();
        let mut state = self.0.lock();
        if state.n_busy > 0 {
            state.waiting.push(sender);
        }
        receiver
    }
}

/// Something that is on its way.
pub(super) struct Busy(Arc<Pending>);

impl Drop for Busy {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        state.n_busy -= 1;
        let waiting =
            if state.n_busy == 0 { std::mem::take(&mut state.waiting) } else { Vec::new() };
        drop(state);
        // After the lock: this wakes them.
        drop(waiting);
    }
}
