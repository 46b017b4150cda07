//! Leading a load: running the body, and deciding what becomes of its result.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use crate::cache::Inner;
use crate::context::FrameScope;
use crate::entry::{AnyEntry, Draft, Key, Lifetime};
use crate::flight::{Landing, LeaderWaker};
use crate::memory::Stored;
use crate::outcome::{Kind, Plan, Verdict};
use crate::shard::Load;
use crate::stats::Count;
use crate::sync::{Arc, Ref};
use crate::waits::{Frame, LoadId, Wait};

/// What a load says about its result, apart from the result.
#[derive(Debug, Default)]
pub struct Terms {
    label: Option<Box<str>>,
    ttl: Option<Duration>,
    idle: Option<Duration>,
    err_ttl: Option<Duration>,
    none_ttl: Option<Duration>,
    is_refused: bool,
    size: Option<usize>,
}

impl Terms {
    /// Nothing special.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
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

    /// `size = |value| …`.
    pub fn size<K: Kind>(&mut self, _: K, out: &K::Output, size: impl FnOnce(&K::Stored) -> usize) {
        self.size = K::stored(out).map(size);
    }
}

/// A load that this call runs. Dropped before it is finished, it hands over to a follower.
pub(crate) struct Leader {
    cache: Ref<Inner>,
    key: Key,
    load: Load,
    frame: Arc<Frame>,
    /// The load around this one waits for it.
    _wait: Option<Wait>,
    is_ended: bool,
}

impl Leader {
    pub(crate) fn new(cache: Ref<Inner>, key: Key, load: Load, parent: Option<Arc<Frame>>) -> Self {
        let id = load.flight.as_ref().map_or_else(LoadId::new, |flight| flight.id);
        key.state.counters.add(Count::Loads, 1);
        let wait = parent.as_deref().map(|parent| Wait::for_nested(parent, id));
        Self {
            cache,
            key,
            load,
            frame: Arc::new(Frame { id, parent }),
            _wait: wait,
            is_ended: false,
        }
    }

    /// Runs a sync body. Calls that it makes learn what they are part of.
    pub(crate) fn run<R>(&self, body: impl FnOnce() -> R) -> R {
        let _scope = FrameScope::enter(&self.frame);
        body()
    }

    /// Runs an async body. Calls that it makes learn what they are part of, and followers whether it goes on.
    pub(crate) async fn run_async<F: Future>(&self, body: F) -> F::Output {
        let mut body = pin!(body);
        // The waker that the body gets, and the one of the caller that it was made for.
        let mut wakers: Option<(Waker, Waker)> = None;
        poll_fn(|cx| {
            let _scope = FrameScope::enter(&self.frame);
            let Some(flight) = &self.load.flight else { return body.as_mut().poll(cx) };
            flight.polled();
            if wakers.as_ref().is_none_or(|(_, callers)| !callers.will_wake(cx.waker())) {
                let waker = LeaderWaker { flight: Arc::clone(flight), waker: cx.waker().clone() };
                wakers = Some((Waker::from(Arc::new(waker)), cx.waker().clone()));
            }
            let waker = wakers.as_ref().map_or(cx.waker(), |(own, _)| own);
            body.as_mut().poll(&mut Context::from_waker(waker))
        })
        .await
    }

    /// Stores the result if it is to be stored, and gives it to the followers.
    pub(crate) fn finish<R>(mut self, plan: &Plan<R>, out: &R, terms: Terms) {
        // The value's own code runs from here on, and may call the function that is being led.
        let _scope = FrameScope::enter(&self.frame);
        let entry = storable(&self.cache, &self.key, plan, out, terms);
        match &entry {
            Some(entry) => {
                store(&self.cache, entry, Some(&self.load));
            }
            None => self.cache.memory.end(&self.key, &self.load),
        }
        // From here on nobody can join, so that the number of followers is final.
        self.is_ended = true;
        let Some(flight) = self.load.flight.as_ref().filter(|flight| flight.has_followers()) else {
            return;
        };
        if let Some(entry) = entry {
            flight.land(Landing::Value(entry));
        } else if let Some(landing) = unstored(&self.cache, &self.key, plan, out) {
            flight.land(landing);
        }
    }
}

