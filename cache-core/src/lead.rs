//! Leading a load: running the body, and deciding what becomes of its result.

use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::cache::Inner;
use crate::clock::{Clock, Moment};
use crate::context::{self, Around, LoadScope};
use crate::endpoint::Endpoint;
use crate::entry::{Draft, EntryRef};
use crate::epoch;
use crate::event::{Event, Family};
use crate::events::{Change, Events, Named, Stamp, Stamps, Watch};
use crate::executor::block_on;
use crate::flight::{Flight, Landing, LeaderWaker};
use crate::function::Function;
use crate::identity::{AsKey, Key, KeyRef};
use crate::lifetime::Lifetime;
use crate::memory::{Load, Stored};
use crate::observer::{Notice, Outcome};
use crate::outcome::{Kind, Plan, Verdict};
use crate::outer::{Errand, Outer, Question};
use crate::sources::{Link, Origin, Said, Sources};
use crate::spare::{RETRY, Spare};
use crate::stats::{AnyTime, Reason};
use crate::sync::{Arc, Ref};
use crate::verify::Divergence;
use crate::waits::{Frame, Wait};
use crate::worker;

/// What a load says about its result, apart from the result.
#[derive(Default)]
pub struct Terms {
    label: Option<Box<str>>,
    ttl: Option<Duration>,
    idle: Option<Duration>,
    err_ttl: Option<Duration>,
    none_ttl: Option<Duration>,
    stale: Option<Duration>,
    is_refused: bool,
    size: Option<usize>,
    /// What a result depends on that comes from no load. A load is asked itself.
    sources: Option<(Arc<Events>, Arc<Sources>)>,
}

impl Terms {
    /// Nothing special about the result of a load.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing special about a result that comes from no load.
    #[must_use]
    pub fn of_put() -> Self {
        let events = Arc::clone(&context::current_cache().events);
        Self { sources: Some((events, Arc::default())), ..Self::default() }
    }

    /// `label = "…"`.
    pub fn label(&mut self, label: std::fmt::Arguments<'_>) {
        self.label = Some(label.to_string().into());
    }

    /// `ttl = EXPR`.
    pub fn ttl(&mut self, ttl: Duration) {
        self.ttl = Some(ttl);
    }

    /// `idle = EXPR`.
    pub fn idle(&mut self, idle: Duration) {
        self.idle = Some(idle);
    }

    /// `stale = EXPR`.
    pub fn stale(&mut self, stale: Duration) {
        self.stale = Some(stale);
    }

    /// `ttl = |value| …`.
    pub fn ttl_of<K: Kind>(
        &mut self,
        _: K,
        out: &K::Output,
        choose: impl FnOnce(&K::Stored) -> Duration,
    ) {
        self.ttl = K::stored(out).map(choose);
    }

    /// `idle = |value| …`.
    pub fn idle_of<K: Kind>(
        &mut self,
        _: K,
        out: &K::Output,
        choose: impl FnOnce(&K::Stored) -> Duration,
    ) {
        self.idle = K::stored(out).map(choose);
    }

    /// `err_ttl = EXPR`.
    pub fn err_ttl(&mut self, ttl: Duration) {
        self.err_ttl = Some(ttl);
    }

    /// `none_ttl = EXPR`.
    pub fn none_ttl(&mut self, ttl: Duration) {
        self.none_ttl = Some(ttl);
    }

    /// `cache_if = |value| …`.
    pub fn cache_if<K: Kind>(
        &mut self,
        _: K,
        out: &K::Output,
        is_wanted: impl FnOnce(&K::Stored) -> bool,
    ) {
        self.is_refused = K::stored(out).is_some_and(|value| !is_wanted(value));
    }

    /// `invalidate_on = [EVENT]`.
    pub fn on<E: Event + ?Sized>(&mut self, event: &E) {
        if let Some(mut found) = self.found() {
            return found.on(event);
        }
        self.depend(|events| events.stamp(event));
        for write in writes(event) {
            self.depend(|events| events.stamp_named(&write));
        }
    }

