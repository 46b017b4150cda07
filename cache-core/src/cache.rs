//! The process-wide cache: owns the memory, the clock, the settings and what is known of each function.

mod builder;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use crate::advice::{self, Advice};
use crate::audit::Audit;
use crate::background::Background;
use crate::budget::Budget;
use crate::clock::{Clock, Moment};
use crate::config::{Config, Settings};
use crate::curve::{Curve, Reuse};
use crate::entry::EntryInfo;
use crate::epoch::Threads;
use crate::event::Event;
use crate::events::{Change, Events, Mark, Named, Topic};
use crate::function::{Function, FunctionState, FunctionStats, registered};
use crate::glob;
use crate::health::{Health, Monitor};
use crate::identity::KeyRef;
use crate::latency::Times;
use crate::memory::Memory;
use crate::metrics;
use crate::observer::{HealthListener, Notice, Observer, Observers};
use crate::outer::{MOST_USED, Outer};
use crate::sources::Sources;
use crate::stats::{Stats, TierStats};
use crate::sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, Ref};
#[cfg(feature = "tiers")]
use crate::tiers::Tiers;
use crate::worker;

pub use builder::Builder;

/// Expired entries are given back in rounds at least this far apart.
const SWEEP_INTERVAL: Duration = Duration::from_millis(10);

/// Who observes the global cache hears of a change of its health so late at the most.
const HEALTH_INTERVAL: Duration = Duration::from_secs(10);

/// What was used most is noted for a warm start so often.
const USES_INTERVAL: Duration = Duration::from_secs(60);

/// A cache: the global one of the process, or a test's own.
pub(crate) struct Inner {
    pub(crate) memory: Memory,
    pub(crate) events: Arc<Events>,
    pub(crate) clock: Clock,
    pub(crate) times: Times,
    monitor: Monitor,
    pub(crate) settings: Settings,
    pub(crate) observers: Arc<Observers>,
    /// What stands behind the memory.
    pub(crate) outer: Option<Arc<dyn Outer>>,
    enabled: AtomicBool,
    /// By the address of the function.
    states: Mutex<HashMap<usize, Ref<FunctionState>>>,
    listing: Mutex<Option<Listing>>,
    /// The moment of the next sweep that is planned.
    next_sweep: AtomicU64,
    pub(crate) background: Arc<Background>,
    is_global: bool,
}

/// The functions that were known when so many of them had a state.
struct Listing {
    n_states: usize,
    functions: Arc<[&'static Function]>,
}

static GLOBAL: OnceLock<Inner> = OnceLock::new();

/// The global cache, made from the environment when it is first asked for.
#[inline]
pub(crate) fn global() -> &'static Inner {
    GLOBAL.get_or_init(|| Inner::global(Settings::default()))
}

/// Makes the global cache with these settings; false if there is one already.
fn install(settings: Settings) -> bool {
    let mut settings = Some(settings);
    GLOBAL.get_or_init(|| Inner::global(settings.take().unwrap_or_default()));
    settings.is_none()
}

impl Inner {
    fn global(settings: Settings) -> Self {
        // Names and values that are not Unicode are none of ours.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let mut settings = settings.with_env(variables);
        settings.check_functions(registered().map(|function| function.name));
        for warning in &settings.warnings {
            eprintln!("warning: {warning}");
        }
        Self::new(settings, Clock::system(), true)
    }

    pub(crate) fn private(settings: Settings, clock: Clock) -> Self {
        Self::new(settings, clock, false)
    }

