//! The slower tiers in the way of a call: a load asks them before it runs its body, and what it stores goes there too.
//!
//! - *Nothing fails and nothing waits for long*: every tier is [`Guarded`], and values are written in the background.
//! - *Only what can be trusted is found*: an edited function and a changed type look under another key, and an entry
//!   names the events that it depends on, by marks that are gone once one of them was emitted, see `marks`.
//! - *What is removed does not come back*: a change is noted in the tiers before it is in memory, and what a load that
//!   began before leaves there is removed again.
//! - *Other processes hear of it*: a change is told in the log of the tier when it is made there, see `ear`.

mod claim;
mod ear;
mod lane;
mod marks;
mod pending;
mod popular;
mod route;
mod shape;
mod stage;
mod stow;

use std::collections::HashMap;
use std::time::Duration;

#[cfg(feature = "redis")]
use crate::backend::Redis;
use crate::backend::{CacheBackend, Circuit, Filesystem, Guarded, Health, Scope, Told};
use crate::config::{Backend, TierSettings};
use crate::entry::EntryRef;
use crate::event::Family;
use crate::events::{Change, Events, Mark};
use crate::executor::block_on;
use crate::function::{Function, Tier, registered};
use crate::identity::KeyRef;
use crate::instance::Instance;
use crate::latency::Histogram;
use crate::outer::{Asking, Outer, Question};
use crate::stats::TierStats;
use crate::sync::{Arc, AtomicBool, Mutex, start_daemon};
use crate::task::{BoxFuture, spawn, within};
use crate::time::Time;
use crate::worker;

use ear::Ear;
use lane::Lane;
use pending::Pending;
use route::Route;
use stage::Stage;

/// So long anybody waits, whatever has to be asked: for some answers, each of which a tier may give up after 100 ms.
const PATIENCE: Duration = Duration::from_millis(250);

/// So long a process that does not hear others holds for current what it has in memory.
const LEASE: Duration = Duration::from_secs(1);

/// So long a warm start takes at the most,
const WARM_TIME: Duration = Duration::from_secs(10);

/// and so long what it has loaded waits for its first call.
const UNUSED: Duration = Duration::from_secs(600);

/// The tiers behind the memory of one cache.
pub(crate) struct Tiers {
    settings: TierSettings,
    lanes: Vec<Arc<Lane>>,
    /// `None` for those whose results stay in memory.
    routes: Mutex<HashMap<Place, Option<Arc<Route>>>>,
    warnings: Mutex<Vec<String>>,
    pending: Arc<Pending>,
}

/// The address of a function, and which instantiation of it.
type Place = (usize, Option<Instance>);

impl Tiers {
    /// The tiers that the settings or functions of the program ask for, if any do.
    ///
    /// Other processes emit events here, and `has_moved` is told when something may have to be given back for that.
    pub(crate) fn open(
        settings: &TierSettings,
        events: &Arc<Events>,
        is_global: bool,
        has_moved: fn(),
    ) -> Option<Arc<Self>> {
        let is_wanted = |wants: fn(&Function) -> bool| is_global && registered().any(wants);
        let (disk, redis) = match (&settings.custom, settings.backend) {
            (Some(_), _) => (false, false),
            (None, Some(backend)) => (backend.has_disk(), backend.has_redis()),
            (None, None) => (
                is_wanted(|function| function.tiers.disk.is_some()),
                is_wanted(|function| function.tiers.redis.is_some()),
            ),
        };
        if settings.custom.is_none() && !disk && !redis {
            return None;
        }
        let mut tiers = Self {
            settings: settings.clone(),
            lanes: Vec::new(),
            routes: Mutex::default(),
            warnings: Mutex::default(),
            pending: Arc::default(),
        };
        let custom = settings.custom.as_ref().and_then(|custom| custom.0.downcast_ref());
        let mut add = |name, guarded| tiers.add(name, guarded, events, has_moved);
        if let Some(custom) = custom {
            add("custom", Ok(Guarded::new(Arc::<dyn CacheBackend>::clone(custom))));
        }
        if disk {
            add("disk", open_disk(settings));
        }
        if redis {
            add("redis", open_redis(settings));
        }
        tiers.warm_up();
        Some(Arc::new(tiers))
    }