    /// `invalidate_on = [TYPE]`.
    pub fn on_any<E: Event + ?Sized>(&mut self) {
        if let Some(mut found) = self.found() {
            return found.on_any::<E>();
        }
        self.depend(|events| Some(events.stamp_any(E::family())));
    }

    /// Any write to an endpoint.
    pub fn on_writes(&mut self, endpoint: Endpoint) {
        self.depend(|events| Some(events.stamp_any(endpoint.family())));
    }

    /// `invalidate_on = [EVENT]`, where not all is there that the event is made of.
    pub fn on_unknown(&mut self) {
        self.depend(|_| None);
    }

    /// Where events go that are named after an outer tier had the result: as they were before that was asked.
    fn found(&self) -> Option<Found> {
        let (_, sources) =
            self.owner().filter(|_| self.sources.is_none() && context::is_recalled())?;
        Some(Found { sources })
    }

    fn depend(&mut self, stamp: impl FnOnce(&Arc<Events>) -> Option<Stamp>) {
        if let Some((events, sources)) = self.owner() {
            sources.add(stamp(&events));
        }
    }

    /// Whoever depends on the events that are named here. Where nobody does, nothing is to be stored.
    fn owner(&self) -> Option<(Arc<Events>, Arc<Sources>)> {
        self.sources.clone().or_else(context::own_sources)
    }

    /// What a result depends on that comes from no load.
    pub(crate) fn sources(&self) -> Option<Arc<Sources>> {
        self.sources.as_ref().map(|(_, sources)| Arc::clone(sources))
    }

    /// Comes before a body whose result is asked by [`Terms::on_value`].
    pub fn watch(&mut self) {
        if let Some((events, sources)) = self.owner() {
            sources.watch(events.watch());
        }
    }

    /// `invalidate_on = |value| …`.
    pub fn on_value<K: Kind>(
        &mut self,
        _: K,
        out: &K::Output,
        find: impl FnOnce(&K::Stored, &mut Found),
    ) {
        if let Some((_, sources)) = self.owner()
            && let Some(value) = K::stored(out)
        {
            find(value, &mut Found { sources });
        }
    }

    /// `size = |value| …`.
    pub fn size<K: Kind>(&mut self, _: K, out: &K::Output, size: impl FnOnce(&K::Stored) -> usize) {
        self.size = K::stored(out).map(size);
    }
}

/// The writes that the name of an HTTP method stands for besides that name: those to the endpoint of the request that is
/// being answered. Outside of any request they are those to an endpoint that does not exist, which marks the result as one
/// that hears of writes, but not of those to any real endpoint, see [`is_heard`](crate::call).
fn writes<E: Event + ?Sized>(event: &E) -> impl Iterator<Item = Named> {
    Named::writes(context::endpoint().unwrap_or_else(Family::nowhere), event)
}

/// Where the events go that a result names.
pub struct Found {
    sources: Arc<Sources>,
}

impl Found {
    /// An event.
    pub fn on<E: Event + ?Sized>(&mut self, event: &E) {
        self.depend(|watch| watch.stamp(event));
        for write in writes(event) {
            self.depend(|watch| watch.stamp_named(&write));
        }
    }

    /// Any event of a type.
    pub fn on_any<E: Event + ?Sized>(&mut self) {
        self.depend(|watch| watch.stamp_any(E::family()));
    }

    /// Some events.
    pub fn on_all<E: Event>(&mut self, events: impl IntoIterator<Item = E>) {
        events.into_iter().for_each(|event| self.on(&event));
    }

    fn depend(&mut self, stamp: impl FnOnce(&Watch) -> Option<Stamp>) {
        self.sources.add_watched(stamp);
    }
}

