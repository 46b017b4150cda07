//! What a `#[cached]` site declares, the registry of all sites, and what one cache knows of each.

use std::sync::OnceLock;
use std::time::Duration;

use once_cell::race::OnceRef;

use crate::budget::Budget;
use crate::curve::{Curve, Reuse};
use crate::epoch::Threads;
use crate::event::Family;
use crate::instance::Stow;
use crate::key::Start;
use crate::labels::{LabelStats, Labels};
use crate::latency::Times;
use crate::serialize::{seconds_if_any, serialize_fields};
use crate::stats::{Counters, Stats};
use crate::sync::{AtomicU32, AtomicU64, Mutex, Ordering};
use crate::verify::{Sampler, Verify};

/// A cached function as its attribute declares it: one `static` a site.
#[derive(Debug)]
pub struct Function {
    pub(crate) name: &'static str,
    pub(crate) module: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    pub(crate) version: u64,
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) err_ttl: Option<Duration>,
    pub(crate) none_ttl: Option<Duration>,
    pub(crate) jitter: u32,
    /// The bounds of a lifetime that grows with its use.
    pub(crate) shortest: Option<Duration>,
    pub(crate) longest: Option<Duration>,
    /// The names of the checks that a result goes through when it is found.
    pub(crate) layers: &'static [&'static str],
    /// The share of a lifetime, in percent, after which a result is reloaded.
    pub(crate) refresh_at: Option<u32>,
    /// How long a result may be served in need when it has expired.
    pub(crate) stale: Option<Duration>,
    /// Whether results may be served when they have expired, for however long,
    pub(crate) has_stale: bool,
    /// and whether that is so at once, and not only in need.
    pub(crate) revalidates: bool,
    /// Whether they stand in for errors.
    pub(crate) answers_errors: bool,
    pub(crate) max_entries: Option<usize>,
    pub(crate) max_bytes: Option<usize>,
    /// What a run of the body costs, in money.
    pub(crate) cost: Option<f64>,
    pub(crate) single_flight: bool,
    /// Whether one body of a key runs among all processes that share a tier.
    pub(crate) is_cluster: bool,
    pub(crate) cache_err: bool,
    pub(crate) cache_none: bool,
    /// Whether its entries have labels.
    pub(crate) is_labelled: bool,
    /// Each result has a lifetime of its own.
    pub(crate) is_mortal: bool,
    /// Whether its results depend on the cached functions that it calls.
    pub(crate) inherits: bool,
    /// What the events are called that it names; `None` if it says nothing about events.
    pub(crate) events: Option<&'static [&'static str]>,
    /// Whether and how its results are kept outside of the process.
    pub(crate) tiers: Tiers,
    /// Its state in the global cache, one load away: a hit does not search for it.
    pub(crate) global: OnceRef<'static, FunctionState>,
}

impl Function {
    /// What the hashes of its keys begin with, the same in every cache.
    pub(crate) fn keys(&'static self) -> Start {
        Start::new(std::ptr::from_ref(self).addr() as u64)
    }

    /// A function with default behaviour.
    pub const fn new(
        name: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
    ) -> Self {
        Self {
            name,
            module,
            file,
            line,
            version: 0,
            ttl: None,
            idle: None,
            err_ttl: None,
            none_ttl: None,
            jitter: 0,
            shortest: None,
            longest: None,
            layers: &[],
            refresh_at: None,
            stale: None,
            has_stale: false,
            revalidates: false,
            answers_errors: false,
            max_entries: None,
            max_bytes: None,
            cost: None,
            single_flight: true,
            is_cluster: false,
            cache_err: false,
            cache_none: false,
            is_labelled: false,
            is_mortal: false,
            inherits: true,
            events: None,
            tiers: Tiers::NONE,
            global: OnceRef::new(),
        }
    }

    /// Whether a result may be about to be reloaded, or served when it has expired.
    pub(crate) fn looks_twice(&self) -> bool {
        self.refresh_at.is_some() || self.has_stale
    }

