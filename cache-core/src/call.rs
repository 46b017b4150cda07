//! A cached call, hit and miss, read top to bottom.
//!
//! [`Site::get`] is the way of a hit: key bytes on the stack, one shard, compare, touch, clone.
//! [`Miss::load_async_with`] is the way of a miss, written once: a thread polls it itself, see [`block_on`].

use std::any::TypeId;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use crate::cache::Inner;
use crate::context::{self, Mode};
use crate::entry::{AnyEntry, Key, KeyRef};
use crate::flight::{Follower, Landing};
use crate::function::Function;
use crate::key::{self, KeyWriter};
use crate::lead::{Leader, Terms, storable, store};
use crate::memory::{Begin, Join, Stored};
use crate::outcome::{Kind, Plan};
use crate::stats::{Count, Stats};
use crate::sync::{Arc, AtomicBool, Ordering, Ref};
use crate::waits::Wait;

/// One instantiation of an annotated function, and how this call is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    function: &'static Function,
    instance: TypeId,
    mode: Mode,
}

impl Site {
    /// The site of a function that is not generic.
    #[inline]
    pub fn of(function: &'static Function) -> Self {
        Self { function, instance: TypeId::of::<()>(), mode: Mode::Normal }
    }

    /// The site of one instantiation.
    ///
    /// `marker` is a closure written in the function: its type differs with every parameter of whatever is around it,
    /// which no name or path in the source does.
    #[inline]
    pub fn generic<T>(function: &'static Function, _marker: &T) -> Self {
        Self { function, instance: typeid::of::<T>(), mode: Mode::Normal }
    }

    /// `enabled = EXPR`.
    #[inline]
    #[must_use]
    pub fn enable_if(mut self, enabled: bool) -> Self {
        if !enabled {
            self.mode = Mode::Uncached;
        }
        self
    }

    /// `refresh_if = EXPR`.
    #[inline]
    #[must_use]
    pub fn refresh_if(mut self, refresh: bool) -> Self {
        if refresh && self.mode == Mode::Normal {
            self.mode = Mode::Refresh;
        }
        self
    }

    /// Answers a call from the cache, or says how to go on.
    #[inline]
    pub fn get<K: Kind>(self, plan: Plan<K>, arguments: impl FnOnce(&mut KeyWriter)) -> Lookup<K> {
        let (cache, forced) = context::of_call(self.function);
        let mode = if forced == Mode::Normal { self.mode } else { forced };
        let state = cache.state(self.function);
        if mode == Mode::Uncached || !state.is_enabled() {
            return Lookup::Miss(Miss { plan, call: None });
        }
        let mut writer = KeyWriter::new();
        arguments(&mut writer);
        let Ok(bytes) = writer.finish() else {
            // A call whose arguments cannot be told from others' must not be answered from the cache.
            state.counters.add(Count::Errors, 1);
            return Lookup::Miss(Miss { plan, call: None });
        };
        let key = KeyRef { state: &state, instance: self.instance, hash: self.hash(bytes), bytes };
        if mode == Mode::Normal
            && let Some(entry) = cache.memory.get(key, &cache.clock)
            && let Some(out) = restore::<K>(&entry)
        {
            return Lookup::Hit(out);
        }
        let join = match mode {
            Mode::Normal if self.function.single_flight => Join::Any,
            Mode::Normal => Join::Alone,
            _ => Join::Anew,
        };
        let key = key.to_owned();
        Lookup::Miss(Miss { plan, call: Some(Call { cache, key, join }) })
    }

    /// What the function has done.
    #[must_use]
    pub fn stats(self) -> Stats {
        context::current_cache().state(self.function).stats()
    }

    /// Drops what the function has stored.
    pub fn clear(self) {
        let cache = context::current_cache();
        cache.memory.clear(Some(&*cache.state(self.function)));
    }