/// A load that this call runs. Dropped before it is finished, it hands over to a follower.
pub(crate) struct Leader<K: AsKey> {
    cache: Ref<Inner>,
    key: K,
    load: Load,
    /// When the body was begun,
    begun: Moment,
    /// and for how many keys it is.
    n_keys: u32,
    /// The endpoint of the request that began it.
    endpoint: Option<Family>,
    /// The frame of an async load. A sync one is where its thread is.
    frame: Option<Arc<Frame>>,
    /// The load around this one waits for it,
    _wait: Option<Wait>,
    /// and depends on it.
    link: Option<Link>,
    /// What the outer tiers were asked, and everything as it was before that.
    errand: Option<(Arc<dyn Errand>, Stamp)>,
    /// What may be served in need, and goes when there is a better result.
    spare: Option<Spare>,
    is_ended: bool,
}

impl<K: AsKey> Leader<K> {
    /// Leads a sync load. `around` is what the load around it is computed from, if that depends on this one.
    pub(crate) fn new(
        cache: Ref<Inner>,
        key: K,
        load: Load,
        around: Option<&Arc<Sources>>,
        spare: Option<Spare>,
    ) -> Self {
        let wait = context::load().map(|parent| Wait::for_nested(parent, load.id));
        let link = around.zip(load.flight.as_ref());
        let link = link.map(|(around, flight)| around.add_load(flight.sources()));
        let endpoint = context::endpoint();
        let begun = cache.clock.now();
        Self {
            cache,
            key,
            load,
            begun,
            n_keys: 1,
            endpoint,
            frame: None,
            _wait: wait,
            link,
            errand: None,
            spare,
            is_ended: false,
        }
    }

    /// Leads an async load.
    pub(crate) fn new_async(
        cache: Ref<Inner>,
        key: K,
        load: Load,
        around: Option<&Arc<Sources>>,
        spare: Option<Spare>,
    ) -> Self {
        let frame = Arc::new(Frame { id: load.id, parent: context::frame() });
        let mut leader = Self::new(cache, key, load, around, spare);
        leader.frame = Some(frame);
        leader
    }

    /// Calls that are made meanwhile learn what they are part of.
    pub(crate) fn enter(&self) -> LoadScope {
        LoadScope::enter(self.around())
    }

    /// What calls within it learn.
    pub(crate) fn around(&self) -> Around {
        let key = self.key.key();
        Around {
            id: self.load.id,
            cache: self.cache.clone(),
            hash: key.hash,
            inherits: key.state.function.inherits,
            frame: self.frame.clone(),
            flight: self.load.flight.clone(),
            endpoint: self.endpoint,
            is_bypassed: false,
            errand: self.errand.as_ref().map(|(errand, _)| Arc::clone(errand)),
            verifies: self.doubted().is_some(),
        }
    }

    /// The stored result that the load's own is to be compared with.
    fn doubted(&self) -> Option<&EntryRef> {
        self.spare.as_ref().filter(|spare| spare.is_doubted).map(|spare| &spare.entry)
    }

    /// What its followers wait for, if it was made from the beginning.
    pub(crate) fn flight(&self) -> Option<&Arc<Flight>> {
        self.load.flight.as_ref()
    }

    /// Has another load compute the result, together with those of other keys: this one waits for that, and is computed
    /// from what that is.
    pub(crate) fn computed_by(&mut self, flight: &Arc<Flight>, n_keys: usize) -> Awaited {
        self.n_keys = u32::try_from(n_keys).unwrap_or(u32::MAX);
        let link = self.flight().map(|own| own.sources().add_load(flight.sources()));
        Awaited { _wait: Some(Wait::for_nested(self.load.id, flight.id)), link }
    }