    /// What is done by hand to its calls.
    pub(crate) fn family(&'static self) -> Family {
        Family::of_function(std::ptr::from_ref(self).addr(), self.module, self.name)
    }

    /// What other processes do to its calls.
    pub(crate) fn elsewhere(&'static self) -> Family {
        Family::elsewhere(std::ptr::from_ref(self).addr(), self.module, self.name)
    }

    /// `version = N`.
    pub const fn version(mut self, version: u64) -> Self {
        self.version = version;
        self
    }

    /// `ttl = DUR`.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// `idle = DUR`.
    pub const fn idle(mut self, idle: Duration) -> Self {
        self.idle = Some(idle);
        self
    }

    /// `ttl` or `idle`, to be computed for each result.
    pub const fn mortal(mut self) -> Self {
        self.is_mortal = true;
        self
    }

    /// `err_ttl = DUR`, which implies `cache_err`.
    pub const fn err_ttl(mut self, ttl: Duration) -> Self {
        self.err_ttl = Some(ttl);
        self.cache_err()
    }

    /// `none_ttl = DUR`, which implies `cache_none`.
    pub const fn none_ttl(mut self, ttl: Duration) -> Self {
        self.none_ttl = Some(ttl);
        self.cache_none()
    }

    /// `jitter = N%`.
    pub const fn jitter(mut self, percent: u32) -> Self {
        self.jitter = percent;
        self
    }

    /// The first of `adaptive_ttl = DUR..DUR`.
    pub const fn shortest(mut self, ttl: Duration) -> Self {
        self.shortest = Some(ttl);
        self
    }

    /// The second of `adaptive_ttl = DUR..DUR`.
    pub const fn longest(mut self, ttl: Duration) -> Self {
        self.longest = Some(ttl);
        self
    }

    /// `validate = …`, by the names of its layers.
    pub const fn layers(mut self, names: &'static [&'static str]) -> Self {
        self.layers = names;
        self
    }

    /// `refresh_at = N%`.
    pub const fn refresh_at(mut self, percent: u32) -> Self {
        self.refresh_at = Some(percent);
        self
    }

    /// `stale = DUR`.
    pub const fn stale(mut self, stale: Duration) -> Self {
        self.stale = Some(stale);
        self
    }

    /// `stale = …`.
    pub const fn has_stale(mut self) -> Self {
        self.has_stale = true;
        self
    }

    /// `stale = …`, without a word that has callers wait for a better result.
    pub const fn revalidates(mut self) -> Self {
        self.revalidates = true;
        self
    }

    /// `on_err = stale`.
    pub const fn answers_errors(mut self) -> Self {
        self.answers_errors = true;
        self
    }

    /// `max_entries = N`.
    pub const fn max_entries(mut self, max: usize) -> Self {
        self.max_entries = Some(max);
        self
    }

    /// `max_bytes = SIZE`.
    pub const fn max_bytes(mut self, max: usize) -> Self {
        self.max_bytes = Some(max);
        self
    }

    /// `cost = NUMBER`.
    pub const fn cost(mut self, cost: f64) -> Self {
        self.cost = Some(cost);
        self
    }

    /// `single_flight = BOOL`.
    pub const fn single_flight(mut self, on: bool) -> Self {
        self.single_flight = on;
        self
    }

    /// `single_flight = cluster`.
    pub const fn cluster(mut self) -> Self {
        self.is_cluster = true;
        self
    }

    /// `cache_err`.
    pub const fn cache_err(mut self) -> Self {
        self.cache_err = true;
        self
    }

    /// `cache_none`.
    pub const fn cache_none(mut self) -> Self {
        self.cache_none = true;
        self
    }

    /// `label = "…"`.
    pub const fn labelled(mut self) -> Self {
        self.is_labelled = true;
        self
    }

    /// `inherit = BOOL`.
    pub const fn inherit(mut self, on: bool) -> Self {
        self.inherits = on;
        self
    }

    /// `invalidate_on = …`, as far as the events can be named before the first call.
    pub const fn events(mut self, titles: &'static [&'static str]) -> Self {
        self.events = Some(titles);
        self
    }

    /// `disk`.
    pub const fn disk(mut self, tier: Tier) -> Self {
        self.tiers.disk = Some(tier);
        self
    }

    /// `redis`.
    pub const fn redis(mut self, tier: Tier) -> Self {
        self.tiers.redis = Some(tier);
        self
    }

    /// What tells it from what it was before it was edited.
    pub const fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.tiers.fingerprint = fingerprint;
        self
    }

    /// `depends_on = [path, …]`.
    pub const fn depends_on(mut self, functions: &'static [fn() -> &'static Self]) -> Self {
        self.tiers.depends_on = functions;
        self
    }

    /// How its values leave the process.
    pub const fn stow(mut self, stow: fn() -> Option<&'static Stow>) -> Self {
        self.tiers.stow = stow;
        self
    }
}

