//! Threads for work that blocks.

use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, MutexGuard, OnceLock, PoisonError};
use std::thread;

use crate::sync::Arc;
use crate::task;

type Job = Box<dyn FnOnce() + Send>;

/// So many files are read and written at a time.
const N_THREADS: usize = 4;

/// Some threads that start with the first job, and end after the last one when this is dropped.
#[derive(Debug, Default)]
pub(super) struct Threads(OnceLock<Arc<Pool>>);

impl Threads {
    /// Runs a job that nobody waits for.
    pub(super) fn start(&self, job: Job) {
        let pool = self.0.get_or_init(Pool::start);
        let mut queue = pool.lock();
        // Without a thread the job is dropped.
        if queue.n_threads > 0 {
            queue.jobs.push_back(job);
            drop(queue);
            pool.changed.notify_one();
        }
    }

    /// Runs a job and gives its result, or nothing if no thread could be started.
    pub(super) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Option<T>> + Send {
        let (sender, receiver) = task::channel();
        self.start(Box::new(move || sender.send(job())));
        receiver
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(pool) = self.0.get() {
            pool.lock().is_closed = true;
            pool.changed.notify_all();
        }
    }
}

/// What the threads share. One that has a job wakes no other, as it would if they took turns to receive from a channel.
#[derive(Default)]
struct Pool {
    // `Condvar` belongs to the standard mutex, which is why this one is not `crate::sync::Mutex`.
    queue: std::sync::Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    n_threads: usize,
    is_closed: bool,
}

impl Pool {
    fn start() -> Arc<Self> {
        let pool = Arc::<Self>::default();
        for n in 0..N_THREADS {
            let shared = Arc::clone(&pool);
            let builder = thread::Builder::new().name(format!("cache-disk-{n}"));
            // As many as there can be are enough.
            pool.lock().n_threads += usize::from(builder.spawn(move || shared.work()).is_ok());
        }
        pool
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self) {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                drop(queue);
                // Its panic has been reported by the hook, and must not take the thread along.
                drop(catch_unwind(AssertUnwindSafe(job)));
                queue = self.lock();
            } else if queue.is_closed {
                return;
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}