    fn new(settings: Settings, clock: Clock, is_global: bool) -> Self {
        let events = Arc::default();
        // In a test's cache, what is outdated is dropped by whoever meets it.
        #[cfg(feature = "tiers")]
        let sweep: fn() =
            if is_global { || global().plan_sweep(global().clock.now()) } else { || () };
        #[cfg(feature = "tiers")]
        let outer = Tiers::open(&settings.tiers, &events, is_global, sweep)
            .map(|tiers| -> Arc<dyn Outer> { tiers });
        #[cfg(not(feature = "tiers"))]
        let outer = None;
        if is_global && settings.tiers.warm_bytes.is_some() {
            watch_uses();
        }
        let observers = Arc::<Observers>::default();
        Self {
            memory: Memory::new(
                settings.max_bytes,
                settings.max_entries,
                settings.exact_order,
                settings.eviction,
                !is_global,
                Arc::clone(&observers),
            ),
            observers,
            events,
            clock,
            times: Times::default(),
            monitor: Monitor::default(),
            outer,
            enabled: AtomicBool::new(settings.enabled),
            states: Mutex::default(),
            listing: Mutex::default(),
            next_sweep: AtomicU64::new(u64::MAX),
            background: Background::new(settings.max_reloads),
            is_global,
            settings,
        }
    }

    /// What this cache knows of a function.
    #[inline]
    pub(crate) fn state(&self, function: &'static Function) -> Ref<FunctionState> {
        if self.is_global {
            let known = function.global.get();
            return Ref::Global(known.unwrap_or_else(|| self.new_global_state(function)));
        }
        let mut states = self.states.lock();
        states
            .entry(address(function))
            .or_insert_with(|| {
                self.memory
                    .add_owner(|owner| Ref::Shared(Arc::new(self.new_state(function, owner))))
            })
            .clone()
    }

    #[cold]
    fn new_global_state(&self, function: &'static Function) -> &'static FunctionState {
        let mut states = self.states.lock();
        if let Some(state) = function.global.get() {
            return state;
        }
        // One for each function of the program, and as long-lived as the function.
        let leak = |owner| -> &'static FunctionState {
            Box::leak(Box::new(self.new_state(function, owner)))
        };
        let Ref::Global(state) = self.memory.add_owner(|owner| Ref::Global(leak(owner))) else {
            unreachable!("a line above it is global")
        };
        states.insert(address(function), Ref::Global(state));
        // Under the lock nobody else has set it.
        let _ = function.global.set(state);
        state
    }

    /// The caller holds the lock of `states`, so that a switch thrown meanwhile is not missed.
    fn new_state(&self, function: &'static Function, owner: u32) -> FunctionState {
        let overrides = self.settings.overrides(function.name);
        FunctionState::new(
            function,
            &overrides,
            self.enabled.load(Ordering::SeqCst),
            owner,
            self.is_global,
            self.settings.verify,
        )
    }

    pub(crate) fn stats(&self) -> Stats {
        let budget = &self.memory.budget;
        let mut stats = Stats {
            entries: budget.entries(),
            bytes: budget.bytes(),
            peak_bytes: budget.peak_bytes(),
            max_bytes: budget.max_bytes(),
            max_entries: budget.max_entries(),
            hit_latency: self.times.hits.read(),
            load_latency: self.times.bodies.read(),
            stats_bytes: self.times.size() + self.memory.stats_bytes(),
            ..Stats::default()
        };
        let threads = Threads::all();
        for state in self.known_states() {
            state.counters.read(&mut stats, &threads);
            stats.corruptions += state.corruptions();
            stats.stats_bytes += state.stats_bytes();
        }
        stats
    }

    fn curve(&self) -> Curve {
        self.memory.reuse().curve(&self.memory.budget, &self.stats())
    }

    /// Judges, and tells observers if the verdict is another one.
    fn health(&self) -> Health {
        self.tell_of_tiers();
        let is_enabled = self.enabled.load(Ordering::SeqCst);
        let (stats, tiers, thresholds) = (self.stats(), self.tiers(), self.settings.thresholds);
        let states = self.known_states();
        let suspects = states.iter().filter(|state| state.is_suspect());
        let suspects: Vec<_> = suspects.map(|state| state.function.name).collect();
        let health = self.monitor.judge(is_enabled, &stats, &tiers, thresholds, &suspects);
        if self.observers.can_hear() && self.monitor.is_news(health.status) {
            self.observers.tell(&Notice::Health(&health));
        }
        health
    }

