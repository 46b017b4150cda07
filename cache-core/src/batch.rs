//! Many calls of one function, whose misses are loaded together: `batch = load_users`.
//!
//! Each call looks, leads and follows as it would by itself, see [`Miss::claim`]. What leads is computed by one load of
//! its own, the *batch*, which the others wait for. That runs before anybody is waited for, so that two batches that
//! want each other's keys do not wait for each other.

use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

use crate::call::{Apart, Call, Claim, Miss};
use crate::context::{self, Around, LoadScope};
use crate::executor::block_on;
use crate::flight::Flight;
use crate::identity::Key;
use crate::lead::{Awaited, Leader, Running, Terms};
use crate::loads::Company;
use crate::outcome::Plan;
use crate::sync::Arc;
use crate::waits::{Frame, LoadId};

/// Calls that are answered together.
pub struct Batch<R: 'static, K> {
    plan: Plan<R>,
    /// Of the function, and of the one that loads for it.
    names: [&'static str; 2],
    results: Vec<Option<R>>,
    /// With whether the present result is too old, wherever it is.
    misses: Vec<(usize, K, Miss<R>, bool)>,
    /// Loads that other callers have left.
    adopted: Vec<(usize, Running<R>)>,
}

impl<R: 'static, K> Batch<R, K> {
    /// No calls yet of `function`, whose results `loader` loads.
    pub fn new(plan: Plan<R>, function: &'static str, loader: &'static str) -> Self {
        let names = [function, loader];
        Self { plan, names, results: Vec::new(), misses: Vec::new(), adopted: Vec::new() }
    }

    /// Adds a call with its arguments.
    pub fn add(&mut self, call: &mut Call, key: K) {
        let (miss, is_due) = match call.get_apart(self.plan) {
            Apart::Hit(out) => return self.results.push(Some(out)),
            // Here and now, together with what is missing.
            Apart::Due(_, reload) => (reload.into_miss(), true),
            Apart::Miss(miss) => (miss, false),
        };
        self.misses.push((self.results.len(), key, miss, is_due));
        self.results.push(None);
    }

    /// The results of the calls, of which `load` gets those that nobody else loads.
    ///
    /// `before` and `after` are what the attribute says of each result; what the first keeps is for the second.
    // By reference, so that no trait of the user's with a method of that name comes first.
    pub async fn load<T, F: Future<Output = Vec<R>>>(
        &mut self,
        mut before: impl FnMut(K, &mut Terms) -> (K, T),
        mut load: impl FnMut(Vec<K>) -> F,
        mut after: impl FnMut(&R, T, &mut Terms),
    ) -> Vec<R> {
        let ask = |(idx, key, miss, is_due): (usize, K, Miss<R>, bool)| {
            let claim = Box::pin(miss.claim(Company::Expected));
            Asked { idx, key: Some(key), is_due, claim }
        };
        let mut asked: Vec<_> = self.misses.drain(..).map(ask).collect();
        loop {
            let led = poll_fn(|cx| self.poll_asked(&mut asked, cx)).await;
            if led.is_empty() {
                return self.results.drain(..).flatten().collect();
            }
            self.load_led(led, &mut before, &mut load, &mut after).await;
        }
    }

    /// The results of the calls of a sync function, as [`load`](Self::load) has those of an async one.
    pub fn load_sync<T>(
        &mut self,
        before: impl FnMut(K, &mut Terms) -> (K, T),
        mut load: impl FnMut(Vec<K>) -> Vec<R>,
        after: impl FnMut(&R, T, &mut Terms),
    ) -> Vec<R> {
        block_on(self.load(before, |keys| ready(load(keys)), after))
    }

    /// Waits for the results of others. Ready with calls to be loaded here, or with none when all results are there.
    fn poll_asked<C: Future<Output = Claim<R>>>(
        &mut self,
        asked: &mut Vec<Asked<K, C>>,
        cx: &mut Context<'_>,
    ) -> Poll<Vec<Led<K>>> {
        let mut led = Vec::new();
        asked.retain_mut(|Asked { idx, key, is_due, claim }| {
            let Poll::Ready(claim) = claim.as_mut().poll(cx) else { return true };
            let leader = match claim {
                Claim::Shared(out) => {
                    self.results[*idx] = Some(out);
                    return false;
                }
                Claim::Adopt(load, awaited) => match load.downcast::<Running<R>>() {
                    Ok(load) => {
                        self.adopted.push((*idx, load.awaited(awaited)));
                        return false;
                    }
                    // All loads of a function are of one type.
                    Err(_) => None,
                },
                Claim::Unclaimed => None,
                // A leader at once: it ends its load when it is dropped.
                Claim::Lead(lead) => Some(lead.unasked()),
            };
            led.extend(key.take().map(|key| Led { idx: *idx, key, is_due: *is_due, leader }));
            false
        });
        // After that, which may have found more of them.
        self.poll_adopted(cx);
        let is_done = asked.is_empty() && self.adopted.is_empty();
        if led.is_empty() && !is_done { Poll::Pending } else { Poll::Ready(led) }
    }

    /// Goes on with the loads that other callers have left.
    fn poll_adopted(&mut self, cx: &mut Context<'_>) {
        self.adopted.retain_mut(|(idx, load)| {
            let Poll::Ready((leader, out, terms)) = Pin::new(load).poll(cx) else { return true };
            self.results[*idx] = Some(leader.finish(self.plan, out, terms));
            false
        });
    }

    /// Asks the outer tiers for all that is led here at once, and says what they do not have.
    async fn recall<T>(
        &mut self,
        mut led: Vec<Led<K>>,
        before: &mut impl FnMut(K, &mut Terms) -> (K, T),
        after: &mut impl FnMut(&R, T, &mut Terms),
    ) -> Vec<Led<K>> {
        let leaders = led.iter_mut().filter_map(|led| Some((led.leader.as_mut()?, led.is_due)));
        let mut asking: Vec<_> = leaders.map(|(it, is_due)| Box::pin(it.ask(is_due))).collect();
        poll_fn(|cx| {
            self.poll_adopted(cx);
            asking.retain_mut(|asking| asking.as_mut().poll(cx).is_pending());
            if asking.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(asking);
        let mut missing = Vec::new();
        for led in led {
            let found = led.leader.as_ref().and_then(|it| within(Some(it), context::recalled));
            let Some(out) = found else {
                missing.push(led);
                continue;
            };
            let Led { idx, key, leader, .. } = led;
            let mut terms = Terms::new();
            let (_, kept) = within(leader.as_ref(), || before(key, &mut terms));
            within(leader.as_ref(), || after(&out, kept, &mut terms));
            self.results[idx] = leader.map(|leader| leader.finish(self.plan, out, terms));
        }
        missing
    }

    /// Loads what is led here with one body.
    async fn load_led<T, F: Future<Output = Vec<R>>>(
        &mut self,
        led: Vec<Led<K>>,
        before: &mut impl FnMut(K, &mut Terms) -> (K, T),
        load: &mut impl FnMut(Vec<K>) -> F,
        after: &mut impl FnMut(&R, T, &mut Terms),
    ) {
        let led = self.recall(led, before, after).await;
        if led.is_empty() {
            return;
        }
        let body = Body::new(&led);
        let n_keys = led.len();
        let (mut keys, mut loads) = (Vec::new(), Vec::new());
        for Led { idx, key, mut leader, .. } in led {
            let awaited = leader.as_mut().map(|leader| leader.computed_by(&body.flight, n_keys));
            let mut terms = Terms::new();
            let (key, kept) = within(leader.as_ref(), || before(key, &mut terms));
            keys.push(key);
            loads.push((idx, leader.zip(awaited), terms, kept));
        }
        let mut future = pin!(body.within(|| load(keys)));
        let outs = poll_fn(|cx| {
            self.poll_adopted(cx);
            body.poll(future.as_mut(), cx)
        });
        let outs = outs.await;
        let [function, loader] = self.names;
        assert!(
            outs.len() == loads.len(),
            "`{loader}` returned {} results for {} keys of `{function}`: it must return one for each key, in their order",
            outs.len(),
            loads.len()
        );
        for ((idx, leader, mut terms, kept), out) in loads.into_iter().zip(outs) {
            within(leader.as_ref().map(|(leader, _)| leader), || after(&out, kept, &mut terms));
            self.results[idx] = Some(match leader {
                Some((leader, awaited)) => {
                    body.hand_on(&leader, awaited);
                    leader.finish(self.plan, out, terms)
                }
                None => out,
            });
        }
    }
}

/// A call that was a miss, and asks how to go on.
struct Asked<K, C> {
    idx: usize,
    /// Taken when it is to be loaded here.
    key: Option<K>,
    is_due: bool,
    claim: Pin<Box<C>>,
}

/// A call to be loaded here.
struct Led<K> {
    idx: usize,
    key: K,
    is_due: bool,
    /// `None` if the cache has nothing to do with the call.
    leader: Option<Leader<Key>>,
}

/// Runs what belongs to one result in its load.
fn within<R>(leader: Option<&Leader<Key>>, work: impl FnOnce() -> R) -> R {
    match leader {
        Some(leader) => {
            let _scope = leader.enter();
            work()
        }
        None => context::bypass(work),
    }
}

/// One load for many keys.
struct Body {
    /// What the loads of the keys are computed from.
    flight: Arc<Flight>,
    /// `None` if the cache has nothing to do with any of the calls.
    around: Option<Around>,
    /// Those of the keys.
    flights: Arc<[Arc<Flight>]>,
}

impl Body {
    fn new<K>(led: &[Led<K>]) -> Self {
        let flight = Flight::new(LoadId::new());
        let leaders = || led.iter().filter_map(|led| led.leader.as_ref());
        let around = leaders().next().map(|leader| Around {
            id: flight.id,
            frame: Some(Arc::new(Frame { id: flight.id, parent: context::frame() })),
            flight: Some(Arc::clone(&flight)),
            errand: None,
            ..leader.around()
        });
        let flights = leaders().filter_map(|leader| leader.flight().cloned()).collect();
        Self { flight, around, flights }
    }

    fn enter(&self) -> Option<LoadScope> {
        match &self.around {
            Some(around) => Some(LoadScope::enter(around.clone())),
            None => LoadScope::enter_bypassed(),
        }
    }

    fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        let _scope = self.enter();
        work()
    }

    /// Polls the body. All who wait for one of its keys learn whether it goes on.
    fn poll<F: Future>(&self, body: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.flights.iter().for_each(|flight| flight.polled());
        let waker = BodyWaker { flights: Arc::clone(&self.flights), waker: cx.waker().clone() };
        let waker = Waker::from(Arc::new(waker));
        self.within(|| body.poll(&mut Context::from_waker(&waker)))
    }

    /// What the body was computed from, and what it has said, goes for the result of each key.
    fn hand_on(&self, leader: &Leader<Key>, awaited: Awaited) {
        if let Some(link) = awaited.link {
            link.keep();
        }
        let all_said = self.flight.sources().said();
        if let Some(flight) = leader.flight() {
            flight.sources().say(|said| *said = all_said);
        }
    }
}

/// The waker that the body gets: it wakes the caller, and all flights learn of it.
struct BodyWaker {
    flights: Arc<[Arc<Flight>]>,
    waker: Waker,
}

impl Wake for BodyWaker {
    fn wake(self: Arc<Self>) {
        self.flights.iter().for_each(Flight::woken);
        self.waker.wake_by_ref();
    }
}