    /// Asks the outer tiers, if there are some. When they have the result, the body is not run, unless it is to be
    /// run `anew`.
    pub(crate) async fn ask(&mut self, anew: bool) {
        if worker::is_here() {
            // That is needed for their answer.
            self.listen();
            return;
        }
        let key = self.key.key();
        let is_anew = anew || self.load.replaces || self.doubted().is_some();
        let question = if is_anew { Question::Anew } else { Question::Result(self.endpoint) };
        let asked = |outer: &Arc<dyn Outer>| {
            if self.load.replaces {
                outer.remove(key);
            }
            outer.ask(key, question)
        };
        let Some(asking) = self.cache.outer.as_ref().and_then(asked) else { return };
        let Some(flight) = self.listen() else { return };
        // Before they are asked: what is emitted meanwhile outdates their answer.
        let events = &self.cache.events;
        let everything = events.stamp_everything();
        flight.sources().watch(events.watch());
        let errand = self.run_async(asking).await;
        self.cache.tell_of_tiers();
        match errand.answer() {
            Some(answer) => {
                self.key.key().state.counters.add(AnyTime::Recalled, 1);
                let until = answer.left().map(|left| self.cache.clock.now().after(left));
                until.into_iter().for_each(|until| flight.sources().limit(until));
            }
            None => flight.sources().unwatch(),
        }
        self.begun = self.cache.clock.now();
        self.errand = Some((errand, everything));
    }

    /// Asks the outer tiers on this thread.
    pub(crate) fn ask_here(&mut self) {
        if self.cache.outer.is_some() {
            block_on(self.ask(false));
        }
    }

    /// Has the result go with what other processes do to it. What the load is computed from is noted in what is returned.
    fn listen(&mut self) -> Option<Arc<Flight>> {
        self.cache.outer.as_ref()?;
        let flight = {
            let _scope = self.enter();
            context::own_flight()?
        };
        self.cache.listen(self.key.key(), flight.sources());
        self.load.flight = Some(Arc::clone(&flight));
        Some(flight)
    }

    /// Runs a sync body and finishes.
    pub(crate) fn run<R>(mut self, plan: Plan<R>, body: impl FnOnce(&mut Terms) -> R) -> R {
        let scope = self.enter();
        let mut terms = Terms::new();
        let out = body(&mut terms);
        self.finish_within(scope, plan, out, &mut terms)
    }

    /// Runs an async body.
    pub(crate) async fn run_async<F: Future>(&self, body: F) -> F::Output {
        let mut body = pin!(body);
        let mut wakers = None;
        poll_fn(|cx| self.poll(body.as_mut(), &mut wakers, cx)).await
    }

    /// Polls a body. Calls that it makes learn what they are part of, and followers whether it goes on.
    fn poll<F: Future + ?Sized>(
        &self,
        body: Pin<&mut F>,
        wakers: &mut Option<(Waker, Waker)>,
        cx: &mut Context<'_>,
    ) -> Poll<F::Output> {
        let _scope = self.enter();
        let Some(flight) = &self.load.flight else { return body.poll(cx) };
        flight.polled();
        if wakers.as_ref().is_none_or(|(_, callers)| !callers.will_wake(cx.waker())) {
            let waker = LeaderWaker { flight: Arc::clone(flight), waker: cx.waker().clone() };
            *wakers = Some((Waker::from(Arc::new(waker)), cx.waker().clone()));
        }
        let waker = wakers.as_ref().map_or(cx.waker(), |(own, _)| own);
        body.poll(&mut Context::from_waker(waker))
    }

    /// Stores the result if it is to be stored, gives it to the followers, and says what the caller gets.
    pub(crate) fn finish<R>(mut self, plan: Plan<R>, out: R, mut terms: Terms) -> R {
        let scope = self.enter();
        self.finish_within(scope, plan, out, &mut terms)
    }

