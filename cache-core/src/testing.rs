//! A cache and a clock of a test's own.
//!
//! Cached functions keep their results for the whole process, so tests that share a process would see each other's.
//! In the scope of a [`TestCache`] the same functions use a cache that is empty at first,
//! whose time stands still until the test moves it, and whose counters can be asserted by function name.
//!
//! ```
//! use cache_core::{cached, testing::TestCache};
//! use std::time::Duration;
//!
//! #[cached(ttl = 10m)]
//! fn price(article: u64) -> u64 {
//!     article * 100
//! }
//!
//! let cache = TestCache::new();
//! cache.run(|| {
//!     assert_eq!(price(7), price(7));
//!     cache.function("price").hits(1).loads(1);
//!     cache.advance(Duration::from_secs(600));
//!     price(7);
//!     cache.function("price").hits(1).loads(2).expirations(1);
//! });
//! ```

#[cfg(feature = "tiers")]
mod conformance;

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use crate::cache::{Builder, Cache, Inner};
use crate::clock::Clock;
use crate::context::{self, CacheScope};
use crate::error::Error;
use crate::function::FunctionStats;
use crate::stats::Stats;
use crate::sync::{Arc, Ref};

#[cfg(all(test, shuttle))]
mod schedules;
#[cfg(feature = "tiers")]
pub use conformance::{backend_conformance, backend_safety};

/// A private cache for a test. Clones are handles of the same cache.
#[derive(Clone, Debug)]
pub struct TestCache {
    cache: Cache,
    /// Ends its loads in the background when the last handle is dropped.
    _background: Arc<EndBackground>,
}

struct EndBackground(Ref<Inner>);

impl std::fmt::Debug for EndBackground {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndBackground").finish_non_exhaustive()
    }
}

impl Drop for EndBackground {
    fn drop(&mut self) {
        self.0.background.cancel();
    }
}

impl Default for TestCache {
    fn default() -> Self {
        Self::new()
    }
}

impl std::ops::Deref for TestCache {
    type Target = Cache;

    fn deref(&self) -> &Cache {
        &self.cache
    }
}

impl TestCache {
    /// An empty cache with default limits, whose clock stands still. The environment has no say in it.
    #[must_use]
    pub fn new() -> Self {
        Self::from_builder(Cache::builder())
    }

    /// An empty cache with limits of its own.
    ///
    /// ```
    /// use cache_core::{Cache, testing::TestCache};
    ///
    /// let cache = TestCache::from_builder(Cache::builder().max_entries(3));
    /// assert_eq!(cache.config().max_entries, Some(3));
    /// ```
    #[must_use]
    pub fn from_builder(builder: Builder) -> Self {
        Self::with_clock(builder, Clock::manual())
    }

    /// An empty cache that follows another clock: the time since the cache was made, as `elapsed` tells it.
    ///
    /// With tokio's clock, tests that pause and advance it see the cache's entries age with it:
    ///
    /// ```
    /// # use cache_core::{Cache, testing::TestCache};
    /// let start = std::time::Instant::now(); // `tokio::time::Instant::now()`
    /// let cache = TestCache::following(Cache::builder(), move || start.elapsed());
    /// ```
    #[must_use]
    pub fn following(
        builder: Builder,
        elapsed: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        Self::with_clock(builder, Clock::Source(Box::new(elapsed)))
    }

    fn with_clock(builder: Builder, clock: Clock) -> Self {
        let inner = Inner::private(builder.settings(), clock);
        let inner = Ref::Shared(Arc::new(inner));
        Self { cache: Cache::new(inner.clone()), _background: Arc::new(EndBackground(inner)) }
    }

    /// Makes cached functions on this thread use this cache until the scope is dropped.
    ///
    /// Tasks that an executor on this thread runs meanwhile use it too.
    #[must_use = "the scope ends when this is dropped"]
    pub fn enter(&self) -> Scope {
        Scope { _scope: CacheScope::enter(self.cache.inner()), not_send: PhantomData }
    }

    /// Runs `test` with this cache.
    pub fn run<R>(&self, test: impl FnOnce() -> R) -> R {
        let _scope = self.enter();
        test()
    }

    /// Polls `test` with this cache, on whatever threads that happens.
    ///
    /// A task that it spawns is on its own: give it a scope too.
    pub fn scope<F: Future>(&self, test: F) -> impl Future<Output = F::Output> + use<F> {
        context::with_cache(self.cache.inner().clone(), test)
    }

    /// Moves the clock. Nothing else happens: what has expired is given back by [`TestCache::run_background`].
    ///
    /// # Panics
    ///
    /// If the cache follows another clock, which is then the one to move.
    #[track_caller]
    pub fn advance(&self, span: Duration) {
        assert!(
            self.cache.inner().clock.advance(span),
            "this cache follows another clock: advance that one"
        );
    }