impl Drop for Leader {
    fn drop(&mut self) {
        if !self.is_ended {
            self.cache.memory.end(&self.key, &self.load);
        }
        // Without effect on a flight that has landed.
        if let Some(flight) = &self.load.flight {
            flight.abandon();
        }
    }
}

/// What followers get of a result that is not stored; `None` if it cannot be shared.
fn unstored<R>(cache: &Inner, key: &Key, plan: &Plan<R>, out: &R) -> Option<Landing> {
    let draft = Draft {
        key: key.clone(),
        label: None,
        size: Some(0),
        life: Lifetime::default(),
        now: cache.clock.now(),
    };
    quietly(key, || (plan.entry)(out, draft).map(Landing::Value))
        .or_else(|| quietly(key, || plan.share.map(|share| Landing::Outcome((share.pack)(out)))))
}

/// Makes the entry of a result, if the function wants it stored and it would live at all.
pub(crate) fn storable<R>(
    cache: &Inner,
    key: &Key,
    plan: &Plan<R>,
    out: &R,
    terms: Terms,
) -> Option<Arc<AnyEntry>> {
    let function = key.state.function;
    let verdict = (plan.verdict)(out);
    let is_wanted = match verdict {
        Verdict::Value => true,
        Verdict::Err => function.cache_err || terms.err_ttl.is_some(),
        Verdict::None => function.cache_none || terms.none_ttl.is_some(),
    };
    let life = lifetime(cache, key, verdict, &terms);
    if !is_wanted || terms.is_refused || [life.ttl, life.idle].contains(&Some(Duration::ZERO)) {
        return None;
    }
    // The lifetime begins now that the value is there, however long it took.
    let draft = Draft {
        key: key.clone(),
        label: terms.label,
        size: terms.size,
        life,
        now: cache.clock.now(),
    };
    quietly(key, || (plan.entry)(out, draft))
}

/// Stores an entry, and plans for its end.
pub(crate) fn store(cache: &Ref<Inner>, entry: &Arc<AnyEntry>, load: Option<&Load>) -> Stored {
    let stored = match load {
        Some(load) => cache.memory.publish(entry, load, &cache.clock),
        None => cache.memory.put(entry, &cache.clock),
    };
    if let Ref::Global(cache) = cache
        && stored == Stored::Yes
        && entry.is_mortal()
    {
        cache.plan_sweep(entry.due());
    }
    stored
}

fn lifetime(cache: &Inner, key: &Key, verdict: Verdict, terms: &Terms) -> Lifetime {
    let state = &key.state;
    let function = state.function;
    let negative = match verdict {
        Verdict::Value => None,
        Verdict::Err => terms.err_ttl.or(function.err_ttl),
        Verdict::None => terms.none_ttl.or(function.none_ttl),
    };
    let ttl = negative.or(state.ttl).or(terms.ttl).or_else(|| cache.ttl(state));
    Lifetime {
        ttl: ttl.map(|ttl| jittered(ttl, function.jitter, key.hash ^ cache.clock.now().0)),
        idle: terms.idle.or(function.idle),
    }
}

/// A lifetime longer by up to so many percent, so that what was stored together does not expire together.
fn jittered(ttl: Duration, percent: u32, random: u64) -> Duration {
    // The finalizer of SplitMix64 (Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", 2014).
    let mut bits = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = f64::from((bits >> 32) as u32) / f64::from(u32::MAX);
    let longer = ttl.as_secs_f64() * share * f64::from(percent) / 100.0;
    ttl.saturating_add(Duration::try_from_secs_f64(longer).unwrap_or(Duration::MAX))
}

/// Runs user code that only the cache needs: a panic in it is counted, and the call goes on without storing.
fn quietly<R>(key: &Key, work: impl FnOnce() -> Option<R>) -> Option<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        key.state.counters.add(Count::Errors, 1);
        None
    })
}