    /// Drops what is stored for one call; true if there was something.
    pub fn invalidate(self, arguments: impl FnOnce(&mut KeyWriter)) -> bool {
        self.with_key(arguments, |cache, key| cache.memory.invalidate(key, &cache.clock)).unwrap_or(false)
    }

    /// What is stored for one call. Neither counts nor makes it more recently used.
    pub fn peek<K: Kind>(self, _: Plan<K>, arguments: impl FnOnce(&mut KeyWriter)) -> Option<K::Output> {
        let entry = self.with_key(arguments, |cache, key| cache.memory.peek(key, &cache.clock))??;
        restore::<K>(&entry)
    }

    /// Stores a result for one call; true if it is stored now.
    ///
    /// Loads of that call that run already are older and will not be stored.
    pub fn put<K: Kind>(self, plan: Plan<K>, arguments: impl FnOnce(&mut KeyWriter), value: K::Output) -> bool {
        self.put_with(plan, arguments, value, |_, _| {})
    }

    /// Stores a result about which the function has something to say.
    pub fn put_with<K: Kind>(
        self,
        plan: Plan<K>,
        arguments: impl FnOnce(&mut KeyWriter),
        value: K::Output,
        terms_of: impl FnOnce(&mut Terms, &K::Output),
    ) -> bool {
        let mut terms = Terms::new();
        terms_of(&mut terms, &value);
        self.with_key(arguments, |cache, key| {
            if !key.state.is_enabled() {
                return false;
            }
            match storable(cache, &key.to_owned(), &plan, &value, terms) {
                Some(entry) => store(cache, &entry, None) == Stored::Yes,
                None => {
                    cache.memory.invalidate(key, &cache.clock);
                    false
                }
            }
        })
        .unwrap_or(false)
    }

    /// Makes the call in `call` reload.
    pub fn refresh<R>(self, call: impl FnOnce() -> R) -> R {
        context::force(self.function, Mode::Refresh, call)
    }

    /// Makes the call in `call` reload.
    pub fn refresh_async<F: Future>(self, call: F) -> impl Future<Output = F::Output> {
        context::force_async(self.function, Mode::Refresh, call)
    }

    /// Makes the call in `call` run its body and touch nothing.
    pub fn uncached<R>(self, call: impl FnOnce() -> R) -> R {
        context::force(self.function, Mode::Uncached, call)
    }

    /// Makes the call in `call` run its body and touch nothing.
    pub fn uncached_async<F: Future>(self, call: F) -> impl Future<Output = F::Output> {
        context::force_async(self.function, Mode::Uncached, call)
    }

    /// Runs `verb` on the key of one call; `None` if the arguments have no key.
    fn with_key<R>(
        self,
        arguments: impl FnOnce(&mut KeyWriter),
        verb: impl FnOnce(&Ref<Inner>, KeyRef<'_>) -> R,
    ) -> Option<R> {
        let cache = context::current_cache();
        let state = cache.state(self.function);
        let mut writer = KeyWriter::new();
        arguments(&mut writer);
        let Ok(bytes) = writer.finish() else {
            state.counters.add(Count::Errors, 1);
            return None;
        };
        Some(verb(&cache, KeyRef { state: &state, instance: self.instance, hash: self.hash(bytes), bytes }))
    }

    #[inline]
    fn hash(self, bytes: &[u8]) -> u64 {
        let mut instance = InstanceHasher(std::ptr::from_ref(self.function).addr() as u64);
        self.instance.hash(&mut instance);
        key::hash(instance.0, bytes)
    }
}

/// Takes the hash out of a `TypeId`, which is one already.
struct InstanceHasher(u64);

impl Hasher for InstanceHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(5) ^ hash;
    }
}

/// What the cache says to a call.
pub enum Lookup<K: Kind> {
    /// Its result.
    Hit(K::Output),
    /// That its body is to run.
    Miss(Miss<K>),
}