    /// Has what is used most at hand soon, if that is wanted.
    fn warm_up(&self) {
        let Some(max_bytes) = self.settings.warm_bytes else { return };
        let time = Time::system();
        let patience = self.settings.warm_time.unwrap_or(WARM_TIME);
        let (lanes, end) = (self.lanes.clone(), time.elapsed().saturating_add(patience));
        // Without a thread for it, calls ask the tiers.
        start_daemon("cache-warm", move || {
            let mut n_bytes = 0;
            for lane in lanes {
                let left = end.saturating_sub(time.elapsed());
                popular::load(&lane, max_bytes.saturating_sub(n_bytes), left);
                n_bytes += lane.stage.size().1;
                let stage = Arc::downgrade(&lane.stage);
                time.after(UNUSED, move || {
                    stage.upgrade().into_iter().for_each(|stage| stage.clear())
                });
            }
        });
    }

    fn add(
        &mut self,
        name: &'static str,
        guarded: Result<Guarded, String>,
        events: &Arc<Events>,
        has_moved: fn(),
    ) {
        let guarded = match guarded {
            Ok(guarded) => guarded.namespace(self.namespace()),
            Err(reason) => {
                return self.warn(format!("results are not kept in `{name}`: {reason}"));
            }
        };
        let stage = Arc::<Stage>::default();
        let ear = guarded.has_log().then(|| {
            events.listen(marks::digest);
            Arc::new(Ear {
                guarded: guarded.clone(),
                events: Arc::clone(events),
                stage: Arc::clone(&stage),
                family: Family::elsewhere(self.lanes.len(), "", "any"),
                lease: self.settings.lease.unwrap_or(LEASE),
                has_begun: AtomicBool::new(false),
                has_moved,
            })
        });
        let namespace = self.namespace().to_owned();
        let (is_heard, latency) = (Mutex::default(), Histogram::default());
        self.lanes.push(Arc::new(Lane { name, guarded, namespace, ear, is_heard, stage, latency }));
    }

    fn namespace(&self) -> &str {
        self.settings.namespace.as_deref().unwrap_or("cache")
    }

    /// How the results of a function leave the process, if they do.
    fn route(&self, key: KeyRef<'_>) -> Option<Arc<Route>> {
        self.route_of(key.state.function, key.instance)
    }

    fn route_of(
        &self,
        function: &'static Function,
        instance: Option<Instance>,
    ) -> Option<Arc<Route>> {
        let place = (address(function), instance);
        if let Some(route) = self.routes.lock().get(&place) {
            return route.clone();
        }
        // Not under the lock: the shape of a value is told by the user's `Deserialize`.
        let route = self.new_route(function, instance);
        self.routes.lock().entry(place).or_insert(route).clone()
    }

    fn new_route(
        &self,
        function: &'static Function,
        instance: Option<Instance>,
    ) -> Option<Arc<Route>> {
        let lanes = self.lanes_of(function);
        if lanes.is_empty() {
            return None;
        }
        match Route::new(function, instance, self.namespace(), &self.pending, lanes) {
            Ok(route) => Some(Arc::new(route)),
            Err(reason) => {
                self.warn(format!(
                    "the results of `{}::{}` stay in memory: {reason}",
                    function.module, function.name
                ));
                None
            }
        }
    }

