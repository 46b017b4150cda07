//! Background work: one thread for the process, started when there is something to wait for.
//!
//! It holds nothing that the end of the process has to wait for, and where threads cannot be started
//! its work is simply not done: every task here only does earlier what a call would do later.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::machine_time;
use crate::sync::start_daemon;

type Task = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Queue {
    /// By due time, then in the order of arrival.
    tasks: BTreeMap<(Instant, u64), Task>,
    n_queued: u64,
    is_running: bool,
    /// When the thread looks next, unless it is woken before; `None` while it does something.
    looks_at: Option<Instant>,
}

// `Condvar` belongs to the standard mutex, which is why this one is not `crate::sync::Mutex`.
static QUEUE: std::sync::Mutex<Queue> = std::sync::Mutex::new(Queue {
    tasks: BTreeMap::new(),
    n_queued: 0,
    is_running: false,
    looks_at: None,
});
static CHANGED: Condvar = Condvar::new();

/// The longest wait. A task that is due later waits several times.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// What the thread is called.
const NAME: &str = "cache-worker";

/// Whether this is the thread: it must not wait for what it would do itself.
pub(crate) fn is_here() -> bool {
    std::thread::current().name() == Some(NAME)
}

/// Runs `task` once, so much later; false if there is no thread for it, until somebody can start one.
pub(crate) fn after(delay: Duration, task: impl FnOnce() + Send + 'static) -> bool {
    enqueue(delay, Box::new(task)).1
}

/// Where a task stands in the queue, and whether there is a thread for it.
fn enqueue(delay: Duration, task: Task) -> ((Instant, u64), bool) {
    let due = machine_time() + delay.min(LONGEST);
    let mut queue = queue();
    queue.n_queued += 1;
    let key = (due, queue.n_queued);
    queue.tasks.insert(key, task);
    if !queue.is_running {
        queue.is_running = start_daemon(NAME, work);
    }
    let is_running = queue.is_running;
    // Most tasks are due after something that the thread waits for already.
    let is_late = queue.looks_at.is_some_and(|at| due < at);
    if is_late {
        queue.looks_at = None;
    }
    drop(queue);
    if is_late {
        CHANGED.notify_one();
    }
    (key, is_running)
}

/// A task that is not to be run once this is dropped.
pub(crate) struct Alarm((Instant, u64));

impl Drop for Alarm {
    fn drop(&mut self) {
        let task = queue().tasks.remove(&self.0);
        drop(task);
    }
}

/// Runs `task` once, so much later, unless the alarm is dropped before; false if there is no thread for it, until somebody
/// can start one.
pub(crate) fn alarm(delay: Duration, task: impl FnOnce() + Send + 'static) -> (Alarm, bool) {
    let (key, has_thread) = enqueue(delay, Box::new(task));
    (Alarm(key), has_thread)
}

/// How many tasks wait.
#[cfg(test)]
pub(crate) fn n_waiting() -> usize {
    queue().tasks.len()
}

fn queue() -> MutexGuard<'static, Queue> {
    QUEUE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn work() {
    let mut queue = queue();
    loop {
        let now = machine_time();
        let wait = queue
            .tasks
            .first_key_value()
            .map_or(LONGEST, |((due, _), _)| due.saturating_duration_since(now));
        if !wait.is_zero() {
            queue.looks_at = Some(now + wait);
            (queue, _) = CHANGED.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner);
            queue.looks_at = None;
            continue;
        }
        let task = queue.tasks.pop_first();
        drop(queue);
        if let Some((_, task)) = task {
            // A panic has been reported by its hook, and must not take the other tasks along.
            drop(catch_unwind(AssertUnwindSafe(task)));
        }
        queue = self::queue();
    }
}