    /// Does now what is otherwise done in the background: waits for the loads that run on threads, and gives expired
    /// entries back.
    ///
    /// Those of async functions run on their runtime: see [`TestCache::run_background_async`].
    pub fn run_background(&self) {
        self.cache.inner().background.wait_for_threads();
        self.cache.inner().sweep();
    }

    /// Waits for all loads in the background, and gives expired entries back.
    pub async fn run_background_async(&self) {
        self.cache.inner().background.wait().await;
        self.cache.inner().sweep();
    }

    /// What one function has done in this cache, to be asserted.
    ///
    /// If several functions have the name, the one that this cache has seen at work is meant.
    ///
    /// # Panics
    ///
    /// If no cached function has this name, with a list of those there are.
    /// If several have it and this cache has seen none of them or more than one:
    /// then the name is to be given with its module, as in `shop::price`.
    #[track_caller]
    pub fn function(&self, name: &str) -> Observed {
        let functions = self.cache.functions();
        let full_name =
            |function: &FunctionStats| format!("{}::{}", function.module, function.name);
        let suffix = format!("::{name}");
        let named: Vec<&FunctionStats> = functions
            .iter()
            .filter(|function| {
                full_name(function) == name || full_name(function).ends_with(&suffix)
            })
            .collect();
        let seen: Vec<&FunctionStats> =
            named.iter().copied().filter(|function| function.stats.is_active()).collect();
        match (named.as_slice(), seen.as_slice()) {
            ([function], _) | (_, [function]) => {
                Observed { name: name.to_owned(), stats: function.stats.clone() }
            }
            ([], _) => {
                let known = functions.iter().map(|function| function.name.to_owned()).collect();
                panic!("{}", Error::no_function(name, known))
            }
            (several, _) => panic!(
                "several cached functions are called `{name}`, name one with its module: {}",
                several.iter().map(|function| full_name(function)).collect::<Vec<_>>().join(", ")
            ),
        }
    }
}

/// Cached functions on this thread use a test's cache as long as this exists.
pub struct Scope {
    _scope: CacheScope,
    /// The scope is the thread's.
    not_send: PhantomData<*const ()>,
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scope").finish_non_exhaustive()
    }
}

/// What a function had done when it was looked at. Assertions can be chained; they panic with all that happened.
#[derive(Clone, Debug)]
pub struct Observed {
    name: String,
    stats: Stats,
}

macro_rules! assertions {
    ($($(#[$doc:meta])* $counter:ident)+) => {$(
        $(#[$doc])*
        ///
        /// # Panics
        ///
        /// If there were more or fewer.
        #[track_caller]
        pub fn $counter(self, expected: u64) -> Self {
            self.check(stringify!($counter), self.stats.$counter, expected);
            self
        }
    )+};
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "an assertion has done its work when it returns"
)]
impl Observed {
    assertions! {
        /// Asserts how many calls were answered with a stored value.
        hits
        /// Asserts how many calls found no fresh value.
        misses
        /// Asserts how many bodies were started.
        loads
        /// Asserts how many misses shared another caller's body.
        coalesced
        /// Asserts how many values were stored.
        insertions
        /// Asserts how many values were dropped to keep a limit.
        evictions
        /// Asserts how many values were dropped because their lifetime had ended.
        expirations
        /// Asserts how many values were dropped because somebody said so.
        invalidations
        /// Asserts how many results were too large.
        rejected
        /// Asserts how often the cache itself was in trouble.
        errors
    }

    /// Asserts how many entries the function has now.
    ///
    /// # Panics
    ///
    /// If there are more or fewer.
    #[track_caller]
    pub fn entries(self, expected: usize) -> Self {
        self.check("entries", self.stats.entries as u64, expected as u64);
        self
    }

    /// All that was observed.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    #[track_caller]
    fn check(&self, counter: &str, found: u64, expected: u64) {
        assert!(
            found == expected,
            "`{}` has {found} {counter}, expected {expected}; this is what happened:\n{}",
            self.name,
            self.stats
        );
    }
}

#[cfg(test)]
mod tests {
    use super::TestCache;
    use crate::cached;

    #[cached(crate = crate)]
    fn passing(id: u32) -> u32 {
        id
    }

    #[cached(crate = crate, invalidate_on = ["over"])]
    fn outdated(id: u32) -> u32 {
        id
    }

    #[test]
    fn what_moves_while_outdated_entries_are_searched_for_is_looked_at_all_the_same() {
        let cache = TestCache::new();
        cache.run(|| {
            (0..1_000).map(passing).for_each(drop);
            (0..100).map(outdated).for_each(drop);
            // Without the sweep that follows in a test's cache.
            assert!(cache.cache.inner().events.emit("over", crate::events::Change::Hard));
            // An eviction looks at some entries, of which none is outdated.
            cache.set_max_entries(1_099);
            assert_eq!((passing::stats().entries, outdated::stats().entries), (999, 100));
            passing::clear();
            cache.run_background();
            assert_eq!(outdated::stats().entries, 0);
        });
    }
}