    /// The value's own code runs here, and may call the function that is being led.
    fn finish_within<R>(&mut self, _: LoadScope, plan: Plan<R>, out: R, terms: &mut Terms) -> R {
        let (cache, key) = (&self.cache, self.key.key());
        let took =
            (!context::is_recalled()).then(|| cache.clock.now().since(self.begun) / self.n_keys);
        took.into_iter().for_each(|took| note_body(cache, key, took, terms));
        let sources = context::known_sources();
        if let (Some(sources), Some((errand, everything))) = (&sources, &self.errand)
            && let Some(answer) = errand.answer()
            && !answer.depends_only_on(&sources.marks())
        {
            // Names are all that is known of the rest.
            sources.add(Some(everything.clone()));
        }
        let verdict = plan.verdict(&out);
        let retry = terms.err_ttl.or(key.state.function.err_ttl).unwrap_or(RETRY);
        let has_stand_in = |spare: &Spare| spare.stands_in(verdict, cache.clock.now());
        let entry = if self.spare.as_ref().is_some_and(has_stand_in) {
            None
        } else {
            storable(cache, key, plan, &out, terms, sources.as_deref())
        };
        // From here on nobody can join, so that the number of followers is final.
        self.is_ended = true;
        let mut outcome = Outcome::Refused;
        let mut doubt = None;
        let followers = match entry {
            Some(entry) => {
                let planned = Sweep::of(&entry);
                let is_held = |stored: &&EntryRef| {
                    let held = cache.memory.peek(key, &cache.clock);
                    held.is_some_and(|held| held.as_raw() == stored.as_raw())
                };
                let doubted = self.doubted().filter(is_held);
                doubt = doubted.map(|stored| (stored.clone(), entry.clone()));
                let errand = self.errand.take().map(|(errand, _)| (errand, entry.clone()));
                let published = cache.memory.publish(entry, key, self.load.id, &cache.clock);
                planned.plan(cache, published.stored);
                outcome = published.stored.into();
                if let Some(spare) =
                    self.spare.as_ref().filter(|_| published.stored == Stored::Outdated)
                {
                    // It was for nothing.
                    spare.put_off(cache, Duration::ZERO);
                }
                if let Some((errand, entry)) = errand.filter(|_| published.stored == Stored::Yes) {
                    keep(cache, key, errand, entry);
                }
                if self.load.replaces {
                    cache.note_change(key, Change::Hard);
                }
                published.followers.map(|(flight, entry)| (flight, Some(Landing::Value(entry))))
            }
            None => {
                match &self.spare {
                    Some(spare) if verdict == Verdict::Err => spare.put_off(cache, retry),
                    // There is a better result, though it is not to be stored.
                    Some(spare) => cache.memory.give_up(key, &spare.entry, Reason::Refused),
                    None => {}
                }
                let flight = cache.memory.refuse(key, self.load.id);
                let flight = flight.filter(|flight| flight.has_followers());
                flight.map(|flight| (flight, unstored(cache, key, plan, &out)))
            }
        };
        if let Some(link) = self.link.take() {
            link.keep();
        }
        match followers {
            Some((flight, Some(landing))) => flight.land(landing),
            Some((flight, None)) => flight.abandon(),
            None => {}
        }
        self.tell(outcome, took);
        if let Some((stored, fresh)) = doubt.filter(|_| outcome == Outcome::Stored) {
            compare(cache, key, plan, &stored, &fresh);
        }
        match &self.spare {
            Some(spare) => spare.settle(cache, key, plan, out),
            None => out,
        }
    }

    /// Tells observers that the load has ended.
    fn tell(&self, outcome: Outcome, took: Option<Duration>) {
        let function = self.key.key().state.function.name;
        let reason = self.load.reason.map(Reason::name);
        self.cache.observers.tell(&Notice::Loaded { function, reason, outcome, took });
    }

    /// The body has panicked.
    fn fail(&self) {
        if let Some(spare) = &self.spare {
            spare.put_off(&self.cache, self.key.key().state.function.err_ttl.unwrap_or(RETRY));
        }
    }
}

/// A body that can do without its caller.
pub type OwnedBody<R> = Pin<Box<dyn Future<Output = (R, Terms)> + Send>>;

/// How a body becomes one that can do without its caller.
pub type Own<F, R> = fn(F) -> OwnedBody<R>;

/// A body in search of whether it can do without its caller.
pub struct Owning<F>(PhantomData<fn(F)>);