/// What a function says about the tiers behind the memory.
#[derive(Clone, Copy, Debug)]
pub struct Tiers {
    /// `disk`.
    pub disk: Option<Tier>,
    /// `redis`.
    pub redis: Option<Tier>,
    /// Tells the function from what it was before it was edited.
    pub fingerprint: u64,
    /// Those whose fingerprints are added to that.
    pub depends_on: &'static [fn() -> &'static Function],
    /// How its values leave the process, if they can and it is not generic.
    pub stow: fn() -> Option<&'static Stow>,
}

impl Tiers {
    const NONE: Self =
        Self { disk: None, redis: None, fingerprint: 0, depends_on: &[], stow: || None };
}

/// What stands for a cached function among types: its handle.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a cached function",
    label = "`depends_on` takes cached functions, and for methods their handles"
)]
pub trait Addressed {
    /// The function.
    fn function() -> &'static Function;
}

/// What a function says about one tier.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tier {
    /// `ttl = DUR`.
    pub ttl: Option<Duration>,
    /// `codec = NAME`.
    pub codec: Option<&'static str>,
    /// `compress = NAME`.
    pub compress: Option<&'static str>,
}

impl Tier {
    /// A tier with default behaviour.
    pub const fn new() -> Self {
        Self { ttl: None, codec: None, compress: None }
    }

    /// `ttl = DUR`.
    pub const fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// `codec = NAME`.
    pub const fn codec(mut self, name: &'static str) -> Self {
        self.codec = Some(name);
        self
    }

    /// `compress = NAME`.
    pub const fn compress(mut self, name: &'static str) -> Self {
        self.compress = Some(name);
        self
    }
}

/// A function that the linker collected, so that it is known before its first call.
#[derive(Debug)]
pub struct Registration(pub &'static Function);

inventory::collect!(Registration);

/// Every function of the program that the linker collected, in no particular order.
///
/// Targets without link-time collection yield nothing here; there a function becomes known by its first call.
pub(crate) fn registered() -> impl Iterator<Item = &'static Function> {
    inventory::iter::<Registration>.into_iter().map(|registration| registration.0)
}

/// What one cache knows of one function.
pub(crate) struct FunctionState {
    pub(crate) function: &'static Function,
    pub(crate) counters: Counters,
    pub(crate) times: Times,
    pub(crate) budget: Budget,
    pub(crate) reuse: Reuse,
    is_limited: bool,
    notes_hits: bool,
    /// Its number in its cache.
    pub(crate) owner: u32,
    /// A lifetime that the environment sets over the attribute's.
    pub(crate) ttl: Option<Duration>,
    /// Off by the function's own switch in the environment.
    switched_off: bool,
    /// `owner` while hits may be found the common way: so that one need not ask whether they may.
    looked_up_as: AtomicU32,
    /// What the hashes of its keys begin with.
    pub(crate) keys: Start,
    /// How many results each layer of `validate` has refused.
    refusals: Box<[AtomicU64]>,
    pub(crate) labels: Labels,
    /// Which of its hits are compared with fresh results.
    pub(crate) verify: Verify,
    sampler: Sampler,
    /// Whether its results can be compared, once that was asked.
    is_comparable: OnceLock<bool>,
    /// The key of the first result that differed.
    suspect: Mutex<Option<String>>,
}