/// A call that must load.
#[must_use = "a miss is answered by loading"]
pub struct Miss<K: Kind> {
    plan: Plan<K>,
    /// `None` for a call that the cache has nothing to do with.
    call: Option<Call>,
}

/// A call that takes part in the cache.
struct Call {
    cache: Ref<Inner>,
    key: Key,
    join: Join,
}

impl<K: Kind> Miss<K> {
    /// Runs a sync body, or waits for whoever runs it.
    pub fn load(self, body: impl FnOnce() -> K::Output) -> K::Output {
        self.load_with(|_| body())
    }

    /// Runs a sync body that has something to say about its result.
    pub fn load_with(self, body: impl FnOnce(&mut Terms) -> K::Output) -> K::Output {
        let plan = self.plan;
        match block_on(self.claim()) {
            Claim::Shared(out) => out,
            Claim::Unclaimed => body(&mut Terms::new()),
            Claim::Lead(leader) => {
                let mut terms = Terms::new();
                let out = leader.run(|| body(&mut terms));
                leader.finish(&plan, &out, terms);
                out
            }
        }
    }

    /// Runs an async body, or waits for whoever runs it.
    pub async fn load_async(self, body: impl Future<Output = K::Output>) -> K::Output {
        self.load_async_with(async { (body.await, Terms::new()) }).await
    }

    /// Runs an async body that has something to say about its result.
    pub async fn load_async_with(self, body: impl Future<Output = (K::Output, Terms)>) -> K::Output {
        let plan = self.plan;
        match self.claim().await {
            Claim::Shared(out) => out,
            Claim::Unclaimed => body.await.0,
            Claim::Lead(leader) => {
                let (out, terms) = leader.run_async(body).await;
                leader.finish(&plan, &out, terms);
                out
            }
        }
    }

    /// Waits for another caller's result, or takes the lead.
    async fn claim(self) -> Claim<K> {
        let Self { plan, call } = self;
        let Some(Call { cache, key, mut join }) = call else { return Claim::Unclaimed };
        let state = key.state.clone();
        let parent = context::frame();
        let mut was_counted = false;
        loop {
            let begin = cache.memory.begin(&key, join, was_counted, &cache.clock);
            if !was_counted && !matches!(begin, Begin::Hit(_)) {
                state.counters.add(Count::Misses, 1);
            }
            let out = match begin {
                Begin::Lead(load) => return Claim::Lead(Leader::new(cache, key, load, parent)),
                Begin::Hit(entry) => restore::<K>(&entry),
                Begin::Follow(flight) => {
                    was_counted = true;
                    let follower = Follower::new(Arc::clone(&flight));
                    let wait = parent.as_deref().map(|frame| Wait::for_flight(frame, flight.id));
                    if let Some(None) = wait {
                        // The flight waits for a load that this call is part of.
                        join = Join::Alone;
                        continue;
                    }
                    match follower.await {
                        Some(Landing::Value(entry)) => restore::<K>(&entry),
                        Some(Landing::Outcome(out)) => plan.share.and_then(|share| (share.unpack)(&*out)),
                        None => None,
                    }
                }
            };
            if let Some(out) = out {
                state.counters.add(Count::Coalesced, was_counted.into());
                return Claim::Shared(out);
            }
        }
    }
}

/// How a call that missed goes on.
enum Claim<K: Kind> {
    /// With the result of another caller.
    Shared(K::Output),
    /// By running its body, of which the cache will know nothing.
    Unclaimed,
    /// By running its body, for all who want its result.
    Lead(Leader),
}

/// The result that a stored value stands for.
#[inline]
fn restore<K: Kind>(entry: &AnyEntry) -> Option<K::Output> {
    entry.value.downcast_ref::<K::Stored>().map(K::restore)
}

/// Polls a future on this thread until it is ready.
///
/// A load that leads is ready when it is polled first; only a follower sleeps, until its leader wakes it.
fn block_on<F: Future>(future: F) -> F::Output {
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
