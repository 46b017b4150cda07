//! A cached call, hit and miss, read top to bottom.
//!
//! [`Call::get`] is the way of a hit: key bytes on the stack, one shard, compare, touch, clone.
//! [`Miss::claim`] is the way of a miss, written once: a thread polls it itself, see [`block_on`].

use std::any::TypeId;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;

use crate::block_on::block_on;
use crate::cache::{self, Inner};
use crate::clock::Clock;
use crate::context::{self, ForcedScope, Mode};
use crate::entry::{Entry, Key, KeyRef};
use crate::epoch;
use crate::event::Family;
use crate::events::Stamps;
use crate::flight::{Arrival, Landing, Orphan};
use crate::function::{Function, FunctionState};
use crate::key::{KeyPart, KeyWriter};
use crate::lead::{Awaited, Leader, Own, OwnedBody, Running, Terms, keep, put, storable};
use crate::loads::Company;
use crate::memory::{Begin, Join, Load, Stored};
use crate::outcome::Plan;
use crate::sources::{Sources, Standing};
use crate::stats::{AnyTime, Stats};
use crate::sync::{Arc, Ref};
use crate::waits::Wait;

/// One instantiation of an annotated function, and how this call is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    function: &'static Function,
    instance: Option<TypeId>,
    mode: Mode,
}

impl Site {
    /// The site of a function that is not generic.
    #[inline]
    pub fn of(function: &'static Function) -> Self {
        Self { function, instance: None, mode: Mode::Normal }
    }