/// No function has these numbers: one that is switched off is looked up as this,
const OFF: u32 = u32::MAX;
/// and one of which every hit is to be looked at closely as this.
const CLOSELY: u32 = OFF - 1;

impl std::fmt::Debug for FunctionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FunctionState")
            .field("function", &self.function.name)
            .finish_non_exhaustive()
    }
}

/// What the environment says about one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides {
    pub(crate) ttl: Option<Duration>,
    pub(crate) max_entries: Option<usize>,
    pub(crate) enabled: Option<bool>,
}

impl FunctionState {
    pub(crate) fn new(
        function: &'static Function,
        overrides: &Overrides,
        cache_enabled: bool,
        owner: u32,
        is_global: bool,
        verify: Verify,
    ) -> Self {
        let budget =
            Budget::new(function.max_bytes, overrides.max_entries.or(function.max_entries));
        let switched_off = overrides.enabled == Some(false);
        let state = Self {
            function,
            counters: Counters::new(is_global, function.cost),
            times: Times::default(),
            is_limited: budget.has_limit(),
            notes_hits: budget.has_limit() || function.is_labelled,
            budget,
            reuse: Reuse::default(),
            owner,
            ttl: overrides.ttl,
            switched_off,
            looked_up_as: AtomicU32::new(OFF),
            keys: function.keys(),
            refusals: function.layers.iter().map(|_| AtomicU64::new(0)).collect(),
            labels: Labels::new(is_global),
            verify,
            sampler: Sampler::default(),
            is_comparable: OnceLock::new(),
            suspect: Mutex::default(),
        };
        state.set_enabled(cache_enabled);
        state
    }

    /// Whether some hits are compared with fresh results.
    pub(crate) fn is_verified(&self) -> bool {
        self.verify.share > 0.0
    }

    /// Whether this hit is.
    pub(crate) fn is_to_verify(&self, is_comparable: bool) -> bool {
        *self.is_comparable.get_or_init(|| is_comparable) && self.sampler.takes(self.verify.share)
    }

    /// Notes the key of a result that differed from a fresh one. True for the first one.
    pub(crate) fn suspect(&self, key: &str) -> bool {
        let mut suspect = self.suspect.lock();
        let is_first = suspect.is_none();
        suspect.get_or_insert_with(|| key.to_owned());
        is_first
    }

    /// Whether a result has differed from a fresh one.
    pub(crate) fn is_suspect(&self) -> bool {
        self.suspect.lock().is_some()
    }

    /// Whether results can be compared, if that is known, and the key of the first one that differed.
    pub(crate) fn comparison(&self) -> (Option<bool>, Option<String>) {
        (self.is_comparable.get().copied(), self.suspect.lock().clone())
    }

    /// Counts a result that a layer of `validate` has refused.
    pub(crate) fn note_refusal(&self, layer: usize) {
        self.refusals[layer].fetch_add(1, Ordering::Relaxed);
    }