impl<F> Owning<F> {
    /// The question, without the body.
    #[inline]
    pub fn of(_: &F) -> Self {
        Self(PhantomData)
    }
}

/// Finds a body that can be handed from thread to thread.
pub trait CanLeave {
    /// How it is put on the heap.
    type How;
    /// How it is put on the heap.
    fn __cache_own(&self) -> Option<Self::How>;
}

impl<R: 'static, F: Future<Output = (R, Terms)> + Send + 'static> CanLeave for &Owning<F> {
    type How = Own<F, R>;

    #[inline]
    fn __cache_own(&self) -> Option<Own<F, R>> {
        Some(|body| Box::pin(body))
    }
}

/// Finds any other body.
pub trait CannotLeave {
    /// How it would be put on the heap.
    type How;
    /// Nothing.
    fn __cache_own(&self) -> Option<Self::How>;
}

impl<R, F: Future<Output = (R, Terms)>> CannotLeave for Owning<F> {
    type How = Own<F, R>;

    #[inline]
    fn __cache_own(&self) -> Option<Own<F, R>> {
        None
    }
}

/// A load whose body does without its caller. Dropped before it is done, it is left to a follower.
pub(crate) struct Running<R: 'static> {
    /// `None` when it is done, or left.
    load: Option<(Leader<Key>, OwnedBody<R>)>,
    /// The waker that the body gets, and the one of the caller that it was made for.
    wakers: Option<(Waker, Waker)>,
    /// The load around the follower that took this over waits for it, and depends on it.
    awaited: Awaited,
}

/// What a load has entered that waits for another one.
#[derive(Default)]
pub(crate) struct Awaited {
    pub(crate) _wait: Option<Wait>,
    pub(crate) link: Option<Link>,
}

// Only its body is pinned, on the heap.
impl<R> Unpin for Running<R> {}

impl<R> Running<R> {
    pub(crate) fn new(leader: Leader<Key>, body: OwnedBody<R>) -> Self {
        Self { load: Some((leader, body)), wakers: None, awaited: Awaited::default() }
    }

    pub(crate) fn awaited(mut self, awaited: Awaited) -> Self {
        self.awaited = awaited;
        self
    }
}

impl<R> Future for Running<R> {
    type Output = (Leader<Key>, R, Terms);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let (leader, body) = this.load.as_mut().expect("not polled after it is done");
        let polled =
            catch_unwind(AssertUnwindSafe(|| leader.poll(body.as_mut(), &mut this.wakers, cx)));
        match polled {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready((out, terms))) => {
                let (mut leader, _) = this.load.take().expect("it was there a line above");
                // Who has taken it over depends on it now.
                leader.link = this.awaited.link.take().or_else(|| leader.link.take());
                Poll::Ready((leader, out, terms))
            }
            Err(panic) => {
                // A body that has panicked is left to nobody.
                if let Some((leader, _)) = this.load.take() {
                    leader.fail();
                }
                resume_unwind(panic)
            }
        }
    }
}

impl<R> Drop for Running<R> {
    fn drop(&mut self) {
        let Some((leader, body)) = self.load.take() else { return };
        let Some(flight) = leader.load.flight.clone() else { return };
        let unwanted = flight.orphan(Box::new(Self::new(leader, body)));
        if let Some(Ok(mut unwanted)) = unwanted.map(|load| load.downcast::<Self>()) {
            // Taken out, so that it ends here and does not look for a follower again.
            unwanted.load = None;
        }
    }
}

impl<K: AsKey> Drop for Leader<K> {
    fn drop(&mut self) {
        if !self.is_ended && std::thread::panicking() {
            self.fail();
        }
        if !self.is_ended
            && let Some(flight) = self.cache.memory.end(self.key.key(), self.load.id)
        {
            flight.abandon();
        }
        // Without effect on a flight that has landed.
        if let Some(flight) = &self.load.flight {
            flight.abandon();
        }
        if !self.is_ended {
            self.tell(Outcome::Abandoned, None);
        }
    }
}

