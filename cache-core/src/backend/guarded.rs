//! Any backend, made such that a call neither fails nor waits because of it.

mod breaker;
mod queue;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::slice;
use std::time::Duration;

use breaker::Breaker;
use queue::{Change, Done, Queue, Work};

pub use breaker::Circuit;

use crate::backend::log::encode;
use crate::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, News, Scope, Time, Told, Value, add,
};
use crate::clock::Moment;
use crate::error::Error;
use crate::sync::{Arc, AtomicU64, Mutex, MutexGuard, Ordering};
use crate::task::{caught, channel, spawn, within};

const SOFT_TIMEOUT: Duration = Duration::from_millis(100);
const HARD_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_QUEUED: usize = 1_024;
const MAX_QUEUED_BYTES: usize = 64 << 20;

/// After a failed change the next one waits so long.
const RETRY: Duration = Duration::from_millis(100);

/// A backend whose trouble is a miss.
///
/// - *Nothing fails*: errors and panics of the backend are counted, and lookups that meet one are misses.
/// - *Nothing waits for long*: a lookup is given up after the soft timeout, and goes on in the background until the
///   hard one, which drops it and counts as a failure.
/// - *A dead tier is left in peace*: after five failures in a row nothing is asked for a second, then one operation
///   tries; each time that this fails the pause doubles, up to a minute.
/// - *Changes are made in the background*, some at a time, and of each key only the last one. While they wait,
///   lookups see them as made. What could not be made is made when the backend is back, before anything older is
///   found there; what there is no room for removes more than it would have, never less.
///
/// Clones are handles of the same.
#[derive(Clone)]
pub struct Guarded {
    shared: Arc<Shared>,
}

struct Shared {
    backend: Arc<dyn CacheBackend>,
    soft_timeout: Duration,
    hard_timeout: Duration,
    time: Time,
    /// Whose changes are told, and who tells them.
    namespace: String,
    origin: u64,
    state: Mutex<State>,
    n_failures: AtomicU64,
    n_timeouts: AtomicU64,
    n_slow: AtomicU64,
    n_skipped: AtomicU64,
}

struct State {
    breaker: Breaker,
    queue: Queue,
    /// Until then no change is begun.
    not_before: Moment,
    /// When the changes will be looked at again, if nothing happens before.
    alarm: Option<Moment>,
}

/// How a guarded backend is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether it is asked.
    pub circuit: Circuit,
    /// Operations that failed, hard timeouts among them.
    pub failures: u64,
    /// Operations that were dropped after the hard timeout.
    pub timeouts: u64,
    /// What nobody waited for any more after the soft timeout, mostly lookups.
    pub slow: u64,
    /// Lookups that were misses because the backend was left in peace.
    pub skipped: u64,
    /// Changes that have yet to be made.
    pub queued: usize,
    /// What the values among them take.
    pub queued_bytes: usize,
    /// Changes that removed more than was asked for, because there was no room for them or they failed.
    pub coarsened: u64,
}