    /// The site of one instantiation.
    ///
    /// `marker` is a closure written in the function: its type differs with every parameter of whatever is around it,
    /// which no name or path in the source does.
    #[inline]
    pub fn generic<T>(function: &'static Function, _marker: &T) -> Self {
        Self { function, instance: Some(typeid::of::<T>()), mode: Mode::Normal }
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

    /// Begins a call, whose arguments are to follow.
    #[inline(always)]
    pub fn call(self) -> Call {
        let state = self.function.global.get();
        let mut keys = state.map_or_else(|| self.function.keys(), |state| state.keys);
        if let Some(instance) = self.instance {
            let mut hasher = InstanceHasher(0);
            instance.hash(&mut hasher);
            keys = keys.with(hasher.0);
        }
        Call { site: self, state, key: KeyWriter::new(keys) }
    }

    /// What the function has done.
    #[must_use]
    pub fn stats(self) -> Stats {
        context::current_cache().state(self.function).stats()
    }

    /// Drops what the function has stored.
    pub fn clear(self) {
        let cache = context::current_cache();
        cache.clear_function(&cache.state(self.function));
    }

    /// Makes the next call on this thread reload, until the scope is dropped.
    pub fn refresh(self) -> ForcedScope {
        ForcedScope::enter(self.function, Mode::Refresh)
    }

    /// Makes `call` reload.
    pub fn refresh_async<F: Future>(self, call: F) -> impl Future<Output = F::Output> {
        context::force_async(self.function, Mode::Refresh, call)
    }

    /// Makes the next call on this thread run its body and touch nothing, until the scope is dropped.
    pub fn uncached(self) -> ForcedScope {
        ForcedScope::enter(self.function, Mode::Uncached)
    }

    /// Makes `call` run its body and touch nothing.
    pub fn uncached_async<F: Future>(self, call: F) -> impl Future<Output = F::Output> {
        context::force_async(self.function, Mode::Uncached, call)
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

/// A call with its arguments, of which only the bytes of the key are kept, on the stack.
#[must_use = "a call is answered, or addressed"]
pub struct Call {
    site: Site,
    /// What the global cache knows of the function, if that was asked for it before.
    state: Option<&'static FunctionState>,
    key: KeyWriter,
}

impl Call {
    /// Adds an argument to the key.
    #[inline]
    pub fn arg<T: KeyPart + ?Sized>(&mut self, value: &T) {
        self.key.arg(value);
    }

    /// Answers the call from the cache, or says how to go on.
    #[inline]
    pub fn get<R: 'static>(&mut self, plan: Plan<R>) -> Lookup<R> {
        match self.hit(plan) {
            Some(out) => Lookup::Hit(out),
            None => self.look_closely(plan),
        }
    }

    /// The way of nearly every hit: nothing is special about the call, and the global cache has its result.
    #[inline(always)]
    fn hit<R>(&self, plan: Plan<R>) -> Option<R> {
        let state = self.state?;
        if self.site.mode != Mode::Normal || !context::is_plain() {
            return None;
        }
        let (bytes, hash) = self.key.finish().ok()?;
        let cache = cache::global();
        let found = cache.memory.find(epoch::pin()?, state, hash, bytes)?;
        if found.entry().is_special() && !self.is_served(cache, state, found.entry()) {
            return None;
        }
        cache.memory.note_hit(&found, state, &cache.clock);
        plan.restore(found.entry())
    }

    /// Whether an entry that is of one instantiation, mortal or of a limited function is for this call.
    #[inline(never)]
    fn is_served(&self, cache: &Inner, state: &FunctionState, entry: Entry<'_>) -> bool {
        if !entry.is_of(self.site.instance)
            || !entry.is_current()
            || !is_heard(|endpoint| hears(entry, endpoint))
            || entry.is_mortal() && !is_alive(entry, &cache.clock)
        {
            return false;
        }
        if state.is_limited() {
            // It has an order of its own, which may be an exact one.
            cache.memory.note_order(entry, state);
        }
        true
    }

    /// Looks again, for what may be special about the call.
    #[inline(never)]
    fn look_closely<R>(&mut self, plan: Plan<R>) -> Lookup<R> {
        let unclaimed = Miss { plan, ticket: None };
        let Some(Way { cache, state, mode }) = self.way() else { return Lookup::Miss(unclaimed) };
        let Some(key) = self.key(&state) else { return Lookup::Miss(unclaimed) };
        let around = around(&cache, key);
        if let Some(out) = look(&cache, key, mode, plan, around.as_deref()) {
            return Lookup::Hit(out);
        }
        let (join, key) = (mode.join(state.function), key.to_owned(state.clone()));
        Lookup::Miss(Miss { plan, ticket: Some(Ticket { cache, key, join, around, begun: None }) })
    }

    /// Answers the call from the cache, or by running a sync body.
    #[inline]
    pub fn answer<R: 'static>(&mut self, plan: Plan<R>, body: impl FnOnce() -> R) -> R {
        match self.hit(plan) {
            Some(out) => out,
            None => self.answer_closely(plan, body),
        }
    }

    // Apart, so that what surrounds a hit stays small.
    #[inline(never)]
    fn answer_closely<R: 'static>(&mut self, plan: Plan<R>, body: impl FnOnce() -> R) -> R {
        let Some(Way { cache, state, mode }) = self.way() else { return body() };
        let Some(key) = self.key(&state) else { return body() };
        let around = around(&cache, key);
        if let Some(out) = look(&cache, key, mode, plan, around.as_deref()) {
            return out;
        }
        let join = mode.join(state.function);
        let company = Company::Welcome.with(around.as_deref());
        match cache.memory.begin(key, join, company, false, &cache.clock) {
            // A load needs no more than what is on the stack.
            Begin::Lead(load) => {
                let mut leader = Leader::new(cache, key, load, around.as_ref());
                leader.ask_here();
                leader.run(plan, |_| context::recalled().unwrap_or_else(body))
            }
            begun => {
                let key = key.to_owned(state.clone());
                let ticket = Ticket { cache, key, join, around, begun: Some(begun) };
                Miss { plan, ticket: Some(ticket) }.load(body)
            }
        }
    }

    /// Which cache the call goes to, and how; `None` if the cache has nothing to do with it.
    fn way(&self) -> Option<Way> {
        let Site { function, instance, mode } = self.site;
        let (cache, forced) = context::of_call(function);
        let mode = if forced == Mode::Normal { mode } else { forced };
        let state = cache.state(function);
        if mode != Mode::Uncached && state.is_enabled() {
            return Some(Way { cache, state, mode });
        }
        // A load around depends on the call all the same.
        if let Ok((bytes, hash)) = self.key.finish() {
            around(&cache, KeyRef { state: &state, instance, hash, bytes });
        }
        None
    }

    /// Drops what is stored for the call; true if there was something.
    #[must_use]
    pub fn invalidate(&mut self) -> bool {
        self.addressed(|cache, key| cache.invalidate(key)).unwrap_or(false)
    }

