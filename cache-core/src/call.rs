//! A cached call, hit and miss, read top to bottom.
//!
//! [`Call::get`] is the way of a hit: key bytes on the stack, one shard, compare, touch, clone.
//! [`Miss::claim`] is the way of a miss, written once: a thread polls it itself, see [`block_on`].

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::time::Duration;

use crate::cache::{self, Inner};
use crate::clock::{Clock, Moment};
use crate::context::{self, ForcedScope, Mode};
use crate::entry::{Age, Entry, EntryRef};
use crate::epoch::{self, Threads};
use crate::event::Family;
use crate::events::{Change, Stamps};
use crate::executor::block_on;
use crate::flight::{Arrival, Landing, Orphan};
use crate::function::{Function, FunctionState};
use crate::identity::{Key, KeyRef};
use crate::instance::{Instance, Stow};
use crate::key::{KeyPart, KeyWriter};
use crate::labels::LabelStats;
use crate::lead::{Awaited, Leader, Own, OwnedBody, Running, Terms, keep, put, storable};
use crate::loads::Company;
use crate::memory::{Begin, Join, Load, Stored};
use crate::outcome::{Kind, Plan};
use crate::outer::Question;
use crate::sources::{Sources, Standing};
use crate::spare::{RETRY, Spare, note_stale};
use crate::stats::{AnyTime, Reason, Stats};
use crate::sync::{Arc, Ref};
use crate::table::Found;
use crate::waits::Wait;
use crate::worker;