impl Guarded {
    /// Guards a backend.
    #[must_use]
    pub fn new(backend: Arc<dyn CacheBackend>) -> Self {
        let state = State {
            breaker: Breaker::default(),
            queue: Queue::new(MAX_QUEUED, MAX_QUEUED_BYTES),
            not_before: Moment(0),
            alarm: None,
        };
        let shared = Shared {
            backend,
            soft_timeout: SOFT_TIMEOUT,
            hard_timeout: HARD_TIMEOUT,
            time: Time::system(),
            namespace: String::new(),
            origin: RandomState::new().hash_one(0),
            state: Mutex::new(state),
            n_failures: AtomicU64::new(0),
            n_timeouts: AtomicU64::new(0),
            n_slow: AtomicU64::new(0),
            n_skipped: AtomicU64::new(0),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Sets how long a caller waits; 100 ms unless told otherwise.
    #[must_use]
    pub fn soft_timeout(self, timeout: Duration) -> Self {
        self.with(|shared| shared.soft_timeout = timeout)
    }

    /// Sets how long an operation may take; 2 s unless told otherwise.
    #[must_use]
    pub fn hard_timeout(self, timeout: Duration) -> Self {
        self.with(|shared| shared.hard_timeout = timeout)
    }

    /// Sets how many changes may wait, and how many bytes their values may take; 1,024 and 64 MiB unless told
    /// otherwise.
    #[must_use]
    pub fn max_queued(self, changes: usize, bytes: usize) -> Self {
        self.with(|shared| {
            let queue = &mut shared.state.lock().queue;
            (queue.max_len, queue.max_bytes) = (changes, bytes);
        })
    }

    /// Takes the time from somewhere else.
    #[must_use]
    pub fn time(self, time: Time) -> Self {
        self.with(|shared| shared.time = time)
    }

    /// Sets whose changes are told.
    pub(crate) fn namespace(self, namespace: &str) -> Self {
        self.with(|shared| shared.namespace = namespace.to_owned())
    }

    /// How the backend is doing.
    #[must_use]
    pub fn health(&self) -> Health {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let state = self.shared.state.lock();
        Health {
            circuit: state.breaker.circuit(),
            failures: count(&self.shared.n_failures),
            timeouts: count(&self.shared.n_timeouts),
            slow: count(&self.shared.n_slow),
            skipped: count(&self.shared.n_skipped),
            queued: state.queue.len(),
            queued_bytes: state.queue.bytes(),
            coarsened: state.queue.n_coarsened(),
        }
    }

    /// Waits until all changes have been made, for example before the program ends, and says whether they have.
    pub async fn flush(&self, patience: Duration) -> bool {
        let (done, is_idle) = channel();
        let is_now = self.shared.state.lock().queue.wait_until_idle(done);
        drop(is_now);
        within(&self.shared.time, patience, is_idle).await.is_some()
    }

    /// Notes a value that is to be stored.
    pub(crate) fn note(&self, key: &BackendKey, value: Value) {
        self.shared.state.lock().queue.change(key, Change::Set(value), None);
        self.shared.work();
    }

    fn with(mut self, set: impl FnOnce(&mut Shared)) -> Self {
        set(Arc::get_mut(&mut self.shared).expect("settings come before the first clone"));
        self
    }

    /// Stores a value now, if there is none, and says whether it has; `None` if the backend does not work. It is tried
    /// once: what others remove does not come back.
    pub(crate) async fn store_once(&self, key: &BackendKey, value: Value) -> Option<bool> {
        let Shared { backend, time, soft_timeout, .. } = &*self.shared;
        let is_admitted = {
            let mut state = self.shared.state.lock();
            state.queue.upcoming(key).is_none() && state.breaker.admit(time.now())
        };
        let store = async {
            let trial = Trial::new(&self.shared);
            trial.run(backend.set_if_absent(key, value)).await
        };
        if !is_admitted {
            return None;
        }
        let stored = within(time, *soft_timeout, store).await;
        if stored.is_none() {
            add(&self.shared.n_slow);
        }
        stored.flatten()
    }

    /// Notes a removal; the future says whether it is done.
    pub(crate) fn removal(&self, key: &BackendKey) -> BoxFuture<'_, bool> {
        self.change(|queue, done| queue.change(key, Change::Delete, done))
    }

    /// Notes that a scope is cleared; the future says whether it is.
    pub(crate) fn clearing(&self, scope: Scope) -> BoxFuture<'_, bool> {
        self.change(|queue, done| queue.clear(scope, done))
    }

    /// Whether processes that share the backend can tell each other what has changed.
    pub(crate) fn has_log(&self) -> bool {
        self.shared.backend.log().is_some()
    }

    /// Who tells what is told here.
    pub(crate) fn origin(&self) -> u64 {
        self.shared.origin
    }