    /// What is stored for the call. Neither counts nor makes it more recently used.
    #[must_use]
    pub fn peek<R>(&mut self, plan: Plan<R>) -> Option<R> {
        let entry = self.addressed(|cache, key| cache.memory.peek(key, &cache.clock))??;
        plan.restore(entry.get())
    }

    /// Stores a result for the call; true if it is stored now.
    ///
    /// Loads of the call that run already are older and will not be stored.
    #[must_use]
    pub fn put<R>(&mut self, plan: Plan<R>, value: &R, terms: Terms) -> bool {
        let store = |cache: &Ref<Inner>, key: KeyRef<'_>| {
            let errand = cache.outer.as_ref().and_then(|outer| {
                outer.remove(key);
                outer.ask(key, true).map(block_on)
            });
            let sources = terms.sources();
            let entry = if key.state.is_enabled() {
                storable(cache, key, plan, value, terms, sources.as_deref())
            } else {
                // What is there must not come back when caching is switched on again.
                None
            };
            let Some(entry) = entry else {
                cache.invalidate(key);
                return false;
            };
            let is_stored = put(cache, entry.clone(), key) == Stored::Yes;
            cache.note_change(key);
            if let Some(errand) = errand.filter(|_| is_stored) {
                keep(cache, key, errand, entry);
            }
            is_stored
        };
        self.addressed(store).unwrap_or(false)
    }

    /// Runs `verb` on the key of the call; `None` if it has none.
    fn addressed<R>(&self, verb: impl FnOnce(&Ref<Inner>, KeyRef<'_>) -> R) -> Option<R> {
        let cache = context::current_cache();
        let state = cache.state(self.site.function);
        Some(verb(&cache, self.key(&state)?))
    }

    /// The key of the call. A call whose arguments cannot be told from others' has none,
    /// and must not be answered from the cache.
    #[inline]
    fn key<'a>(&'a self, state: &'a FunctionState) -> Option<KeyRef<'a>> {
        let Ok((bytes, hash)) = self.key.finish() else {
            state.counters.add(AnyTime::Errors, 1);
            return None;
        };
        let Site { instance, .. } = self.site;
        Some(KeyRef { state, instance, hash, bytes })
    }
}

/// Whether the lifetime of an entry has not ended. Reading the clock costs more than all else in a hit.
fn is_alive(entry: Entry<'_>, clock: &Clock) -> bool {
    !entry.is_idling() && clock.is_surely_before(entry.deadline()) || entry.outlives(clock.now())
}

/// Where a call goes, and how.
struct Way {
    cache: Ref<Inner>,
    state: Ref<FunctionState>,
    mode: Mode,
}

impl Company {
    /// With a load around that will ask what this one is computed from.
    fn with(self, around: Option<&Sources>) -> Self {
        if around.is_some() { Self::Expected } else { self }
    }
}

impl Mode {
    /// How a call takes part in loading.
    fn join(self, function: &Function) -> Join {
        match self {
            Self::Normal if function.single_flight => Join::Any,
            Self::Normal => Join::Alone,
            _ => Join::Anew,
        }
    }
}

/// The result that a call finds, where something is special. Where nothing is, it has looked for it before.
fn look<R>(
    cache: &Inner,
    key: KeyRef<'_>,
    mode: Mode,
    plan: Plan<R>,
    around: Option<&Sources>,
) -> Option<R> {
    if mode != Mode::Normal || context::is_plain() {
        return None;
    }
    let found = cache.memory.get(epoch::pin()?, key, &cache.clock)?;
    if !is_for(found.entry(), around) {
        return None;
    }
    cache.memory.note_each_hit(&found, key.state, &cache.clock);
    plan.restore(found.entry())
}

/// What the load around a call is computed from, if it depends on the call, which is noted before it is answered.
fn around(cache: &Inner, key: KeyRef<'_>) -> Option<Arc<Sources>> {
    let around = context::sources_around(cache)?;
    around.add(Some(cache.events.stamp_topic(key.topic())));
    Some(around)
}

/// Whether an entry may answer a call, which the load around it depends on from then on.
fn is_for(entry: Entry<'_>, around: Option<&Sources>) -> bool {
    is_heard(|endpoint| hears(entry, endpoint))
        && around.is_none_or(|around| around.add_entry(entry.stamps(), entry.deadline()))
}