    /// Tells observers of tiers that have begun to fail, or work again.
    pub(crate) fn tell_of_tiers(&self) {
        if self.observers.can_hear() {
            for TierStats { name, is_working, .. } in self.monitor.changed(self.tiers()) {
                self.observers.tell(&Notice::Tier { name, is_working });
            }
        }
    }

    /// Judges now and then, so that observers hear of a change that nobody asks for.
    fn watch_health(&'static self) {
        worker::after(HEALTH_INTERVAL, move || {
            self.health();
            self.watch_health();
        });
    }

    /// Notes what was used most for a warm start, if there is to be one.
    fn note_uses(&self) {
        if let Some(outer) = &self.outer
            && self.settings.tiers.warm_bytes.is_some()
        {
            outer.note_uses(&self.memory.most_used(MOST_USED));
        }
    }

    fn tiers(&self) -> Vec<TierStats> {
        self.outer.as_ref().map(|outer| outer.stats()).unwrap_or_default()
    }

    /// Whether it is a test's own.
    pub(crate) fn is_private(&self) -> bool {
        !self.is_global
    }

    fn known_states(&self) -> Vec<Ref<FunctionState>> {
        self.states.lock().values().cloned().collect()
    }

    /// All functions of the program, called or not, by module, line and name.
    fn known_functions(&self) -> Arc<[&'static Function]> {
        let states = self.known_states();
        let n_states = states.len();
        let mut last = self.listing.lock();
        if let Some(listing) = last.as_ref().filter(|it| it.n_states == n_states) {
            return Arc::clone(&listing.functions);
        }
        let mut functions: Vec<&'static Function> = registered().collect();
        functions.extend(states.iter().map(|state| state.function));
        functions.sort_by_key(|function| {
            (function.module, function.line, function.name, address(function))
        });
        functions.dedup_by_key(|function| address(function));
        let functions: Arc<[_]> = functions.into();
        *last = Some(Listing { n_states, functions: Arc::clone(&functions) });
        functions
    }

    /// What all functions of the program have done.
    pub(crate) fn functions(&self) -> Vec<FunctionStats> {
        let threads = Threads::all();
        self.known_functions()
            .iter()
            .map(|&function| {
                let state = self.state(function);
                let stats = state.stats(&threads);
                let (comparable, suspect) = state.comparison();
                FunctionStats {
                    name: function.name,
                    module: function.module,
                    file: function.file,
                    line: function.line,
                    version: function.version,
                    ttl: self.ttl(&state),
                    enabled: state.is_enabled(),
                    refusals: state.refusals(),
                    comparable,
                    suspect,
                    disk: function.tiers.disk.is_some(),
                    redis: function.tiers.redis.is_some(),
                    cost: function.cost,
                    curve: state.curve(&self.memory.budget, &stats),
                    labels: state.labels.stats(&threads),
                    stats,
                }
            })
            .collect()
    }

    /// The lifetime of a function's values where neither the call nor the result decides.
    pub(crate) fn ttl(&self, state: &FunctionState) -> Option<Duration> {
        state.ttl.or(state.function.ttl).or(self.settings.ttl)
    }

    /// Drops what has expired, says how much that was, and drops what is outdated.
    pub(crate) fn sweep(&self) -> usize {
        self.memory.sweep_outdated(self.clock.now());
        self.memory.sweep(self.clock.now())
    }

    fn set_limit(&self, change: impl FnOnce(&Budget)) {
        self.memory.set_limit(change, &self.clock);
        // What is known of reuse is about the limit as it was.
        let restart = |reuse: &Reuse, stats: Stats| reuse.restart(stats.hits, stats.misses);
        restart(self.memory.reuse(), self.stats());
        let threads = Threads::all();
        for state in self.known_states().iter().filter(|state| !state.is_limited()) {
            restart(&state.reuse, state.stats(&threads));
        }
    }

    fn set_enabled(&self, enabled: bool) {
        let states = self.states.lock();
        self.enabled.store(enabled, Ordering::SeqCst);
        states.values().for_each(|state| state.set_enabled(enabled));
    }