impl From<Stored> for Outcome {
    fn from(stored: Stored) -> Self {
        match stored {
            Stored::Yes => Self::Stored,
            Stored::Outdated => Self::Outdated,
            Stored::Rejected => Self::Rejected,
        }
    }
}

/// Compares a stored result with a fresh one, and says so where they differ, unless it was outdated meanwhile.
///
/// # Panics
///
/// If they differ and that is to fail the call.
fn compare<R>(cache: &Inner, key: KeyRef<'_>, plan: Plan<R>, stored: &EntryRef, fresh: &EntryRef) {
    let (state, stored) = (key.state, stored.get());
    let Some(are_same) = plan.are_same() else { return };
    let Some(are_same) = quietly(key, || Some(are_same(stored, fresh.get()))) else { return };
    if !are_same && !stored.is_fresh(cache.clock.now()) {
        return;
    }
    state.counters.add(AnyTime::Verified, 1);
    if are_same {
        return;
    }
    state.counters.add(AnyTime::Divergences, 1);
    let &Function { name: function, file, line, .. } = state.function;
    let digest = stored.digest();
    let divergence = Divergence { function, file, line, key: &digest };
    if state.suspect(&digest) {
        if !cache.observers.is_any() && !cache.is_private() {
            eprintln!("warning: {divergence}");
        }
        cache.observers.tell(&Notice::Diverged { function, file, line, key: &digest });
    }
    assert!(!state.verify.fails, "{divergence}");
}

/// Notes how long a body took.
fn note_body(cache: &Inner, key: KeyRef<'_>, span: Duration, terms: &Terms) {
    terms.label.iter().for_each(|label| key.state.labels.note_load(label));
    key.state.counters.body(span);
    key.state.times.bodies.record(span);
    cache.times.bodies.record(span);
}

/// What followers get of a result that is not stored; `None` if it cannot be shared.
fn unstored<R>(cache: &Inner, key: KeyRef<'_>, plan: Plan<R>, out: &R) -> Option<Landing> {
    let draft = Draft {
        key,
        label: None,
        size: Some(0),
        life: Lifetime::default(),
        stamps: None,
        now: cache.clock.now(),
        place: cache.memory.place(),
    };
    quietly(key, || plan.entry(out, draft).map(Landing::Value))
        .or_else(|| quietly(key, || plan.share().map(|share| Landing::Outcome((share.pack)(out)))))
}

/// Makes the entry of a result, if the function wants it stored and it would live at all.
pub(crate) fn storable<R>(
    cache: &Inner,
    key: KeyRef<'_>,
    plan: Plan<R>,
    out: &R,
    terms: &mut Terms,
    sources: Option<&Sources>,
) -> Option<EntryRef> {
    let function = key.state.function;
    let verdict = plan.verdict(out);
    let is_wanted = match verdict {
        Verdict::Value => true,
        Verdict::Err => function.cache_err || terms.err_ttl.is_some(),
        Verdict::None => function.cache_none || terms.none_ttl.is_some(),
    };
    if !is_wanted {
        return None;
    }
    let said = sources.map(Sources::said).unwrap_or_default();
    let origin = sources.map(Sources::origin);
    let Origin { stamps, until } = origin.unwrap_or_else(|| Some(Origin::default()))?;
    let life = Lifetime { until, ..lifetime(cache, key, verdict, terms, said) };
    // The lifetime begins now that the value is there, however long it took.
    let now = if life.is_mortal() { cache.clock.now() } else { roughly(&cache.clock) };
    let deadline = life.deadline(now);
    if let Some(sources) = sources {
        sources.limit(deadline);
    }
    let is_refused = terms.is_refused || said.is_refused;
    if is_refused || deadline <= now || life.idle == Some(Duration::ZERO) {
        return None;
    }
    // A hit takes no memory.
    key.state.times.hits.reserve();
    cache.times.hits.reserve();
    let label = terms.label.take().map(|text| key.state.labels.label(text));
    let stamps = Stamps::new(stamps);
    let draft =
        Draft { key, label, size: terms.size, life, stamps, now, place: cache.memory.place() };
    quietly(key, || plan.entry(out, draft))
}

