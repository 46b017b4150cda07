//! The backend that keeps values in memory.

use std::collections::{BTreeMap, HashMap};
use std::future::ready;

use crate::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, Counters, Scope, Time, Value, add,
};
use crate::error::Error;
use crate::sync::Mutex;

/// Keeps values in memory, up to a number of bytes, and drops those first that were not used for longest.
#[derive(Debug)]
pub struct Memory {
    max_bytes: u64,
    time: Time,
    counters: Counters,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    values: HashMap<BackendKey, (Value, Use)>,
    order: BTreeMap<Use, BackendKey>,
    bytes: u64,
    last_use: Use,
}

/// When a value was used: later ones are larger.
type Use = u64;

impl Memory {
    /// An empty one for up to so many bytes.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        Self::with_time(max_bytes, Time::system())
    }

    /// An empty one that takes its time from somewhere else.
    #[must_use]
    pub fn with_time(max_bytes: u64, time: Time) -> Self {
        Self { max_bytes, time, counters: Counters::default(), shelf: Mutex::default() }
    }
}

impl CacheBackend for Memory {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        let mut shelf = self.shelf.lock();
        let value = shelf.remove(key).filter(|value| value.is_fresh(&self.time));
        if let Some(value) = &value {
            shelf.insert(key, value.clone());
        }
        Box::pin(ready(Ok(self.counters.found(value.map(Ok)))))
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        let mut shelf = self.shelf.lock();
        shelf.remove(key);
        shelf.insert(key, value);
        add(&self.counters.writes);
        while shelf.bytes > self.max_bytes {
            let (_, oldest) = shelf.order.pop_first().expect("what takes bytes is in the order");
            shelf.remove(&oldest);
            add(&self.counters.evictions);
        }
        Box::pin(ready(Ok(())))
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        self.shelf.lock().remove(key);
        Box::pin(ready(Ok(())))
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        let mut shelf = self.shelf.lock();
        let keys: Vec<BackendKey> =
            shelf.values.keys().filter(|key| scope.contains(key)).cloned().collect();
        for key in keys {
            shelf.remove(&key);
        }
        Box::pin(ready(Ok(())))
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        let mut stats = self.counters.snapshot();
        let shelf = self.shelf.lock();
        stats.entries = Some(shelf.values.len() as u64);
        stats.bytes = Some(shelf.bytes);
        Box::pin(ready(Ok(stats)))
    }
}

impl Shelf {
    /// Puts a value in front, under a key that is not there.
    fn insert(&mut self, key: &BackendKey, value: Value) {
        self.last_use += 1;
        self.bytes += value.as_bytes().len() as u64;
        self.order.insert(self.last_use, key.clone());
        self.values.insert(key.clone(), (value, self.last_use));
    }

    fn remove(&mut self, key: &BackendKey) -> Option<Value> {
        let (value, last_use) = self.values.remove(key)?;
        self.order.remove(&last_use);
        self.bytes -= value.as_bytes().len() as u64;
        Some(value)
    }
}