    /// Has expired entries given back soon after `due`.
    pub(crate) fn plan_sweep(&'static self, due: Moment) {
        let now = self.clock.now();
        let due = due.max(now.after(SWEEP_INTERVAL));
        if self.clock.is_system() && self.next_sweep.fetch_min(due.0, Ordering::SeqCst) > due.0 {
            worker::after(due.since(now), move || {
                // Reading as well: who finds a sweep planned is seen by it.
                self.next_sweep.swap(u64::MAX, Ordering::SeqCst);
                self.sweep();
                let next = self.memory.next_due();
                if next != Moment::NEVER {
                    self.plan_sweep(next);
                }
            });
        }
    }
}

// The tiers behind come first: what a load finds there is outdated in memory, if it began before that was.
impl Ref<Inner> {
    /// Emits an event.
    pub(crate) fn emit<E: Event + ?Sized>(&self, event: &E, change: Change) {
        if let Some(outer) = &self.outer {
            outer.outdate(&[Named::new(event).mark()], change);
        }
        self.emitted(self.events.emit(event, change));
        if self.observers.is_any() {
            let is_soft = change == Change::Soft;
            self.observers.tell(&Notice::Emitted { event: &event.title(), is_soft });
        }
    }

    /// Emits all events of a type.
    pub(crate) fn emit_all<E: Event + ?Sized>(&self) {
        self.emit_named(&[Named::all::<E>()]);
    }

    /// Has the result of a call go with what other processes do to it, or to all that its tier keeps.
    pub(crate) fn listen(&self, key: KeyRef<'_>, sources: &Sources) {
        let shared = self.outer.as_ref().and_then(|outer| outer.shared(key));
        if let Some(shared) = shared {
            sources.add(Some(self.events.stamp_any(shared)));
            let topic = Topic { family: key.state.function.elsewhere(), ..key.topic() };
            sources.add(Some(self.events.stamp_topic(topic)));
        }
    }

    /// Emits what has a name.
    pub(crate) fn emit_named(&self, events: &[Named]) {
        if let Some(outer) = &self.outer {
            outer.outdate(&events.iter().map(Named::mark).collect::<Vec<_>>(), Change::Hard);
        }
        let has_moved = events.iter().fold(false, |moved, it| self.events.emit_named(it) | moved);
        self.emitted(has_moved);
        for event in events.iter().map(Named::title) {
            self.observers.tell(&Notice::Emitted { event, is_soft: false });
        }
    }

    /// Drops what is stored for a call, outdates what is computed from it, and says whether there was something.
    pub(crate) fn invalidate(&self, key: KeyRef<'_>) -> bool {
        if let Some(outer) = &self.outer {
            outer.remove(key);
        }
        let was_there = self.memory.invalidate(key, &self.clock);
        self.note_change(key, Change::Hard);
        was_there
    }

    /// Has what is stored for a call expire now, and says whether it was fresh.
    pub(crate) fn expire(&self, key: KeyRef<'_>) -> bool {
        if let Some(outer) = &self.outer {
            outer.remove(key);
        }
        let was_fresh = self.memory.expire(key, &self.clock);
        self.note_change(key, Change::Soft);
        was_fresh
    }

    /// Outdates what was computed from the result of a call, after that is out of reach: who sees this does not find it.
    pub(crate) fn note_change(&self, key: KeyRef<'_>, change: Change) {
        if let Some(outer) = &self.outer {
            outer.outdate(&[key.topic().mark()], change);
        }
        self.emitted(self.events.emit_topic(key.topic(), change));
    }

    /// Drops what a function has stored.
    pub(crate) fn clear_function(&self, state: &FunctionState) {
        if let Some(outer) = &self.outer {
            outer.clear(Some(state.function));
        }
        self.memory.clear(Some(state));
        self.note_changes(state.function);
    }

    /// Outdates what was computed from results of a function, after those are out of reach.
    fn note_changes(&self, function: &'static Function) {
        if let Some(outer) = &self.outer {
            outer.outdate(&[Mark::all(function.family())], Change::Hard);
        }
        self.emitted(self.events.emit_all(function.family(), Change::Hard));
    }

