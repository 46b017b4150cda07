//! What a program says of its cache before it uses it.

use std::path::PathBuf;
use std::time::Duration;

use super::install;
use crate::config::{Backend, Settings};
use crate::error::Error;
use crate::ranking::Eviction;
#[cfg(doc)]
use crate::{Cache, FunctionStats, Stats};
#[cfg(feature = "tiers")]
use crate::{backend::CacheBackend, config::Custom, sync::Arc};

/// Settings for the global cache, from code.
///
/// ```
/// use cache_core::Cache;
/// use std::time::Duration;
///
/// # fn main() -> Result<(), cache_core::Error> {
/// Cache::builder().max_bytes(64 << 20).ttl(Duration::from_secs(600)).install()?;
/// assert_eq!(Cache::global().config().max_bytes, Some(64 << 20));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is set before `install` is called"]
pub struct Builder {
    pub(super) settings: Settings,
}

impl Builder {
    /// The limit on bytes, 256 MiB by default; `None` for no limit. `CACHE_MAX_MEMORY_MB` wins over it.
    pub fn max_bytes(mut self, max: impl Into<Option<usize>>) -> Self {
        self.settings.max_bytes = max.into();
        self
    }

    /// The limit on entries, none by default. `CACHE_MAX_ENTRIES` wins over it.
    pub fn max_entries(mut self, max: impl Into<Option<usize>>) -> Self {
        self.settings.max_entries = max.into();
        self
    }

    /// The lifetime of results whose function says none; by default they do not expire. `CACHE_TTL_SECONDS` wins over it.
    pub fn ttl(mut self, ttl: impl Into<Option<Duration>>) -> Self {
        self.settings.ttl = ttl.into();
        self
    }