/// One instantiation of an annotated function, and how this call is to be answered.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    function: &'static Function,
    instance: Option<Instance>,
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
    /// which no name or path in the source does. `stow` says how its values leave the process.
    #[inline]
    pub fn generic<T>(
        function: &'static Function,
        _marker: &T,
        stow: fn() -> Option<&'static Stow>,
    ) -> Self {
        Self { function, instance: Some(Instance::of::<T>(stow)), mode: Mode::Normal }
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
            keys = keys.with(instance.number());
        }
        Call { site: self, state, key: KeyWriter::new(keys) }
    }

    /// The function.
    #[must_use]
    pub fn function(self) -> &'static Function {
        self.function
    }

    /// What the function has done.
    #[must_use]
    pub fn stats(self) -> Stats {
        context::current_cache().state(self.function).stats(&Threads::all())
    }

    /// What the function has done by label.
    #[must_use]
    pub fn labels(self) -> Vec<LabelStats> {
        context::current_cache().state(self.function).labels.stats(&Threads::all())
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
            None => self.take().look_closely(plan),
        }
    }

    /// The way of nearly every hit: nothing is special about the call, and the global cache has its result.
    ///
    /// The call is not lent to anything that is not inlined, so that it stays in registers, key and all.
    #[inline(always)]
    fn hit<R>(&self, plan: Plan<R>) -> Option<R> {
        let (cache, state, bytes, hash) = self.common()?;
        let found = cache.memory.find_near(epoch::pin()?, state, hash, bytes)?;
        serve(cache, state, self.site.instance, &found, plan)
    }

    /// The same for a result that is not where most are.
    fn hit_further<R>(&self, plan: Plan<R>) -> Option<R> {
        let (cache, state, bytes, hash) = self.common()?;
        let found = cache.memory.find(epoch::pin()?, state, hash, bytes)?;
        serve(cache, state, self.site.instance, &found, plan)
    }

    /// Where the result is looked for, if nothing is special about the call.
    #[inline(always)]
    fn common(&self) -> Option<(&'static Inner, &'static FunctionState, &[u8], u64)> {
        let state = self.state?;
        if self.site.mode != Mode::Normal || !context::is_plain() {
            return None;
        }
        let (bytes, hash) = self.key.finish().ok()?;
        Some((cache::global(), state, bytes, hash))
    }

    /// The call, apart from where it was begun.
    #[inline(always)]
    fn take(&mut self) -> Self {
        Self { site: self.site, state: self.state, key: self.key.take() }
    }

    /// Looks again, for what may be special about the call.
    #[inline(never)]
    fn look_closely<R>(self, plan: Plan<R>) -> Lookup<R> {
        match self.look_apart(plan) {
            Apart::Hit(out) | Apart::Due(out, _) => Lookup::Hit(out),
            Apart::Miss(miss) => Lookup::Miss(miss),
        }
    }

    #[inline(never)]
    fn look_apart<R>(self, plan: Plan<R>) -> Apart<R> {
        if let Some(out) = self.hit_further(plan) {
            return Apart::Hit(out);
        }
        let unclaimed = Miss { plan, ticket: None };
        let Some(Way { cache, state, mode }) = self.way() else { return Apart::Miss(unclaimed) };
        let Some(key) = self.key(&state) else { return Apart::Miss(unclaimed) };
        let around = around(&cache, key);
        let ticket = |join, around, spare, was_counted| {
            let (cache, key) = (cache.clone(), key.to_owned(state.clone()));
            Some(Ticket { cache, key, join, around, spare, was_counted, begun: None })
        };
        match look(&cache, key, mode, plan, around.as_ref()) {
            Look::Hit(out) => Apart::Hit(out),
            Look::Due(out, spare) => {
                let ticket = ticket(Join::Again, None, Some(spare), true);
                Apart::Due(out, Reload(Miss { plan, ticket }))
            }
            Look::Doubt(spare) => {
                let ticket = ticket(Join::Again, around, Some(spare), true);
                Apart::Miss(Miss { plan, ticket })
            }
            Look::Nothing(spare) => {
                let ticket = ticket(mode.join(state.function), around, spare, false);
                Apart::Miss(Miss { plan, ticket })
            }
        }
    }

    /// Answers the call from the cache, or says how to go on, where loads may run without their callers.
    #[inline]
    pub fn get_apart<R: 'static>(&mut self, plan: Plan<R>) -> Apart<R> {
        match self.hit(plan) {
            Some(out) => Apart::Hit(out),
            None => self.take().look_apart(plan),
        }
    }

    /// Has what is stored for the call checked, and dropped if a layer refuses it.
    pub fn validate(&mut self, check: impl FnOnce(&Suspect) -> Result<(), usize>) {
        let cache = context::current_cache();
        let state = cache.state(self.site.function);
        let Some(key) = self.key(&state) else { return };
        let found = epoch::pin().and_then(|pin| cache.memory.glance(pin, key));
        let Some(suspect) = found.map(Suspect) else { return };
        if let Err(layer) = check(&suspect) {
            state.note_refusal(layer);
            cache.memory.give_up(key, &suspect.0, Reason::Refused);
        }
    }

    /// Answers the call from the cache, or by running a sync body.
    #[inline]
    pub fn answer<R: 'static>(&mut self, plan: Plan<R>, body: impl FnOnce() -> R) -> R {
        match self.hit(plan) {
            Some(out) => out,
            None => self.take().answer_closely(plan, body),
        }
    }

    // Apart, so that what surrounds a hit stays small.
    #[inline(never)]
    fn answer_closely<R: 'static>(self, plan: Plan<R>, body: impl FnOnce() -> R) -> R {
        if let Some(out) = self.hit_further(plan) {
            return out;
        }
        let Some(Way { cache, state, mode }) = self.way() else { return context::bypass(body) };
        let Some(key) = self.key(&state) else { return context::bypass(body) };
        let around = around(&cache, key);
        let spare = match look(&cache, key, mode, plan, around.as_ref()) {
            Look::Hit(out) | Look::Due(out, _) => return out,
            Look::Doubt(spare) => {
                let (key, join, spare) = (key.to_owned(state.clone()), Join::Again, Some(spare));
                let was_counted = true;
                let ticket = Ticket { cache, key, join, around, spare, was_counted, begun: None };
                return Miss { plan, ticket: Some(ticket) }.load(body);
            }
            Look::Nothing(spare) => spare,
        };
        if let Some(out) = spare.as_ref().and_then(|it| it.serve_meanwhile(&cache, key, plan)) {
            return out;
        }
        let join = mode.join(state.function);
        let company = Company::Welcome.with(around.as_deref());
        match cache.memory.begin(key, join, company, false, &cache.clock) {
            // A load needs no more than what is on the stack.
            Begin::Lead(load) => {
                let mut leader = Leader::new(cache, key, load, around.as_ref(), spare);
                leader.ask_here();
                leader.run(plan, |_| context::recalled().unwrap_or_else(body))
            }
            begun => {
                let key = key.to_owned(state.clone());
                let begun = Some(begun);
                let was_counted = false;
                let ticket = Ticket { cache, key, join, around, spare, was_counted, begun };
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
        // `f::uncached(..)` touches nothing.
        if forced != Mode::Uncached {
            state.counters.add(AnyTime::Disabled, 1);
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

    /// Has what is stored for the call expire now; true if it was fresh.
    #[must_use]
    pub fn expire(&mut self) -> bool {
        self.addressed(|cache, key| cache.expire(key)).unwrap_or(false)
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
    pub fn put<R>(&mut self, plan: Plan<R>, value: &R, mut terms: Terms) -> bool {
        let store = |cache: &Ref<Inner>, key: KeyRef<'_>| {
            let errand = cache.outer.as_ref().and_then(|outer| {
                outer.remove(key);
                outer.ask(key, Question::Anew).filter(|_| !worker::is_here()).map(block_on)
            });
            let sources = terms.sources().or_else(|| cache.outer.as_ref().map(|_| Arc::default()));
            if let Some(sources) = &sources {
                cache.listen(key, sources);
            }
            let entry = if key.state.is_enabled() {
                storable(cache, key, plan, value, &mut terms, sources.as_deref())
            } else {
                // What is there must not come back when caching is switched on again.
                None
            };
            let Some(entry) = entry else {
                cache.invalidate(key);
                return false;
            };
            let is_stored = put(cache, entry.clone(), key) == Stored::Yes;
            cache.note_change(key, Change::Hard);
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

/// Serves an entry, counts that and notes that it is used, if it is for this call.
#[inline(always)]
fn serve<R>(
    cache: &Inner,
    state: &FunctionState,
    instance: Option<Instance>,
    found: &Found<'_>,
    plan: Plan<R>,
) -> Option<R> {
    let entry = found.entry();
    if entry.is_special()
        && !entry.is_clearly_current()
        && !is_served(cache, state, instance, entry)
    {
        return None;
    }
    if cache.memory.note_hit(found, state, &cache.clock) {
        context::time_next_call();
    }
    plan.restore(entry)
}

/// Whether an entry that is of one instantiation, mortal, labelled or of a limited function is for this call.
// Not that it is rare: registers are for the hits that do without.
#[cold]
fn is_served(
    cache: &Inner,
    state: &FunctionState,
    instance: Option<Instance>,
    entry: Entry<'_>,
) -> bool {
    if !entry.is_of(instance)
        || !entry.is_current()
        || !is_heard(|endpoint| hears(entry, endpoint))
        || !is_alive(entry, &cache.clock)
    {
        return false;
    }
    if state.notes_hits() {
        note_hit_of(cache, state, entry);
    }
    true
}

/// Notes a hit of a function with limits of its own or with labels.
#[inline(never)]
fn note_hit_of(cache: &Inner, state: &FunctionState, entry: Entry<'_>) {
    if state.is_limited() {
        // It has an order of its own, which may be an exact one.
        cache.memory.note_order(entry, state);
    }
    if let Some((label, slot)) = entry.label().zip(epoch::slot()) {
        label.note_hit(slot);
    }
}

/// Whether nothing is to be done about an entry but to serve it. Reading the clock costs more than all else in a hit.
fn is_alive(entry: Entry<'_>, clock: &Clock) -> bool {
    let until = entry.rests_until();
    if !entry.is_idling() && (until == Moment::NEVER || clock.is_surely_before(until)) {
        return true;
    }
    let now = clock.now();
    let is_alive = now < until && entry.is_fresh(now);
    if is_alive {
        entry.keep_alive(now);
    }
    is_alive
}

/// A stored result that is to be checked before it is served.
pub struct Suspect(EntryRef);

impl Suspect {
    /// Asks one layer.
    ///
    /// # Errors
    ///
    /// The layer, if it refuses the value. A result that holds none, such as an error, is never refused.
    pub fn ask<K: Kind<Stored: 'static>>(
        &self,
        _: K,
        layer: usize,
        is_valid: impl FnOnce(&K::Stored) -> bool,
    ) -> Result<(), usize> {
        let value = self.0.get().value::<K::Stored>();
        // A check that panics is as good as one that refuses.
        let is_valid = catch_unwind(AssertUnwindSafe(|| value.is_none_or(is_valid)));
        if is_valid.unwrap_or(false) { Ok(()) } else { Err(layer) }
    }
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

/// What a call finds.
enum Look<R> {
    /// Its result.
    Hit(R),
    /// Its result, and that it is this call's turn to have that reloaded.
    Due(R, Spare),
    /// Its result, which is to be compared with a fresh one.
    Doubt(Spare),
    /// No result, unless in need.
    Nothing(Option<Spare>),
}

/// Looks for the result of a call, where something is special. Where nothing is, it has looked for it before.
fn look<R>(
    cache: &Inner,
    key: KeyRef<'_>,
    mode: Mode,
    plan: Plan<R>,
    around: Option<&Arc<Sources>>,
) -> Look<R> {
    let function = key.state.function;
    let sees_all = cache.is_private() || key.state.is_verified();
    if mode != Mode::Normal || !sees_all && context::is_plain() && !function.looks_twice() {
        return Look::Nothing(None);
    }
    let is_timed = context::takes_time() || sees_all;
    let Some(pin) = epoch::pin() else { return Look::Nothing(None) };
    let now = cache.clock.now();
    let Some((found, age)) = cache.memory.get(pin, key, now) else { return Look::Nothing(None) };
    let entry = found.entry();
    let spare = |entry: Entry<'_>, answers_errors| Spare {
        entry: entry.to_owned(),
        answers_errors,
        is_doubted: false,
        around: around.cloned(),
    };
    let again = now.after(function.err_ttl.unwrap_or(RETRY));
    let is_due = match age {
        Age::Fresh if is_for(entry, around.map(|around| &**around)) => {
            entry.keep_alive(now);
            function.refresh_at.is_some() && entry.take_turn(now, again)
        }
        Age::Stale if is_heard(|endpoint| hears(entry, endpoint)) => {
            if now < entry.deadline() {
                // An event has made it expire before its time, which nobody has noted yet.
                drop(found);
                cache.memory.note_change(key, now);
                return look(cache, key, mode, plan, around);
            }
            if !entry.is_put_off(now) && !function.revalidates {
                return Look::Nothing(Some(spare(entry, function.answers_errors)));
            }
            note_stale(key, around.map(|around| &**around));
            function.revalidates && entry.take_turn(now, again)
        }
        _ => return Look::Nothing(None),
    };
    let Some(out) = plan.restore(entry) else { return Look::Nothing(None) };
    cache.memory.note_each_hit(&found, key.state, &cache.clock);
    if is_timed {
        note_hit_time(cache, key, cache.clock.now().since(now));
    }
    if is_due {
        return Look::Due(out, spare(entry, true));
    }
    let is_doubted = age == Age::Fresh
        && key.state.is_verified()
        && !context::is_verifying()
        && key.state.is_to_verify(plan.are_same().is_some());
    if is_doubted {
        Look::Doubt(Spare { is_doubted, ..spare(entry, true) })
    } else {
        Look::Hit(out)
    }
}

fn note_hit_time(cache: &Inner, key: KeyRef<'_>, span: Duration) {
    key.state.times.hits.record(span);
    cache.times.hits.record(span);
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

/// What the cache says to a call whose load may run without it.
pub enum Apart<R: 'static> {
    /// Its result.
    Hit(R),
    /// Its result, and that it is to be reloaded in the background.
    Due(R, Reload<R>),
    /// That its body is to run.
    Miss(Miss<R>),
}

/// A result that is to be reloaded.
#[must_use = "nobody else is going to reload it for a while"]
pub struct Reload<R: 'static>(Miss<R>);

impl<R: 'static> Reload<R> {
    /// The cache that it is for.
    pub(crate) fn cache(&self) -> Option<&Ref<Inner>> {
        self.0.ticket.as_ref().map(|ticket| &ticket.cache)
    }

    /// The call as one that must load, which has been counted as a hit.
    pub(crate) fn into_miss(self) -> Miss<R> {
        self.0
    }

    /// Runs the body, unless a load runs already.
    pub(crate) async fn run(self, body: OwnedBody<R>) {
        let Self(Miss { plan, ticket }) = self;
        let Some(Ticket { cache, key, join, spare, .. }) = ticket else { return };
        let begun = cache.memory.begin(key.borrow(), join, Company::Expected, true, &cache.clock);
        let Begin::Lead(load) = begun else { return };
        key.state.counters.add(AnyTime::Reloads, 1);
        let leader = Lead { cache, key, load, around: None, spare }.run_async(true).await;
        let (leader, out, terms) = Running::new(leader, body).await;
        leader.finish(plan, out, terms);
    }
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
    /// What it may be served in need.
    spare: Option<Spare>,
    /// The call was counted when it found what is to be reloaded.
    was_counted: bool,
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
            Claim::Unclaimed | Claim::Adopt(..) => context::bypass(|| body(&mut Terms::new())),
            Claim::Lead(Lead { cache, key, load, around, spare }) => {
                let mut leader = Leader::new(cache, key, load, around.as_ref(), spare);
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

    /// What restores the result.
    pub(crate) fn plan(&self) -> Plan<R> {
        self.plan
    }

    /// What the call may be served in need.
    pub(crate) fn spare(&self) -> Option<Spare> {
        self.ticket.as_ref()?.spare.clone()
    }

    /// The key of the call.
    pub(crate) fn key(&self) -> Option<Key> {
        Some(self.ticket.as_ref()?.key.clone())
    }

    /// Runs a body that does without its caller, or waits for whoever runs it.
    pub(crate) async fn load_left(self, body: OwnedBody<R>) -> R {
        let plan = self.plan;
        let adopted = match self.claim(Company::Expected).await {
            Claim::Shared(out) => return out,
            Claim::Unclaimed => return context::bypass_async(body).await.0,
            Claim::Lead(lead) => Running::new(lead.run_async(false).await, body),
            Claim::Adopt(load, awaited) => match load.downcast::<Running<R>>() {
                Ok(load) => load.awaited(awaited),
                // All loads of a function are of one type.
                Err(_) => return body.await.0,
            },
        };
        let (leader, out, terms) = adopted.await;
        leader.finish(plan, out, terms)
    }

    async fn load_kept<F: Future<Output = (R, Terms)>>(self, body: Pin<Box<F>>) -> R {
        let plan = self.plan;
        match self.claim(Company::Expected).await {
            Claim::Shared(out) => out,
            // Only loads that can do without their caller are left to others.
            Claim::Unclaimed | Claim::Adopt(..) => context::bypass_async(body).await.0,
            Claim::Lead(lead) => {
                let leader = lead.run_async(false).await;
                let (out, terms) = leader.run_async(body).await;
                leader.finish(plan, out, terms)
            }
        }
    }

    /// Waits for another caller's result, or takes the lead.
    pub(crate) async fn claim(self, company: Company) -> Claim<R> {
        let Self { plan, ticket } = self;
        let Some(Ticket { cache, key, mut join, around, spare, mut was_counted, mut begun }) =
            ticket
        else {
            return Claim::Unclaimed;
        };
        let state = key.state.clone();
        let mut company = company.with(around.as_deref());
        let mut writes = Vec::new();
        let mut is_its_turn = join == Join::Again;
        loop {
            // Also after a load that has failed, whose result could not be shared.
            let spare_now = |spare: &Spare| spare.serve_meanwhile(&cache, key.borrow(), plan);
            if !std::mem::take(&mut is_its_turn)
                && let Some(out) = spare.as_ref().and_then(spare_now)
            {
                return Claim::Shared(out);
            }
            let begin = begun.take().unwrap_or_else(|| {
                cache.memory.begin(key.borrow(), join, company, was_counted, &cache.clock)
            });
            let out = match begin {
                Begin::Lead(load) => {
                    if let Some(flight) = &load.flight {
                        let sources = flight.sources();
                        writes.into_iter().for_each(|write| sources.add(Some(write)));
                    }
                    return Claim::Lead(Lead { cache, key, load, around, spare });
                }
                Begin::Hit(entry) if !is_heard(|endpoint| hears(entry.get(), endpoint)) => {
                    was_counted = true;
                    // The next result hears of these writes as well, so that both endpoints can use it.
                    writes.extend(entry.get().stamps().into_iter().flat_map(Stamps::writes));
                    company = Company::Expected;
                    cache.memory.give_up(key.borrow(), &entry, Reason::Invalidated);
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
                return Claim::Shared(match &spare {
                    Some(spare) => spare.settle(&cache, key.borrow(), plan, out),
                    None => out,
                });
            }
        }
    }
}

/// How a call that missed goes on.
pub(crate) enum Claim<R> {
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
pub(crate) struct Lead {
    cache: Ref<Inner>,
    key: Key,
    load: Load,
    around: Option<Arc<Sources>>,
    spare: Option<Spare>,
}

impl Lead {
    /// Leads an async load, which looks for no result if it is to be `anew`.
    async fn run_async(self, anew: bool) -> Leader<Key> {
        let mut leader = self.unasked();
        leader.ask(anew).await;
        leader
    }

    /// Leads an async load that has yet to look for its result.
    pub(crate) fn unasked(self) -> Leader<Key> {
        let Self { cache, key, load, around, spare } = self;
        Leader::new_async(cache, key, load, around.as_ref(), spare)
    }
}