    /// Notes what others are to be told when everything is gone that was removed before; the future says whether it is.
    pub(crate) fn telling(&self, told: Vec<Told>) -> BoxFuture<'_, bool> {
        self.change(|queue, done| queue.tell(told, done))
    }

    /// What others have told, if that can be learned.
    pub(crate) async fn news(&self, after: Option<&str>, patience: Duration) -> Option<News> {
        let log = self.shared.backend.log()?;
        let reading = caught(log.read(&self.shared.namespace, after, patience));
        let patience = patience.saturating_add(self.shared.hard_timeout);
        within(&self.shared.time, patience, reading).await?.ok()?.ok()
    }

    /// Asks the backend, which is misses if it fails or takes too long.
    async fn look_up(&self, keys: Vec<BackendKey>) -> Vec<Option<Value>> {
        let trial = Trial::new(&self.shared);
        let backend = Arc::clone(&self.shared.backend);
        let mut lookup = Box::pin(async move { caught(backend.get_all(&keys)).await });
        let Shared { time, soft_timeout, hard_timeout, .. } = &*self.shared;
        match within(time, *soft_timeout.min(hard_timeout), lookup.as_mut()).await {
            None if soft_timeout < hard_timeout => {
                add(&self.shared.n_slow);
                let left = hard_timeout.saturating_sub(*soft_timeout);
                let time = time.clone();
                spawn(async move { drop(trial.end(within(&time, left, lookup).await)) });
                Vec::new()
            }
            ended => trial.end(ended).unwrap_or_default(),
        }
    }

    /// Notes a change. The future waits for it, but not for a backend that does not work, and never for long.
    fn change(&self, queue: impl FnOnce(&mut Queue, Option<Done>)) -> BoxFuture<'_, bool> {
        let (done, is_done) = channel();
        let is_working = {
            let mut state = self.shared.state.lock();
            queue(&mut state.queue, Some(done));
            state.breaker.circuit() == Circuit::Closed
        };
        self.shared.work();
        Box::pin(async move {
            let Shared { time, soft_timeout, .. } = &*self.shared;
            is_working && within(time, *soft_timeout, is_done).await.is_some()
        })
    }
}

impl CacheBackend for Guarded {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        Box::pin(async move { Ok(self.get_all(slice::from_ref(key)).await?.pop().flatten()) })
    }

    /// What is known here is not asked for.
    fn get_all<'a>(
        &'a self,
        keys: &'a [BackendKey],
    ) -> BoxFuture<'a, Result<Vec<Option<Value>>, Error>> {
        Box::pin(async move {
            let time = &self.shared.time;
            let now = time.now();
            let (upcoming, is_admitted) = {
                let mut state = self.shared.state.lock();
                let upcoming: Vec<_> = keys.iter().map(|key| state.queue.upcoming(key)).collect();
                let is_admitted = upcoming.iter().any(Option::is_none) && state.breaker.admit(now);
                (upcoming, is_admitted)
            };
            let unknown = keys.iter().zip(&upcoming).filter(|(_, upcoming)| upcoming.is_none());
            let unknown: Vec<_> = unknown.map(|(key, _)| key.clone()).collect();
            let found = if is_admitted {
                self.look_up(unknown).await
            } else {
                self.shared.n_skipped.fetch_add(unknown.len() as u64, Ordering::Relaxed);
                Vec::new()
            };
            let mut found = found.into_iter();
            let known = upcoming.into_iter().map(|upcoming| match upcoming {
                Some(Change::Set(value)) => Some(value).filter(|value| value.is_fresh(time)),
                Some(Change::Delete) => None,
                None => found.next().flatten(),
            });
            Ok(known.collect())
        })
    }

    /// Notes the value at once, also when nobody polls the future.
    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        self.note(key, value);
        Box::pin(std::future::ready(Ok(())))
    }

    /// Notes the removal at once; the future waits for it while the backend works, up to the soft timeout.
    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        let removal = self.removal(key);
        Box::pin(async move {
            removal.await;
            Ok(())
        })
    }

    /// Notes it at once; the future waits for it while the backend works, up to the soft timeout.
    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        let clearing = self.clearing(scope.clone());
        Box::pin(async move {
            clearing.await;
            Ok(())
        })
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        Box::pin(async move {
            let stats = caught(self.shared.backend.stats());
            match within(&self.shared.time, self.shared.soft_timeout, stats).await {
                Some(Ok(stats)) => stats,
                Some(Err(panic)) => Err(Error::tier("cannot tell the statistics of a tier", panic)),
                None => {
                    let patience = format!("no answer within {:?}", self.shared.soft_timeout);
                    Err(Error::tier("cannot tell the statistics of a tier", patience))
                }
            }
        })
    }
}

