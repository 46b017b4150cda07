//! How the results of one function leave the process and come back.

use std::any::Any;
use std::future::pending;
use std::sync::OnceLock;
use std::time::Duration;

use crate::backend::{BackendKey, Scope, Value};
use crate::codec::{Codec, Coder, Compression};
use crate::entry::{AnyValue, EntryRef};
use crate::event::Family;
use crate::events::Mark;
use crate::function::{Function, Tier, registered};
use crate::identity::KeyRef;
use crate::instance::{self, Instance, with_instance};
use crate::outer::{Answer, Asking, Errand, Question};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};
use crate::task::{BoxFuture, spawn, within};
use crate::time::Time;

use super::PATIENCE;
use super::claim::{self, Claim, Claimed, Claims};
use super::lane::Lane;
use super::marks::{self, Marks};
use super::pending::Pending;
use super::shape;
use super::stow::Stow;

/// How the results of one function leave the process and come back.
pub(super) struct Route {
    function: &'static Function,
    stow: &'static Stow,
    namespace: String,
    /// What the keys of its results begin with, and the marks of its calls.
    keys: Scope,
    parts: Scope,
    stops: Vec<Stop>,
    /// What results depend on that other processes may change, if those are heard.
    shared: Option<Family>,
    pending: Arc<Pending>,
    /// How often results were removed, by a part of the hash of their keys.
    n_removed: [AtomicU64; N_PARTS],
    claims: Claims,
    /// Why the codec cannot write the values.
    refusal: OnceLock<String>,
}

const N_PARTS: usize = 64;

/// A tier, and what the function says about it.
struct Stop {
    lane: Arc<Lane>,
    coder: Coder,
    ttl: Option<Duration>,
}

impl Route {
    /// Or why there is none.
    pub(super) fn new(
        function: &'static Function,
        instance: Option<Instance>,
        namespace: &str,
        pending: &Arc<Pending>,
        lanes: Vec<(Arc<Lane>, Tier)>,
    ) -> Result<Self, String> {
        let stow = instance.map_or(function.tiers.stow, |instance| instance.stow);
        let stow = found(stow).ok_or("they are not `Serialize` and `DeserializeOwned`")?;
        let fingerprint = fingerprint(function, stow);
        let furthest = lanes.iter().rev().find(|(lane, _)| lane.ear.is_some());
        let shared = furthest.map_or(Some(None), |(lane, _)| lane.follow());
        let shared = shared.ok_or("no thread can be started to hear other processes")?;
        let stop = |(lane, tier): (Arc<Lane>, Tier)| Stop {
            lane,
            coder: Coder::new(codec(tier.codec), compression(tier.compress), fingerprint),
            ttl: tier.ttl,
        };
        Ok(Self {
            function,
            stow,
            namespace: namespace.to_owned(),
            keys: BackendKey::version_scope(
                namespace,
                &name(function)?,
                &format!("{fingerprint:016x}"),
            ),
            parts: marks::parts(namespace, &function.family().name()),
            stops: lanes.into_iter().map(stop).collect(),
            shared,
            pending: Arc::clone(pending),
            n_removed: [const { AtomicU64::new(0) }; N_PARTS],
            claims: Claims::default(),
            refusal: OnceLock::new(),
        })
    }

    /// Why the codec cannot write the values, if that was seen.
    pub(super) fn refusal(&self) -> Option<String> {
        self.refusal.get().cloned()
    }

    /// What results depend on that other processes may change, if those are heard.
    pub(super) fn shared(&self) -> Option<Family> {
        self.shared
    }

    fn key(&self, key: KeyRef<'_>) -> BackendKey {
        self.key_of(key.bytes, key.instance)
    }

    /// What a call is called in the tiers.
    pub(super) fn key_of(&self, bytes: &[u8], instance: Option<Instance>) -> BackendKey {
        BackendKey::within(&self.keys, &with_instance(bytes, instance))
    }

    /// Whether results go to a tier.
    pub(super) fn goes_to(&self, lane: &Arc<Lane>) -> bool {
        self.stops.iter().any(|stop| Arc::ptr_eq(&stop.lane, lane))
    }