    /// Whether anything is cached. `CACHE_ENABLED` wins over it.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.settings.enabled = enabled;
        self
    }

    /// Keeps the order of use exactly, however many entries there are.
    ///
    /// A cache that is limited to 1024 entries does so anyway. In others each hit then writes a counter that all threads
    /// share, where uses that lie within a 64th of the entries would count as one.
    pub fn exact_order(mut self, exact: bool) -> Self {
        self.settings.exact_order = exact;
        self
    }

    /// Where results are kept, in the place of what their functions say. `CACHE_BACKEND` wins over it.
    ///
    /// All but [`Backend::None`] and [`Backend::Memory`] take the feature `tiers`.
    pub fn backend(mut self, backend: Backend) -> Self {
        self.settings.set_backend(Some(backend));
        self
    }

    /// A tier of your own behind the memory, for all functions and in the place of any other.
    #[cfg(feature = "tiers")]
    pub fn custom_backend(mut self, backend: Arc<dyn CacheBackend>) -> Self {
        self.settings.tiers.custom = Some(Custom(Arc::new(backend)));
        self
    }

    /// Where files are kept. `CACHE_DIR` wins over it; by default it is where the system keeps caches.
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.settings.tiers.directory = Some(directory.into());
        self
    }

    /// The limit on the bytes of all files, 1 GiB by default. `CACHE_MAX_SIZE_MB` wins over it.
    pub fn max_disk_bytes(mut self, max: usize) -> Self {
        self.settings.tiers.max_bytes = Some(max);
        self
    }

    /// The address of the Redis server, or those of some nodes of a cluster with commas between them. `REDIS_URL` wins
    /// over it.
    pub fn redis_url(mut self, url: impl Into<String>) -> Self {
        self.settings.tiers.redis_url = Some(url.into());
        self
    }

    /// What tells programs apart that share files or a server, `cache` by default. `CACHE_NAMESPACE` wins over it.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.settings.tiers.namespace = Some(namespace.into());
        self
    }

    /// How long results in memory are taken to be current while the tier does not answer through which other processes
    /// tell what they change, 1 s by default. `CACHE_LEASE` wins over it.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.tiers.lease = Some(lease);
        self
    }

    /// Has what a tier keeps and this program used most loaded in the background when the cache is made, the most used
    /// first, up to so many bytes and for no longer than that; the first call of each finds it at hand.
    ///
    /// What is used most is noted in the tier each minute and by [`Cache::flush`]. No call waits for any of it.
    /// What waits for its first call is besides the byte budget, because nothing is evicted for it: so long the cache may
    /// take up to `max_bytes` more, of all tiers together, and the names of at most 4,096 results. A call moves its
    /// result into the budget, and what nobody has asked for goes after ten minutes.
    /// `CACHE_WARM_START_MB` and `CACHE_WARM_START_SECONDS` win over it.
    pub fn warm_start(mut self, max_bytes: usize, patience: Duration) -> Self {
        self.settings.tiers.warm_bytes = Some(max_bytes);
        self.settings.tiers.warm_time = Some(patience);
        self
    }

    /// How many results are reloaded in the background at the same time, at the most; 64 by default.
    ///
    /// Beyond that, callers are served what is there, and a later one has it reloaded. With 0 nothing is reloaded before
    /// it has expired for good.
    pub fn max_reloads(mut self, max: usize) -> Self {
        self.settings.max_reloads = max;
        self
    }

    /// The share of hits among the last thousand calls below which [`Cache::health`] is not well; 0.1 by default.
    pub fn min_hit_rate(mut self, rate: f64) -> Self {
        self.settings.thresholds.min_hit_rate = rate;
        self
    }

    /// The share of results that are too large above which [`Cache::health`] is not well; 0.05 by default.
    pub fn max_rejected_rate(mut self, rate: f64) -> Self {
        self.settings.thresholds.max_rejected_rate = rate;
        self
    }

    /// Has a share of the hits run their bodies all the same, and compares the stored results with the fresh ones; 0.0 by
    /// default. `CACHE_VERIFY` wins over it.
    ///
    /// A difference says that the cached function is wrong: something that its result depends on is not in its key, its
    /// body is not pure, or something has changed without an event that it names. It is counted as
    /// [`Stats::divergences`], told to observers once for each function, a reason for [`Cache::health`] not to be well, and
    /// shown with a digest of the key by [`Cache::functions`].
    ///
    /// Such a call is a hit and a load: it waits for the body and gets its result, which is stored; where that is an
    /// `Err`, it gets the stored one. Nothing is said of a result that was invalidated, replaced or has expired while the
    /// body ran. What was written and is yet to be emitted looks like a missing event, so a few differences among very
    /// many calls need not be mistakes.
    ///
    /// Values are compared by `PartialEq`, or else by what they serialize to. Those that have neither are not, nor those of
    /// generic functions whose bounds say neither: [`FunctionStats::comparable`] tells. A value that differs from itself, as
    /// a float that is no number does, is taken for equal. Not compared are calls within a body that runs to be compared,
    /// results that are served stale or reloaded in the background, and responses that `ResponseLayer` keeps.
    pub fn verify(mut self, share: f64) -> Self {
        self.settings.verify.share = share.clamp(0.0, 1.0);
        self
    }

    /// Whether a call panics that finds a difference, so that a test fails; `CACHE_VERIFY=100%,fail` has it do so.
    ///
    /// ```should_panic
    /// use std::cell::Cell;
    ///
    /// use cache_core::{Cache, cached, testing::TestCache};
    ///
    /// thread_local! {
    ///     static CURRENCY: Cell<&'static str> = const { Cell::new("EUR") };
    /// }
    ///
    /// #[cached]
    /// fn price(article: u64) -> String {
    ///     format!("{article} {}", CURRENCY.get()) // which is not in the key
    /// }
    ///
    /// let cache = TestCache::from_builder(Cache::builder().verify(1.0).fail_on_divergence(true));
    /// cache.run(|| {
    ///     price(7);
    ///     CURRENCY.set("USD");
    ///     price(7); // panics
    /// });
    /// ```
    pub fn fail_on_divergence(mut self, fail: bool) -> Self {
        self.settings.verify.fails = fail;
        self
    }

    /// Which entries go first, [`Eviction::Lru`] by default. `CACHE_EVICTION` wins over it.
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.settings.eviction = eviction;
        self
    }

    /// Makes the global cache with these settings.
    ///
    /// # Errors
    ///
    /// If the global cache is in use already. It keeps its settings then.
    pub fn install(self) -> Result<(), Error> {
        if install(self.settings) { Ok(()) } else { Err(Error::already_in_use()) }
    }

    pub(crate) fn settings(self) -> Settings {
        self.settings
    }
}