impl Shared {
    /// Begins as many changes as may run now.
    fn work(self: &Arc<Self>) {
        loop {
            let now = self.time.now();
            let mut state = self.state.lock();
            if !state.queue.is_ready() {
                return;
            }
            if now < state.not_before {
                let due = state.not_before;
                return self.work_at(now, due, state);
            }
            if !state.breaker.admit(now) {
                if let Some(due) = state.breaker.admits_at() {
                    self.work_at(now, due, state);
                }
                return;
            }
            let work = state.queue.begin();
            drop(state);
            let Some(work) = work else { return };
            let trial = Trial::new(self);
            spawn(trial.make(work));
        }
    }

    /// Comes back at `due`, if nothing else does.
    fn work_at(self: &Arc<Self>, now: Moment, due: Moment, mut state: MutexGuard<'_, State>) {
        if state.alarm.is_some_and(|alarm| alarm <= due && alarm > now) {
            return;
        }
        state.alarm = Some(due);
        drop(state);
        let shared = Arc::downgrade(self);
        self.time.after(due.since(now), move || {
            if let Some(shared) = shared.upgrade() {
                shared.work();
            }
        });
    }
}

/// One operation that was admitted, whose end the breaker has to know.
struct Trial {
    shared: Arc<Shared>,
    is_open: bool,
}

impl Trial {
    fn new(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), is_open: true }
    }

    /// What an operation of the backend gives, unless it fails or takes too long.
    async fn run<T>(self, operation: impl Future<Output = Result<T, Error>>) -> Option<T> {
        let Shared { time, hard_timeout, .. } = &*Arc::clone(&self.shared);
        self.end(within(time, *hard_timeout, caught(operation)).await)
    }

    /// What an operation gave; `None` is one that took too long, and a panic has said its message.
    fn end<T>(mut self, result: Option<Result<Result<T, Error>, String>>) -> Option<T> {
        let shared = Arc::clone(&self.shared);
        self.is_open = false;
        let now = shared.time.now();
        let found = match result {
            Some(Ok(Ok(found))) => {
                shared.state.lock().breaker.succeeded();
                Some(found)
            }
            failed => {
                add(&shared.n_failures);
                if failed.is_none() {
                    add(&shared.n_timeouts);
                }
                shared.state.lock().breaker.failed(now);
                None
            }
        };
        // Changes may have waited for how this ends.
        shared.work();
        found
    }

    /// Makes a change.
    async fn make(self, work: Work) {
        let shared = Arc::clone(&self.shared);
        let backend = &shared.backend;
        let made = match &work {
            Work::Clear(scope) => self.run(backend.clear(scope)).await,
            Work::Tell(told) => {
                let message = encode(shared.origin, told);
                match backend.log() {
                    Some(log) => self.run(log.append(&shared.namespace, message)).await,
                    // Nobody reads it.
                    None => self.run(std::future::ready(Ok(()))).await,
                }
            }
            Work::Change { key, change: Change::Delete, .. } => self.run(backend.delete(key)).await,
            Work::Change { key, change: Change::Set(value), .. } => {
                self.run(backend.set(key, value.clone())).await
            }
        };
        let now = shared.time.now();
        let mut state = shared.state.lock();
        if made.is_none() {
            state.not_before = now.after(RETRY);
        }
        let done = state.queue.end(work, made.is_some());
        drop(state);
        drop(done);
        shared.work();
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if self.is_open {
            self.shared.state.lock().breaker.given_up();
            self.shared.work();
        }
    }
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("health", &self.health()).finish_non_exhaustive()
    }
}