/// Whether a result may answer a call, on account of the request that the call is part of.
///
/// A result that goes with the writes to one endpoint would not go with those to another, so it is not shown there.
fn is_heard(hears: impl FnOnce(Family) -> bool) -> bool {
    context::endpoint().is_none_or(hears)
}

fn hears(entry: Entry<'_>, endpoint: Family) -> bool {
    entry.stamps().is_none_or(|stamps| stamps.hear(endpoint))
}

/// What the cache says to a call.
pub enum Lookup<R: 'static> {
    /// Its result.
    Hit(R),
    /// That its body is to run.
    Miss(Miss<R>),
}

/// A call that must load.
#[must_use = "a miss is answered by loading"]
pub struct Miss<R: 'static> {
    plan: Plan<R>,
    /// `None` for a call that the cache has nothing to do with.
    ticket: Option<Ticket>,
}

/// What a call needs to take part in the cache.
struct Ticket {
    cache: Ref<Inner>,
    key: Key,
    join: Join,
    /// What the load around the call is computed from, if it depends on the call.
    around: Option<Arc<Sources>>,
    /// How the cache has answered the first time, if it was asked.
    begun: Option<Begin>,
}

impl<R: 'static> Miss<R> {
    /// Runs a sync body, or waits for whoever runs it.
    pub fn load(self, body: impl FnOnce() -> R) -> R {
        self.load_with(|_| context::recalled().unwrap_or_else(body))
    }

    /// Runs a sync body that has something to say about its result.
    pub fn load_with(self, body: impl FnOnce(&mut Terms) -> R) -> R {
        let plan = self.plan;
        match block_on(self.claim(Company::Welcome)) {
            Claim::Shared(out) => out,
            // Only async loads are left to others.
            Claim::Unclaimed | Claim::Adopt(..) => body(&mut Terms::new()),
            Claim::Lead(Lead { cache, key, load, around }) => {
                let mut leader = Leader::new(cache, key, load, around.as_ref());
                leader.ask_here();
                leader.run(plan, body)
            }
        }
    }

    /// Runs an async body that may do without its caller, or waits for whoever runs it.
    ///
    /// `own` makes it one that does. It then outlives a caller that goes away while others wait,
    /// so that callers with little patience do not begin it anew for ever.
    // Not an async function: that would keep the body as a part of itself, see `load_async_with`.
    pub fn load_owned<F: Future<Output = (R, Terms)>>(
        self,
        body: F,
        own: Option<Own<F, R>>,
    ) -> impl Future<Output = R> {
        let body = match own {
            Some(own) => Ok(own(body)),
            None => Err(Box::pin(body)),
        };
        async move {
            match body {
                Ok(body) => self.load_left(body).await,
                Err(body) => self.load_kept(body).await,
            }
        }
    }

    /// Runs an async body, or waits for whoever runs it.
    pub fn load_async(self, body: impl Future<Output = R>) -> impl Future<Output = R> {
        self.load_async_with(async {
            if let Some(out) = context::recalled() {
                return (out, Terms::new());
            }
            (body.await, Terms::new())
        })
    }

    /// Runs an async body that has something to say about its result.
    ///
    /// It goes to the heap before anything is awaited. In place it would be there several times, as the argument of
    /// one future after the other, so that cached functions that call each other would grow sixfold with every step.
    pub fn load_async_with(
        self,
        body: impl Future<Output = (R, Terms)>,
    ) -> impl Future<Output = R> {
        self.load_kept(Box::pin(body))
    }

    async fn load_left(self, body: OwnedBody<R>) -> R {
        let plan = self.plan;
        let adopted = match self.claim(Company::Expected).await {
            Claim::Shared(out) => return out,
            Claim::Unclaimed => return body.await.0,
            Claim::Lead(lead) => Running::new(lead.run_async().await, body),
            Claim::Adopt(load, awaited) => match load.downcast::<Running<R>>() {
                Ok(load) => load.awaited(awaited),
                // All loads of a function are of one type.
                Err(_) => return body.await.0,
            },
        };
        let (leader, out, terms) = adopted.await;
        leader.finish(plan, &out, terms);
        out
    }

    async fn load_kept<F: Future<Output = (R, Terms)>>(self, body: Pin<Box<F>>) -> R {
        let plan = self.plan;
        match self.claim(Company::Expected).await {
            Claim::Shared(out) => out,
            // Only loads that can do without their caller are left to others.
            Claim::Unclaimed | Claim::Adopt(..) => body.await.0,
            Claim::Lead(lead) => {
                let leader = lead.run_async().await;
                let (out, terms) = leader.run_async(body).await;
                leader.finish(plan, &out, terms);
                out
            }
        }
    }

    /// Waits for another caller's result, or takes the lead.
    async fn claim(self, company: Company) -> Claim<R> {
        let Self { plan, ticket } = self;
        let Some(Ticket { cache, key, mut join, around, mut begun }) = ticket else {
            return Claim::Unclaimed;
        };
        let state = key.state.clone();
        let mut company = company.with(around.as_deref());
        let mut was_counted = false;
        let mut writes = Vec::new();
        loop {
            let begin = begun.take().unwrap_or_else(|| {
                cache.memory.begin(key.borrow(), join, company, was_counted, &cache.clock)
            });
            let out = match begin {
                Begin::Lead(load) => {
                    if let Some(flight) = &load.flight {
                        let sources = flight.sources();
                        writes.into_iter().for_each(|write| sources.add(Some(write)));
                    }
                    return Claim::Lead(Lead { cache, key, load, around });
                }
                Begin::Hit(entry) if !is_heard(|endpoint| hears(entry.get(), endpoint)) => {
                    was_counted = true;
                    // The next result hears of these writes as well, so that both endpoints can use it.
                    writes.extend(entry.get().stamps().into_iter().flat_map(Stamps::writes));
                    company = Company::Expected;
                    cache.memory.give_up(key.borrow(), &entry);
                    continue;
                }
                Begin::Hit(entry) => {
                    let is_for = is_for(entry.get(), around.as_deref());
                    // It was counted when it was found.
                    was_counted |= !is_for;
                    is_for.then(|| plan.restore(entry.get())).flatten()
                }
                Begin::Follow(follower) => {
                    was_counted = true;
                    let frame = context::frame();
                    let wait = frame.map(|frame| Wait::for_flight(&frame, follower.flight().id));
                    if let Some(None) = wait {
                        // The flight waits for a load that this call is part of.
                        join = Join::Alone;
                        continue;
                    }
                    let depend =
                        |around: &Arc<Sources>| around.add_load(follower.flight().sources());
                    let link = around.as_ref().map(depend);
                    if link.is_some()
                        && follower.flight().standing(|| cache.clock.now()) == Standing::Outdated
                    {
                        continue;
                    }
                    let sources = context::endpoint().map(|_| follower.flight().sources().clone());
                    let arrival = follower.await;
                    if !is_heard(|endpoint| sources.is_none_or(|sources| sources.hear(endpoint))) {
                        continue;
                    }
                    let out = match arrival {
                        Arrival::Landed(Landing::Value(entry)) => plan.restore(entry.get()),
                        Arrival::Landed(Landing::Outcome(out)) => {
                            plan.share().and_then(|share| (share.unpack)(&*out))
                        }
                        Arrival::Adopted(load) => {
                            state.counters.add(AnyTime::Coalesced, 1);
                            return Claim::Adopt(load, Awaited { _wait: wait.flatten(), link });
                        }
                        Arrival::Abandoned => None,
                    };
                    if let Some(link) = link
                        && out.is_some()
                    {
                        link.keep();
                    }
                    out
                }
            };
            if let Some(out) = out {
                state.counters.add(AnyTime::Coalesced, was_counted.into());
                return Claim::Shared(out);
            }
        }
    }
}

/// How a call that missed goes on.
enum Claim<R> {
    /// With the result of another caller.
    Shared(R),
    /// By running its body, of which the cache will know nothing.
    Unclaimed,
    /// By running its body, for all who want its result.
    Lead(Lead),
    /// By going on with a body that another caller has left, for which the load around this call may wait.
    Adopt(Orphan, Awaited),
}

/// A load to be led.
struct Lead {
    cache: Ref<Inner>,
    key: Key,
    load: Load,
    around: Option<Arc<Sources>>,
}

impl Lead {
    async fn run_async(self) -> Leader<Key> {
        let mut leader = Leader::new_async(self.cache, self.key, self.load, self.around.as_ref());
        leader.ask().await;
        leader
    }
}