    /// Drops what is stored under names or labels like that, outdates what is computed from it,
    /// and says how many entries that were.
    fn invalidate_matching(&self, pattern: &str) -> usize {
        let is_named = |function: &Function| glob::matches(pattern, function.name);
        let is_labelled = |label: Option<&str>| label.is_some_and(|it| glob::matches(pattern, it));
        // What a load that runs, or an entry that is not in memory, is labelled is not known.
        // Those that this process has not called yet have results in the tiers behind all the same.
        let functions = self.known_functions();
        let concerned = || functions.iter().filter(|it| it.is_labelled || is_named(it));
        for function in concerned() {
            self.outer.iter().for_each(|outer| outer.clear(Some(function)));
        }
        let n_entries = self.memory.invalidate_matching(is_named, is_labelled);
        concerned().for_each(|function| self.note_changes(function));
        n_entries
    }

    /// Has the entries given back that depend on what was emitted, if there may be some.
    ///
    /// In a test's own cache they go at once, so that the test sees what does.
    pub(crate) fn emitted(&self, has_moved: bool) {
        match self {
            _ if !has_moved => {}
            Self::Global(cache) => cache.plan_sweep(cache.clock.now()),
            Self::Shared(cache) => cache.memory.sweep_outdated(cache.clock.now()),
        }
    }
}

/// Notes now and then what the global cache is used for.
fn watch_uses() {
    worker::after(USES_INTERVAL, || {
        global().note_uses();
        watch_uses();
    });
}

fn address(function: &'static Function) -> usize {
    std::ptr::from_ref(function).addr()
}

/// The cache of the process: what every `#[cached]` function stores goes here, under one budget.
///
/// ```
/// use cache_core::{Cache, cached};
///
/// #[cached]
/// fn area(width: u64, height: u64) -> u64 {
///     width * height
/// }
///
/// assert_eq!(area(3, 4), area(3, 4));
/// assert_eq!(Cache::global().stats().hits, 1);
/// for function in Cache::global().functions() {
///     println!("{} at {}:{}\n{}", function.name, function.file, function.line, function.stats);
/// }
/// ```
#[derive(Clone)]
pub struct Cache {
    inner: Ref<Inner>,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Cache {
    /// The cache of the process.
    ///
    /// It is made when it is first used, from the environment or from what [`Cache::builder`] installed before.
    #[must_use]
    pub fn global() -> Self {
        Self { inner: Ref::Global(global()) }
    }

    /// Sets the global cache up from code, before its first use.
    pub fn builder() -> Builder {
        Builder { settings: Settings::default() }
    }

    pub(crate) fn new(inner: Ref<Inner>) -> Self {
        Self { inner }
    }

    pub(crate) fn inner(&self) -> &Ref<Inner> {
        &self.inner
    }

    /// What all functions together have done. It stops nobody.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.inner.stats()
    }

