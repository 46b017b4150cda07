//! Nothing hangs for ever.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long something that must not hang may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs `work` on a thread of its own and fails if it hangs.
#[track_caller]
pub(crate) fn watched<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = mpsc::channel();
    let worker = thread::spawn(move || sender.send(work()));
    match receiver.recv_timeout(PATIENCE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("still not done after {PATIENCE:?}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match worker.join() {
            Err(payload) => std::panic::resume_unwind(payload),
            Ok(_) => unreachable!("the sender lives as long as the thread"),
        },
    }
}

/// Waits, without taking time as a measure of anything, until something has happened on another thread.
#[track_caller]
pub(crate) fn eventually(what: &str, happened: impl FnMut() -> bool) {
    assert!(happens_within(PATIENCE, happened), "this never happened: {what}");
}

/// Waits until something has happened on another thread, or is taken not to happen any more.
#[expect(clippy::disallowed_methods, reason = "the patience of a watchdog")]
pub(crate) fn happens_within(patience: Duration, mut happened: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !happened() {
        if start.elapsed() >= patience {
            return false;
        }
        thread::yield_now();
    }
    true
}