    /// The tiers that keep the results of a function, and what it says of each.
    fn lanes_of(&self, function: &'static Function) -> Vec<(Arc<Lane>, Tier)> {
        let terms = |lane: &Lane| match lane.name {
            "disk" => function.tiers.disk,
            "redis" => function.tiers.redis,
            _ => function.tiers.disk.or(function.tiers.redis),
        };
        let is_for_all = self.settings.custom.is_some() || self.settings.backend.is_some();
        let lanes = self.lanes.iter().map(|lane| (Arc::clone(lane), terms(lane)));
        lanes
            .filter(|(_, terms)| is_for_all || terms.is_some())
            .map(|(lane, terms)| (lane, terms.unwrap_or_default()))
            .collect()
    }

    fn warn(&self, warning: String) {
        let mut warnings = self.warnings.lock();
        // Instantiations of a function have one between them.
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }

    /// Tells other processes what was changed here, when that is done.
    fn tell(&self, told: &[Told]) -> Vec<BoxFuture<'_, bool>> {
        let lanes = self.lanes.iter().filter(|lane| lane.ear.is_some());
        lanes.map(|lane| lane.guarded.telling(told.to_vec())).collect()
    }

    /// Waits for changes that were noted, but not for long; and not in the background thread, which would make them.
    fn wait(changes: Vec<BoxFuture<'_, bool>>, patience: Duration) {
        if !worker::is_here() {
            let all = async move {
                for change in changes {
                    change.await;
                }
            };
            block_on(within(&Time::system(), patience, all));
        }
    }
}

impl Outer for Tiers {
    fn ask(&self, key: KeyRef<'_>, question: Question) -> Option<Asking> {
        self.route(key)?.ask(key, question)
    }

    fn remove(&self, key: KeyRef<'_>) {
        if let Some(route) = self.route(key) {
            Self::wait(route.remove(key), PATIENCE);
        }
    }

    fn clear(&self, function: Option<&'static Function>) {
        let Some(function) = function else {
            for route in self.routes.lock().values().flatten() {
                route.note_clear();
            }
            let scope = Scope::namespace(self.namespace());
            let clears = self.lanes.iter().map(|lane| lane.guarded.clearing(scope.clone()));
            let mut changes: Vec<_> = clears.collect();
            self.lanes.iter().for_each(|lane| lane.stage.clear());
            changes.extend(self.tell(&[Told::Everything]));
            return Self::wait(changes, PATIENCE);
        };
        for ((of, _), route) in self.routes.lock().iter() {
            route.iter().filter(|_| *of == address(function)).for_each(|route| route.note_clear());
        }
        let lanes = self.lanes_of(function);
        let Ok(scopes) = route::scopes(self.namespace(), function) else { return };
        let clears =
            lanes.iter().flat_map(|(lane, _)| scopes.clone().map(|it| lane.guarded.clearing(it)));
        let clears = clears.collect();
        for (lane, _) in &lanes {
            scopes.iter().for_each(|scope| lane.stage.drop_scope(scope));
        }
        Self::wait(clears, PATIENCE);
    }

    fn shared(&self, key: KeyRef<'_>) -> Option<Family> {
        self.route(key)?.shared()
    }

    fn outdate(&self, marks: &[Mark], change: Change) {
        let begun = Time::system().elapsed();
        // Before the marks: who looks at a mark that is about to go, and then at the clock, sees that.
        let clock = marks::clock(self.namespace());
        let clocks = self.lanes.iter().map(|lane| lane.guarded.removal(&clock));
        Self::wait(clocks.collect(), PATIENCE);
        let any = |mark: &Mark| Mark { bytes: None, ..mark.clone() };
        let mut changes = Vec::new();
        for lane in &self.lanes {
            for mark in marks {
                if mark.bytes.is_some() {
                    for mark in [mark, &any(mark)] {
                        changes.push(lane.guarded.removal(&marks::key(self.namespace(), mark)));
                    }
                } else {
                    changes.push(lane.guarded.clearing(marks::family(self.namespace(), mark)));
                }
            }
        }
        // After them: who hears of it finds nothing older.
        let told = if change == Change::Soft { Told::Soft } else { Told::Hard };
        let digests: Vec<_> = marks.iter().flat_map(|mark| mark.digests(marks::digest)).collect();
        self.lanes.iter().for_each(|lane| lane.stage.drop_dependent(&digests));
        changes.extend(self.tell(&digests.into_iter().map(told).collect::<Vec<_>>()));
        Self::wait(changes, PATIENCE.saturating_sub(Time::system().elapsed() - begun));
    }