    /// One [`FunctionStats`] for each annotated function of the program, called or not.
    ///
    /// On targets without link-time collection a function appears with its first call.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionStats> {
        self.inner.functions()
    }

    /// How many calls of all functions together would be hits with other limits on the cache.
    ///
    /// Those of single functions are in [`Cache::functions`].
    #[must_use]
    pub fn curve(&self) -> Curve {
        self.inner.curve()
    }

    /// What to change, as far as a thousand calls or more have shown: at most one thing for each function.
    ///
    /// ```
    /// for advice in cache_core::Cache::global().advice() {
    ///     println!("{advice}"); // render_page: 4× memory would lift hits from 71 % to 84 %
    /// }
    /// ```
    #[must_use]
    pub fn advice(&self) -> Vec<Advice> {
        advice::advise(&self.stats(), &self.curve(), &self.functions())
    }

    /// Whether all is well: few hits or many results that are too large among the last thousand calls, values that were
    /// refused or that differ from what their body returns, and tiers that do not work say that it is not.
    ///
    /// [`Builder::min_hit_rate`] and [`Builder::max_rejected_rate`] say how much is few and many.
    #[must_use]
    pub fn health(&self) -> Health {
        self.inner.health()
    }

    /// Has somebody be told what happens from now on, other than hits.
    ///
    /// ```
    /// use cache_core::{Notice, Observer, cached, testing::TestCache};
    ///
    /// struct Log;
    ///
    /// impl Observer for Log {
    ///     fn notice(&self, notice: &Notice<'_>) {
    ///         println!("{notice:?}");
    ///     }
    /// }
    ///
    /// #[cached]
    /// fn area(width: u64, height: u64) -> u64 {
    ///     width * height
    /// }
    ///
    /// let cache = TestCache::new();
    /// cache.observe(Log);
    /// cache.run(|| area(3, 4)); // Loaded { function: "area", reason: Some("cold"), outcome: Stored, took: Some(0ns) }
    /// ```
    ///
    /// It is called under no lock, by whoever does what it is told of, and a panic of it is dropped. It may call cached
    /// functions, of which nobody is told. What happens in them is none of the load's that it was told of.
    pub fn observe(&self, observer: impl Observer + 'static) {
        let is_first = self.inner.observers.add(Arc::new(observer));
        if let Ref::Global(cache) = &self.inner
            && is_first
        {
            cache.watch_health();
        }
    }

    /// Has a function called when the verdict of [`Cache::health`] changes, beginning from a healthy one.
    ///
    /// It is an observer of [`Notice::Health`] alone: called when somebody asks for the verdict, and for the cache of the
    /// process every ten seconds; under no lock, so that it may use the cache; and a panic of it is dropped.
    ///
    /// ```
    /// use cache_core::Cache;
    ///
    /// Cache::global().on_health(|health| eprintln!("the cache is {}: {:?}", health.status, health.reasons));
    /// ```
    pub fn on_health(&self, listener: impl Fn(&Health) + Send + Sync + 'static) {
        self.observe(HealthListener(listener));
    }

    /// The most recently used entries, at most `limit` of them.
    ///
    /// Expired ones are left out. O(n log n) in the number of all entries; hits go on meanwhile, loads wait for a part of it.
    #[must_use]
    pub fn entries(&self, limit: usize) -> Vec<EntryInfo> {
        let now = self.inner.clock.now();
        self.inner.memory.entries(limit, now)
    }

    /// Drops everything. Results that are being computed now will reach their callers and not be stored.
    pub fn clear(&self) {
        if let Some(outer) = &self.inner.outer {
            outer.clear(None);
        }
        self.inner.memory.clear(None);
    }

    /// Drops what functions of that name have stored; false if there is none of that name.
    pub fn clear_functions(&self, name: &str) -> bool {
        let functions = self.inner.known_functions();
        let named = functions.iter().filter(|function| function.name == name);
        named.map(|it| self.inner.clear_function(&self.inner.state(it))).count() > 0
    }

    /// Emits an event in this cache, as [`emit`](crate::emit) does in that of the thread.
    pub fn emit<E: Event>(&self, event: E) {
        self.inner.emit(&event, Change::Hard);
    }

    /// Emits an event in this cache that leaves stale what depends on it, as [`emit_soft`](crate::emit_soft) does in that of
    /// the thread.
    pub fn emit_soft<E: Event>(&self, event: E) {
        self.inner.emit(&event, Change::Soft);
    }

    /// Emits all events of a type in this cache, as [`emit_all`](crate::emit_all) does in that of the thread.
    pub fn emit_all<E: Event + ?Sized>(&self) {
        self.inner.emit_all::<E>();
    }

    /// Drops what functions of such names have stored and what has such a label, and says how many entries that were.
    ///
    /// In the pattern, `*` stands for any text and `?` for one character. When this returns, no later call is served
    /// such a result that was computed before. Of a load that still runs the label is not known, so those of all
    /// functions with labels are not stored, and what was computed from results of such functions is computed anew.
    /// Looks at every entry, some under each lock.
    ///
    /// ```
    /// use cache_core::{Cache, cached};
    ///
    /// #[cached(label = "img:{model}:{prompt}")]
    /// fn image(model: &str, prompt: &str) -> Vec<u8> {
    ///     [model, prompt].concat().into_bytes()
    /// }
    ///
    /// image("dalle3", "a cat");
    /// image("sdxl", "a cat");
    /// assert_eq!(Cache::global().invalidate_matching("img:dalle3:*"), 1);
    /// ```
    pub fn invalidate_matching(&self, pattern: &str) -> usize {
        self.inner.invalidate_matching(pattern)
    }

    /// Looks for what does not fit together: events that nobody emits, events that no result depends on, and functions
    /// whose results may never go.
    ///
    /// It knows what the attributes say, and what was emitted in this cache so far. As a test:
    ///
    /// ```no_run
    /// # use cache_core::Cache;
    /// let audit = Cache::global().audit();
    /// assert!(audit.is_clean(), "{audit}");
    /// ```
    #[must_use]
    pub fn audit(&self) -> Audit {
        let is_mortal = |function: &'static Function| {
            function.is_mortal
                || function.idle.or(function.shortest).is_some()
                || self.inner.ttl(&self.inner.state(function)).is_some()
        };
        Audit::new(&self.inner.events, is_mortal)
    }

    /// Drops what has expired, without waiting for the sweep in the background, and says how many entries that were.
    pub fn cleanup_expired(&self) -> usize {
        self.inner.sweep()
    }

    /// How the cache is set up now.
    #[must_use]
    pub fn config(&self) -> Config {
        let (budget, settings) = (&self.inner.memory.budget, &self.inner.settings);
        let mut warnings = settings.warnings.clone();
        warnings.extend(self.inner.outer.iter().flat_map(|outer| outer.warnings()));
        Config {
            enabled: self.inner.enabled.load(Ordering::SeqCst),
            max_bytes: budget.max_bytes(),
            max_entries: budget.max_entries(),
            ttl: settings.ttl,
            exact_order: settings.exact_order,
            eviction: settings.eviction,
            verify: settings.verify.share,
            warnings,
        }
    }

    /// Limits the bytes held, `None` for no limit. When this returns, the limit holds.
    pub fn set_max_bytes(&self, max: impl Into<Option<usize>>) {
        let max = max.into();
        self.inner.set_limit(|budget| budget.set_max_bytes(max));
    }

    /// Limits the number of entries, `None` for no limit. When this returns, the limit holds.
    pub fn set_max_entries(&self, max: impl Into<Option<usize>>) {
        let max = max.into();
        self.inner.set_limit(|budget| budget.set_max_entries(max));
    }

    /// Turns caching off, so that every call runs its body, or on again. What is stored stays, and can be invalidated.
    pub fn set_enabled(&self, enabled: bool) {
        self.inner.set_enabled(enabled);
    }

    /// How the tiers behind the memory are doing, those that are asked first before the others.
    #[must_use]
    pub fn tiers(&self) -> Vec<TierStats> {
        self.inner.tiers()
    }

    /// What is counted, in the text format of Prometheus: of the process, of each function and of each tier.
    ///
    /// It is made when it is asked for, and as long as there are functions, whatever they are called with.
    ///
    /// ```
    /// let text = cache_core::Cache::global().prometheus();
    /// assert!(text.contains("# TYPE cache_hits_total counter\ncache_hits_total 0\n"));
    /// ```
    #[must_use]
    pub fn prometheus(&self) -> String {
        // All functions are known before they are summed up.
        let functions = self.functions();
        metrics::prometheus(&self.stats(), &functions, &self.tiers())
    }

    /// Waits until the tiers behind the memory have everything, for example before the program ends, and says whether
    /// they have.
    pub fn flush(&self, patience: Duration) -> bool {
        self.inner.note_uses();
        self.inner.outer.as_ref().is_none_or(|outer| outer.flush(patience))
    }

    /// Starts all counters anew, and the peak from what is held now.
    pub fn reset_stats(&self) {
        self.inner.known_states().iter().for_each(|state| state.reset_stats());
        self.inner.times.reset();
        self.inner.memory.reuse().restart(0, 0);
        self.inner.memory.budget.reset_peak();
    }
}