    /// How many results were refused.
    pub(crate) fn corruptions(&self) -> u64 {
        self.refusals.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many results were refused, by the name of the layer that has done so first.
    pub(crate) fn refusals(&self) -> Vec<(&'static str, u64)> {
        let counts = self.refusals.iter().map(|count| count.load(Ordering::Relaxed));
        self.function.layers.iter().copied().zip(counts).collect()
    }

    /// The owner of what calls may find.
    #[inline]
    pub(crate) fn looked_up_as(&self) -> u32 {
        self.looked_up_as.load(Ordering::Relaxed)
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.looked_up_as() != OFF
    }

    /// Follows the switch of the whole cache.
    pub(crate) fn set_enabled(&self, cache_enabled: bool) {
        let number = match cache_enabled && !self.switched_off {
            false => OFF,
            true if self.is_verified() => CLOSELY,
            true => self.owner,
        };
        self.looked_up_as.store(number, Ordering::Relaxed);
    }

    /// Whether it has limits of its own, and so an order of its own.
    #[inline]
    pub(crate) fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Whether more is noted of its hits than of those of others: it has limits of its own, or labels.
    #[inline]
    pub(crate) fn notes_hits(&self) -> bool {
        self.notes_hits
    }

    /// Whether the order in which its results are used is to be exact, on account of its own limits.
    #[inline]
    pub(crate) fn is_exact(&self) -> bool {
        self.is_limited && self.budget.is_exact()
    }

    pub(crate) fn stats(&self, threads: &Threads) -> Stats {
        let mut stats = Stats {
            entries: self.budget.entries(),
            bytes: self.budget.bytes(),
            peak_bytes: self.budget.peak_bytes(),
            max_bytes: self.budget.max_bytes(),
            max_entries: self.budget.max_entries(),
            corruptions: self.corruptions(),
            hit_latency: self.times.hits.read(),
            load_latency: self.times.bodies.read(),
            stats_bytes: self.stats_bytes(),
            ..Stats::default()
        };
        self.counters.read(&mut stats, threads);
        stats
    }

    /// The bytes that its statistics take.
    pub(crate) fn stats_bytes(&self) -> usize {
        self.times.size() + self.reuse.size() + self.labels.size()
    }

    /// What its calls would have been with other limits: its own, or those of the cache.
    pub(crate) fn curve(&self, cache: &Budget, stats: &Stats) -> Curve {
        self.reuse.curve(if self.is_limited { &self.budget } else { cache }, stats)
    }

    pub(crate) fn reset_stats(&self) {
        self.counters.reset();
        self.times.reset();
        self.reuse.restart(0, 0);
        self.labels.reset();
        *self.suspect.lock() = None;
        self.refusals.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        self.budget.reset_peak();
    }
}

/// One cached function and what it has done, as [`Cache::functions`](crate::Cache::functions) lists it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FunctionStats {
    /// Its name, or what `name = "…"` says.
    pub name: &'static str,
    /// The module it is defined in.
    pub module: &'static str,
    /// The source file, as the compiler names it.
    pub file: &'static str,
    /// The line of the function's name.
    pub line: u32,
    /// `version = N`, or 0.
    pub version: u64,
    /// The lifetime of its values where that does not depend on the call; `None` for values that do not expire.
    pub ttl: Option<Duration>,
    /// Whether its results are cached at all.
    pub enabled: bool,
    /// What a run of its body costs, as `cost` says.
    pub cost: Option<f64>,
    /// How many results `validate` has refused, by the layer that was the first to do so.
    pub refusals: Vec<(&'static str, u64)>,
    /// Whether its stored results can be compared with fresh ones; `None` as long as none was to be.
    ///
    /// They can if they are `PartialEq`, or else `serde::Serialize`.
    pub comparable: Option<bool>,
    /// The key of the first stored result that differed from a fresh one, as [`EntryInfo::key`](crate::EntryInfo::key)
    /// shows it.
    pub suspect: Option<String>,
    /// Whether `disk` is in its attribute.
    pub disk: bool,
    /// Whether `redis` is in its attribute.
    pub redis: bool,
    /// What it has done.
    pub stats: Stats,
    /// What it would do with other limits.
    pub curve: Curve,
    /// What it has done by label, the one with the most hits first.
    pub labels: Vec<LabelStats>,
}

serialize_fields!(FunctionStats {
    name,
    module,
    file,
    line,
    version,
    ttl as seconds_if_any,
    enabled,
    cost,
    refusals,
    comparable,
    suspect,
    disk,
    redis,
    stats,
    curve,
    labels,
});