    fn note_uses(&self, used: &[(&'static Function, EntryRef)]) {
        for lane in &self.lanes {
            let used = used.iter().filter_map(|(function, entry)| {
                let (instance, bytes) = (entry.get().instance(), entry.get().key_bytes());
                let route = self.route_of(function, instance)?;
                // That it was loaded counts, too.
                let n_uses = entry.get().usage().uses() + 1;
                route.goes_to(lane).then(|| (route.key_of(bytes, instance), n_uses))
            });
            let (lane, used) = (Arc::clone(lane), used.collect());
            let busy = self.pending.begin();
            spawn(async move {
                let _busy = busy;
                popular::note(&lane, used).await;
            });
        }
    }

    fn flush(&self, patience: Duration) -> bool {
        block_on(async {
            let time = Time::system();
            let end = time.elapsed().saturating_add(patience);
            if within(&time, patience, self.pending.idle()).await.is_none() {
                return false;
            }
            let mut is_done = true;
            for lane in &self.lanes {
                is_done &= lane.guarded.flush(end.saturating_sub(time.elapsed())).await;
            }
            is_done
        })
    }

    fn stats(&self) -> Vec<TierStats> {
        let stats = |lane: &Arc<Lane>| {
            let Health { circuit, failures, slow, skipped, queued, coarsened, .. } =
                lane.guarded.health();
            let is_working = circuit == Circuit::Closed;
            let latency = lane.latency.read();
            let name = lane.name;
            let (staged, staged_bytes) = lane.stage.size();
            TierStats {
                name,
                is_working,
                failures,
                slow,
                skipped,
                queued,
                coarsened,
                staged,
                staged_bytes,
                latency,
            }
        };
        self.lanes.iter().map(stats).collect()
    }

    fn warnings(&self) -> Vec<String> {
        let routes: Vec<_> = self.routes.lock().values().flatten().cloned().collect();
        let refusals = routes.iter().filter_map(|route| route.refusal());
        self.warnings.lock().iter().cloned().chain(refusals).collect()
    }
}

fn address(function: &'static Function) -> usize {
    std::ptr::from_ref(function).addr()
}

fn open_disk(settings: &TierSettings) -> Result<Guarded, String> {
    let directory = settings.directory.clone().or_else(Filesystem::default_root);
    let directory = directory.ok_or("the environment does not tell where: set CACHE_DIR")?;
    let disk = Filesystem::new(directory).map_err(|error| error.to_string())?;
    let disk = match settings.max_bytes {
        Some(max_bytes) => disk.max_bytes(max_bytes as u64),
        None => disk,
    };
    Ok(Guarded::new(Arc::new(disk)))
}

#[cfg(feature = "redis")]
fn open_redis(settings: &TierSettings) -> Result<Guarded, String> {
    let url = settings.redis_url.as_deref().ok_or("no address is known: set REDIS_URL")?;
    let redis = match url.split_once(',') {
        Some(_) => Redis::cluster(url.split(',').map(str::trim)),
        None => Redis::new(url),
    };
    Ok(Guarded::new(Arc::new(redis.map_err(|error| error.to_string())?)))
}

#[cfg(not(feature = "redis"))]
fn open_redis(_: &TierSettings) -> Result<Guarded, String> {
    Err("this program is built without the feature `redis` of `cache_core`".to_owned())
}

impl Backend {
    fn has_disk(self) -> bool {
        matches!(self, Self::Filesystem | Self::Tiered)
    }

    fn has_redis(self) -> bool {
        matches!(self, Self::Redis | Self::Tiered)
    }
}