/// Stores a value that comes from no load, and plans for its end.
pub(crate) fn put(cache: &Ref<Inner>, entry: EntryRef, key: KeyRef<'_>) -> Stored {
    let planned = Sweep::of(&entry);
    let stored = cache.memory.put(entry, key, &cache.clock);
    planned.plan(cache, stored);
    stored
}

/// Has the outer tiers keep an entry.
pub(crate) fn keep(cache: &Inner, key: KeyRef<'_>, errand: Arc<dyn Errand>, entry: EntryRef) {
    let marks = entry.get().stamps().map(Stamps::marks).unwrap_or_default();
    let deadline = entry.get().deadline();
    let left = (deadline != Moment::NEVER).then(|| deadline.since(cache.clock.now()));
    let is_kept = errand.keep(entry, marks, left);
    key.state.counters.add(AnyTime::Kept, is_kept.into());
}

/// When an entry is to be looked at, if ever.
struct Sweep(Option<Moment>);

impl Sweep {
    fn of(entry: &EntryRef) -> Self {
        Self(entry.get().is_mortal().then(|| entry.get().due()))
    }

    fn plan(self, cache: &Ref<Inner>, stored: Stored) {
        if let Ref::Global(cache) = cache
            && let Some(due) = self.0
            && stored == Stored::Yes
        {
            cache.plan_sweep(due);
        }
    }
}

fn lifetime(
    cache: &Inner,
    key: KeyRef<'_>,
    verdict: Verdict,
    terms: &Terms,
    said: Said,
) -> Lifetime {
    let state = key.state;
    let function = state.function;
    let negative = match verdict {
        Verdict::Value => None,
        Verdict::Err => terms.err_ttl.or(function.err_ttl),
        Verdict::None => terms.none_ttl.or(function.none_ttl),
    };
    let negative = negative.map(|ttl| said.ttl.unwrap_or(ttl));
    let is_value = verdict == Verdict::Value;
    let own = negative.or(state.ttl).or(said.ttl).or(terms.ttl);
    let is_adaptive = is_value && own.is_none();
    let shortest = function.shortest.filter(|_| is_adaptive);
    let ttl = own.or(shortest).or_else(|| cache.ttl(state));
    Lifetime {
        ttl: ttl.map(|ttl| jittered(ttl, function.jitter, key.hash, &cache.clock)),
        idle: said.idle.or(terms.idle).or(function.idle),
        until: None,
        stale: terms.stale.or(function.stale).filter(|_| is_value),
        refresh_at: function.refresh_at.filter(|_| is_value),
        longest: function.longest.filter(|_| is_adaptive),
    }
}

/// A lifetime longer by up to so many percent, so that what was stored together does not expire together.
fn jittered(ttl: Duration, percent: u32, hash: u64, clock: &Clock) -> Duration {
    if percent == 0 {
        return ttl;
    }
    let random = hash ^ clock.now().0;
    // The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    let mut bits = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = f64::from((bits >> 32) as u32) / f64::from(u32::MAX);
    let longer = ttl.as_secs_f64() * share * f64::from(percent) / 100.0;
    ttl.saturating_add(Duration::try_from_secs_f64(longer).unwrap_or(Duration::MAX))
}

/// Runs user code that only the cache needs: a panic in it is counted, and the call goes on without storing.
fn quietly<R>(key: KeyRef<'_>, work: impl FnOnce() -> Option<R>) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        key.state.counters.add(AnyTime::Errors, 1);
        None
    })
}

/// About the present moment, for what only people look at.
fn roughly(clock: &Clock) -> Moment {
    epoch::slot().map_or_else(|| clock.now(), |slot| clock.roughly(&slot.hits_to_clock))
}
