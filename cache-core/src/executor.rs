//! Running futures without their callers: on threads of the cache's own, or on the runtime of the caller.
//!
//! Threads are started when there is something to do and end when there has been nothing for a while. They hold nothing
//! that the end of the process has to wait for.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Condvar, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::runtime;
use crate::span;
use crate::sync::thread::{self, Thread};
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, start_daemon};

/// Where work is done without its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a thread, which it may block.
    Thread,
    /// On the runtime that polls its caller, if there is one.
    Runtime,
}

/// Work that nobody waits for.
pub(crate) type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Does some work elsewhere. Where no thread can be started, it is done here.
pub(crate) fn run(place: Place, job: Job) {
    let job = match place {
        Place::Thread => Some(job),
        Place::Runtime => runtime::spawn(job),
    };
    if let Some(job) = job.and_then(add) {
        block_on(job);
    }
}

/// So many threads at the most. What comes beyond waits for one.
const MAX_THREADS: usize = 256;

/// How long a thread without work waits for some.
const PATIENCE: Duration = Duration::from_secs(10);

struct Pool {
    jobs: VecDeque<Job>,
    n_threads: usize,
    n_idle: usize,
}

// `Condvar` belongs to the standard mutex, which is why this one is not `crate::sync::Mutex`.
static POOL: std::sync::Mutex<Pool> =
    std::sync::Mutex::new(Pool { jobs: VecDeque::new(), n_threads: 0, n_idle: 0 });
static ADDED: Condvar = Condvar::new();

/// Leaves a job to a thread; gives it back if there is none.
fn add(job: Job) -> Option<Job> {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    pool.jobs.push_back(job);
    if pool.n_idle < pool.jobs.len()
        && pool.n_threads < MAX_THREADS
        && start_daemon("cache-load", work)
    {
        pool.n_threads += 1;
    }
    let job = if pool.n_threads == 0 { pool.jobs.pop_back() } else { None };
    drop(pool);
    ADDED.notify_one();
    job
}

fn work() {
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if let Some(job) = pool.jobs.pop_front() {
            drop(pool);
            // Its panic has been reported by the hook, and must not take the thread along.
            drop(catch_unwind(AssertUnwindSafe(|| block_on(job))));
            pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        pool.n_idle += 1;
        let timeout;
        (pool, timeout) =
            ADDED.wait_timeout(pool, PATIENCE).unwrap_or_else(PoisonError::into_inner);
        pool.n_idle -= 1;
        if timeout.timed_out() && pool.jobs.is_empty() {
            pool.n_threads -= 1;
            return;
        }
    }
}

/// Does some work elsewhere, in the span of a caller who waits for its result.
pub(crate) fn start<R: Send + 'static>(
    place: Place,
    work: impl Future<Output = R> + Send + 'static,
) -> Task<R> {
    let shared = Arc::new(Mutex::new(State {
        stage: Stage::Running,
        is_wanted: true,
        caller: None,
        worker: None,
    }));
    let work = Some(Box::pin(span::carry(work)));
    run(place, Box::pin(Work { work, shared: Arc::clone(&shared) }));
    Task { shared: Some(shared) }
}

struct State<R> {
    stage: Stage<R>,
    /// Whether the work is to be done to its end.
    is_wanted: bool,
    caller: Option<Waker>,
    worker: Option<Waker>,
}

enum Stage<R> {
    Running,
    Done(thread::Result<R>),
    /// Whoever was to do it has dropped it.
    Dropped,
}

/// Work that is done elsewhere, for who waits for it. Dropped before that is done, it has the work dropped.
pub(crate) struct Task<R> {
    /// `None` when nobody waits.
    shared: Option<Arc<Mutex<State<R>>>>,
}

impl<R> Future for Task<R> {
    /// What the work comes to, which may be a panic; `None` if it was dropped.
    type Output = Option<thread::Result<R>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = self.shared.clone().expect("not polled after it is ready");
        let mut state = shared.lock();
        let out = match std::mem::replace(&mut state.stage, Stage::Dropped) {
            Stage::Running => {
                state.stage = Stage::Running;
                let previous = state.caller.replace(cx.waker().clone());
                drop(state);
                drop(previous);
                return Poll::Pending;
            }
            Stage::Done(out) => Some(out),
            Stage::Dropped => None,
        };
        drop(state);
        self.shared = None;
        Poll::Ready(out)
    }
}

impl<R> Drop for Task<R> {
    fn drop(&mut self) {
        let Some(shared) = self.shared.take() else { return };
        let mut state = shared.lock();
        state.is_wanted = false;
        let worker = state.worker.take();
        drop(state);
        worker.into_iter().for_each(Waker::wake);
    }
}

/// The other end of a [`Task`].
struct Work<F: Future> {
    /// `None` when it is done.
    work: Option<Pin<Box<F>>>,
    shared: Arc<Mutex<State<F::Output>>>,
}

impl<F: Future> Work<F> {
    fn end(&mut self, stage: Stage<F::Output>) {
        self.work = None;
        let mut state = self.shared.lock();
        state.stage = stage;
        let caller = state.caller.take();
        drop(state);
        caller.into_iter().for_each(Waker::wake);
    }
}

impl<F: Future> Future for Work<F> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut state = this.shared.lock();
        let is_wanted = state.is_wanted;
        let previous = state.worker.replace(cx.waker().clone());
        drop(state);
        drop(previous);
        let Some(work) = this.work.as_mut().filter(|_| is_wanted) else {
            this.end(Stage::Dropped);
            return Poll::Ready(());
        };
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(out)) => this.end(Stage::Done(Ok(out))),
            Err(panic) => this.end(Stage::Done(Err(panic))),
        }
        Poll::Ready(())
    }
}

impl<F: Future> Drop for Work<F> {
    fn drop(&mut self) {
        if self.work.is_some() {
            self.end(Stage::Dropped);
        }
    }
}

/// Polls a future on this thread until it is ready.
///
/// A load that leads is ready when it is polled first; only a follower sleeps, until its leader wakes it.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return out;
    }
    let signal = Arc::new(Signal { thread: thread::current(), is_set: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&signal));
    loop {
        if let Poll::Ready(out) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return out;
        }
        while !signal.is_set.swap(false, Ordering::SeqCst) {
            thread::park();
        }
    }
}

/// Wakes a thread. The flag tells this wake-up from those that are meant for somebody else on the thread.
struct Signal {
    thread: Thread,
    is_set: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.is_set.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}
