//! Slower tiers: where values go that outlive the memory of the process.
//!
//! A [`CacheBackend`] moves sealed bytes by key. It may forget anything at any time, and whatever it does wrong is
//! a miss: bytes become a [`Value`] only through [`Value::open`], which looks at their checksum, their key and
//! their lifetime.
//!
//! | backend | |
//! | --- | --- |
//! | [`Guarded`] | any other one, made such that a call neither fails nor waits because of it |
//! | [`Tiered`] | several of these, the faster ones first |
//! | [`Noop`] | keeps nothing |
//! | [`Filesystem`] | keeps each value in a file, for all processes that share the directory |
//! | `Redis` | keeps values in Redis or Valkey, on one server or in a cluster; takes the feature `redis` |
//! | [`Memory`] | keeps values in memory, to put a bound in front of something slower, or to test with |
//!
//! # Writing one
//!
//! Five functions, and [`testing::backend_conformance`](crate::testing::backend_conformance) to see whether they
//! do what is expected:
//!
//! ```
//! use std::collections::HashMap;
//! use std::future::ready;
//! use std::sync::{Arc, Mutex};
//!
//! use cache_core::Error;
//! use cache_core::backend::{BackendKey, BackendStats, BoxFuture, CacheBackend, Scope, Time, Value};
//!
//! #[derive(Default)]
//! struct Shelf(Mutex<HashMap<BackendKey, Vec<u8>>>);
//!
//! impl CacheBackend for Shelf {
//!     fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
//!         let bytes = self.0.lock().unwrap().get(key).cloned();
//!         let value = bytes.and_then(|bytes| Value::open(key, bytes, &Time::system()).ok());
//!         Box::pin(ready(Ok(value)))
//!     }
//!
//!     fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
//!         self.0.lock().unwrap().insert(key.clone(), value.as_bytes().to_vec());
//!         Box::pin(ready(Ok(())))
//!     }
//!
//!     fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
//!         self.0.lock().unwrap().remove(key);
//!         Box::pin(ready(Ok(())))
//!     }
//!
//!     fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
//!         self.0.lock().unwrap().retain(|key, _| !scope.contains(key));
//!         Box::pin(ready(Ok(())))
//!     }
//!
//!     fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
//!         let entries = Some(self.0.lock().unwrap().len() as u64);
//!         Box::pin(ready(Ok(BackendStats { entries, ..BackendStats::default() })))
//!     }
//! }
//!
//! # pollster::block_on(async {
//! cache_core::testing::backend_conformance(Arc::new(Shelf::default())).await;
//! # });
//! ```

mod filesystem;
mod guarded;
mod key;
mod log;
mod memory;
mod noop;
#[cfg(feature = "redis")]
mod redis;
mod tiered;
mod value;

pub use filesystem::Filesystem;
pub use guarded::{Circuit, Guarded, Health};
pub use key::{BackendKey, Scope};
pub use log::{ChangeLog, News};
pub(crate) use log::{Told, decode};
pub use memory::Memory;
pub use noop::Noop;
#[cfg(feature = "redis")]
pub use redis::Redis;
pub use tiered::Tiered;
pub use value::{Unusable, Value};

pub use crate::task::BoxFuture;
pub use crate::time::Time;

use crate::error::Error;
use crate::sync::{AtomicU64, Ordering};
use crate::task::all;

/// A store of values outside of the cache's own memory.
///
/// The futures may be polled on any thread by any executor, or by none that the backend knows: they must not need
/// a runtime around them, and must not block the thread that polls them. What blocks belongs on threads of the
/// backend's own.
/// A future that is dropped is an operation that may or may not have happened.
///
/// Nothing may be cached before it is used: a value that has been deleted is not found again, not even after
/// another process has stored it elsewhere.
pub trait CacheBackend: Send + Sync {
    /// The value that was last stored under the key, if it is still there and fresh.
    ///
    /// # Errors
    ///
    /// If it cannot be told. What is found and is no [`Value`] is not an error but a miss.
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>>;