    fn n_removed(&self, key: KeyRef<'_>) -> &AtomicU64 {
        &self.n_removed[key.hash as usize % N_PARTS]
    }

    /// Notes that the result of a call is removed.
    pub(super) fn remove(&self, key: KeyRef<'_>) -> Vec<BoxFuture<'_, bool>> {
        self.n_removed(key).fetch_add(1, Ordering::SeqCst);
        let key = self.key(key);
        let part = marks::part(&self.parts, &key);
        let tiers = self.stops.iter().map(|stop| &stop.lane.guarded);
        let removals = tiers.flat_map(|tier| [tier.removal(&part), tier.removal(&key)]).collect();
        self.stops.iter().for_each(|stop| stop.lane.stage.drop_one(&key));
        removals
    }

    /// Has what loads leave that run now be removed again.
    pub(super) fn note_clear(&self) {
        for n_removed in &self.n_removed {
            n_removed.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Looks for a result in one tier after the other.
    pub(super) fn ask(self: Arc<Self>, key: KeyRef<'_>, question: Question) -> Option<Asking> {
        if self.refusal.get().is_some() {
            return None;
        }
        let part = key.hash as usize % N_PARTS;
        let n_removed = self.n_removed[part].load(Ordering::SeqCst);
        let key = self.key(key);
        Some(Box::pin(async move {
            let asked = self.look(&key, question);
            // What takes longer goes on without a tier.
            let (mut answer, missed) =
                within(&Time::system(), PATIENCE, asked).await.unwrap_or_default();
            let mut claim = None;
            if self.function.is_cluster
                && let Question::Result(endpoint) = question
                && answer.is_none()
                && !missed.is_empty()
            {
                (answer, claim) = self.claim(&key, endpoint).await;
            }
            let errand: Arc<dyn Errand> =
                Arc::new(Asked { route: self, key, part, n_removed, missed, claim, answer });
            errand
        }))
    }

    /// What a tier has, and the tiers before it, which have nothing.
    async fn look(&self, key: &BackendKey, question: Question) -> (Option<Found>, Vec<Missed>) {
        let mut missed = Vec::new();
        let part = marks::part(&self.parts, key);
        for (idx, stop) in self.stops.iter().enumerate() {
            let mut mark = None;
            match question {
                Question::Anew => stop.lane.stage.drop_one(key),
                Question::Result(endpoint) => match self.find(stop, key, &part, endpoint).await {
                    Ok(found) => return (Some(found), missed),
                    Err(known) => mark = known,
                },
            }
            if mark.is_none() {
                mark = stop.lane.ensured_mark(&part).await;
            }
            let part = mark.map(|mark| (part.clone(), mark));
            missed.push(Missed { idx, part, clock: stop.lane.clock().await });
        }
        (None, missed)
    }

    /// Waits until the tier that all processes share has the result, or nobody else computes it: then this one does.
    async fn claim(
        &self,
        key: &BackendKey,
        endpoint: Option<Family>,
    ) -> (Option<Found>, Option<Claim>) {
        let Some(stop) = self.stops.last() else { return (None, None) };
        let part = marks::part(&self.parts, key);
        let time = Time::system();
        let end = time.elapsed().saturating_add(claim::LEASE);
        loop {
            let place = marks::claim(&self.namespace, key);
            let claimed = self.claims.claim(&stop.lane.guarded, place).await;
            if matches!(claimed, Claimed::Never) {
                return (None, None);
            }
            // Whoever had it before may have left the result.
            if let Ok(found) = self.find(stop, key, &part, endpoint).await {
                return (Some(found), None);
            }
            if let Claimed::Here(claim) = claimed {
                // What is there is out of date, and in the way of what is to be stored.
                stop.lane.guarded.removal(key).await;
                return (None, Some(claim));
            }
            if time.elapsed() >= end {
                return (None, None);
            }
            within(&time, claim::PAUSE, pending::<()>()).await;
        }
    }

    /// The result that a tier has, or the mark of the call, if that is there.
    async fn find(
        &self,
        stop: &Stop,
        key: &BackendKey,
        part: &BackendKey,
        endpoint: Option<Family>,
    ) -> Result<Found, Option<u64>> {
        let staged = stop.lane.stage.take(key).filter(|value| value.is_fresh(&Time::system()));
        let is_staged = staged.is_some();
        let (value, mark) = match staged {
            Some(value) => (Some(value), None),
            None => stop.lane.get_with_mark(key, part).await,
        };
        let value = value.ok_or(mark)?;
        let (mut marks, bytes) = marks::split(value.payload()).ok_or(mark)?;
        // What lies on the stage goes when one of its marks does.
        let is_current = |(key, it): &(_, _)| key == part && (is_staged || Some(*it) == mark);
        if !marks.first().is_some_and(is_current)
            || endpoint.is_some_and(|it| !marks::hear(&self.namespace, &marks, &it.name()))
        {
            return Err(mark);
        }
        // What is done to the call here goes another way.
        marks.remove(0);
        if !is_staged && !stop.lane.has(&marks).await {
            return Err(mark);
        }
        let decoded = (self.stow.decode)(&stop.coder, value.encoding(), bytes);
        Ok(Found {
            value: Mutex::new(Some(decoded.map_err(|_| mark)?)),
            restore: self.stow.restore,
            left: value.remaining(&Time::system()),
            namespace: self.namespace.clone(),
            marks,
        })
    }

    /// An entry as a tier is to keep it; `None` if it cannot.
    async fn value(&self, missed: &Missed, key: &BackendKey, stored: &Stored) -> Option<Value> {
        let stop = &self.stops[missed.idx];
        let marks = self.marks(stop, missed, &stored.marks).await?;
        let encoded = match (self.stow.encode)(&stop.coder, stored.entry.get())? {
            Ok(encoded) => encoded,
            Err(error) => {
                let Function { module, name, .. } = self.function;
                let refusal = format!("the results of `{module}::{name}` stay in memory: {error}");
                drop(self.refusal.set(refusal));
                return None;
            }
        };
        // The entry may have waited.
        let left = stored.left.map(|left| left.saturating_sub(stored.since()));
        let left = [left, stop.ttl].into_iter().flatten().min();
        Some(Value::seal_after(&marks::written(&marks), key, &encoded, left, &Time::system()))
    }

    /// The marks that an entry depends on, unless one may have gone since the clock was looked at.
    async fn marks(&self, stop: &Stop, missed: &Missed, marks: &[Mark]) -> Option<Marks> {
        let Missed { part, clock, .. } = missed;
        let mut found = vec![part.clone()?];
        for mark in marks {
            let key = marks::key(&self.namespace, mark);
            let mark = stop.lane.ensured_mark(&key).await?;
            found.push((key, mark));
        }
        let is_quiet = marks.is_empty() || clock.is_some() && stop.lane.clock().await == *clock;
        is_quiet.then_some(found)
    }
}

/// What a load has asked.
struct Asked {
    route: Arc<Route>,
    key: BackendKey,
    part: usize,
    /// As it was before.
    n_removed: u64,
    missed: Vec<Missed>,
    /// What keeps other processes from computing the same.
    claim: Option<Claim>,
    answer: Option<Found>,
}

/// A tier that has no result, with the mark of the call and the clock as they were before the body ran.
struct Missed {
    idx: usize,
    part: Option<(BackendKey, u64)>,
    clock: Option<u64>,
}

/// What is to be kept.
struct Stored {
    entry: EntryRef,
    marks: Vec<Mark>,
    left: Option<Duration>,
    at: Duration,
}

impl Stored {
    /// How long ago it was stored.
    fn since(&self) -> Duration {
        Time::system().elapsed().saturating_sub(self.at)
    }
}

impl Errand for Asked {
    fn answer(&self) -> Option<&dyn Answer> {
        self.answer.as_ref().map(|found| found as &dyn Answer)
    }

    fn keep(self: Arc<Self>, entry: EntryRef, marks: Vec<Mark>, left: Option<Duration>) -> bool {
        if self.missed.is_empty() {
            return false;
        }
        let stored = Stored { entry, marks, left, at: Time::system().elapsed() };
        let busy = self.route.pending.begin();
        spawn(async move {
            let _busy = busy;
            let Self { route, key, .. } = &*self;
            for missed in &self.missed {
                let guarded = &route.stops[missed.idx].lane.guarded;
                let value = route.value(missed, key, &stored).await;
                let claim = self.claim.as_ref().filter(|_| missed.idx + 1 == route.stops.len());
                let is_noted = value.is_some();
                match (value, claim) {
                    (Some(value), Some(claim)) => claim.store(key, value).await,
                    (Some(value), None) => guarded.note(key, value),
                    (None, _) => {}
                }
                // After it was noted: whoever removes it from now on finds it.
                let n_removed = route.n_removed[self.part].load(Ordering::SeqCst);
                let is_outdated = n_removed != self.n_removed || !stored.entry.get().is_current();
                if is_outdated || !is_noted {
                    // Nor is what was there before to come back.
                    guarded.removal(key).await;
                }
            }
        });
        true
    }
}

/// A result that a tier had.
struct Found {
    /// Until the load that has asked takes it.
    value: Mutex<Option<Box<AnyValue>>>,
    restore: fn(Box<AnyValue>, &mut dyn Any),
    left: Option<Duration>,
    namespace: String,
    marks: Marks,
}

impl Answer for Found {
    fn restore(&self, out: &mut dyn Any) {
        if let Some(value) = self.value.lock().take() {
            (self.restore)(value, out);
        }
    }

    fn left(&self) -> Option<Duration> {
        self.left
    }

    fn depends_only_on(&self, marks: &[Mark]) -> bool {
        let known: Vec<_> = marks.iter().map(|mark| marks::key(&self.namespace, mark)).collect();
        self.marks.iter().all(|(key, _)| known.contains(key))
    }
}

/// What tells a function, and those that it says it depends on, from what they were before they were edited.
fn fingerprint(function: &'static Function, stow: &Stow) -> u64 {
    let own = |Function { version, tiers, .. }: &'static Function, stow: Option<&Stow>| {
        let shape = stow.map_or(0, |stow| (stow.shape)());
        shape::join(shape::join(tiers.fingerprint, *version), shape)
    };
    let mut fingerprint = own(function, Some(stow));
    // Each of them once, so that a circle ends.
    let mut functions = vec![function];
    let mut idx = 0;
    while let Some(function) = functions.get(idx).copied() {
        idx += 1;
        for dependency in function.tiers.depends_on.iter().map(|function| function()) {
            if !functions.iter().any(|known| std::ptr::eq(*known, dependency)) {
                fingerprint =
                    shape::join(fingerprint, own(dependency, found(dependency.tiers.stow)));
                functions.push(dependency);
            }
        }
    }
    fingerprint
}

/// How values leave the process, if they can.
fn found(stow: fn() -> Option<&'static instance::Stow>) -> Option<&'static Stow> {
    stow().and_then(|stow| stow.downcast_ref())
}

/// All results of a function, and the marks of its calls.
pub(super) fn scopes(namespace: &str, function: &'static Function) -> Result<[Scope; 2], String> {
    let functions = [marks::function(&function.family().name()), name(function)?];
    Ok(functions.map(|function| Scope::function(namespace, &function)))
}

/// What a function is called in keys: another function, in this program, is called otherwise.
fn name(function: &'static Function) -> Result<String, String> {
    let Function { module, name, line, .. } = function;
    let namesakes = registered().filter(|it| (it.module, it.name) == (module, name));
    let (n_namesakes, n_on_line) = namesakes.fold((0, 0), |(n_namesakes, n_on_line), it| {
        (n_namesakes + 1, n_on_line + usize::from(it.line == *line))
    });
    match (n_namesakes, n_on_line) {
        (1, _) => Ok(format!("{module}::{name}")),
        (0, _) | (_, 1) => Ok(format!("{module}::{name} line {line}")),
        _ => Err(format!("{n_on_line} functions have this name: give each a `name = \"…\"`")),
    }
}

fn codec(name: Option<&str>) -> Codec {
    match name {
        Some("messagepack") => Codec::MessagePack,
        _ => Codec::Bincode,
    }
}

fn compression(name: Option<&str>) -> Compression {
    match name {
        Some("none") => Compression::None,
        Some("zstd") => Compression::Zstd,
        _ => Compression::Lz4,
    }
}