    /// The values of some keys, in their order, each as [`get`](Self::get) finds it.
    ///
    /// Unless it is told otherwise this gets one value beside the other. Where one question can be for all of them, it
    /// takes as long as one.
    ///
    /// # Errors
    ///
    /// If it cannot be told for one of them.
    fn get_all<'a>(
        &'a self,
        keys: &'a [BackendKey],
    ) -> BoxFuture<'a, Result<Vec<Option<Value>>, Error>> {
        Box::pin(async move {
            let found = all(keys.iter().map(|key| self.get(key))).await;
            found.into_iter().collect()
        })
    }

    /// Stores a value, in the place of an older one.
    ///
    /// # Errors
    ///
    /// If it is not stored. The backend then tries not to keep the older one either.
    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>>;

    /// Stores a value unless there is one that is fresh, and says whether it has.
    ///
    /// Of some who do so at the same time one has stored its own, and the others find that.
    /// Unless it is told otherwise this looks first and stores then, so that those that come in between are overwritten:
    /// results that were stored meanwhile may then be lost, and several processes may load the same one.
    ///
    /// # Errors
    ///
    /// If it may not be stored.
    fn set_if_absent<'a>(
        &'a self,
        key: &'a BackendKey,
        value: Value,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        Box::pin(async move {
            let is_absent = self.get(key).await?.is_none();
            if is_absent {
                self.set(key, value).await?;
            }
            Ok(is_absent)
        })
    }

    /// Removes the value of a key, if there is one.
    ///
    /// # Errors
    ///
    /// If it may still be found.
    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>>;

    /// Removes the values of all keys in the scope, and no other.
    ///
    /// # Errors
    ///
    /// If one of them may still be found.
    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>>;

    /// What the backend holds and has done.
    ///
    /// # Errors
    ///
    /// If it cannot be told.
    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>>;

    /// Where the processes that share this tell each other what has changed, if they can.
    ///
    /// Without a log, what one process changes is seen by others when they ask the tier, and what they have in memory
    /// stays until it expires. [`Guarded`] and [`Tiered`] have none, because they make changes later than they are told
    /// to; a cache guards its tiers itself.
    fn log(&self) -> Option<&dyn ChangeLog> {
        None
    }
}

/// What a backend holds, and what it has done since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendStats {
    /// How many values it holds, as far as it knows.
    pub entries: Option<u64>,
    /// How many bytes they take, as far as it knows.
    pub bytes: Option<u64>,
    /// Lookups that found a value.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Values that were stored.
    pub writes: u64,
    /// Values that were dropped to keep a limit.
    pub evictions: u64,
    /// What was found and was no value.
    pub damaged: u64,
    /// Operations that failed.
    pub errors: u64,
}

/// The counters behind [`BackendStats`].
#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    writes: AtomicU64,
    evictions: AtomicU64,
    damaged: AtomicU64,
    errors: AtomicU64,
}

impl Counters {
    /// Notes a lookup, and makes a miss of what is no value.
    fn found(&self, opened: Option<Result<Value, Unusable>>) -> Option<Value> {
        if matches!(opened, Some(Err(Unusable::Damaged))) {
            add(&self.damaged);
        }
        let value = opened.and_then(Result::ok);
        add(if value.is_some() { &self.hits } else { &self.misses });
        value
    }

    /// Notes whether something has failed.
    fn noted<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if result.is_err() {
            add(&self.errors);
        }
        result
    }

    fn snapshot(&self) -> BackendStats {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        BackendStats {
            entries: None,
            bytes: None,
            hits: count(&self.hits),
            misses: count(&self.misses),
            writes: count(&self.writes),
            evictions: count(&self.evictions),
            damaged: count(&self.damaged),
            errors: count(&self.errors),
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
