//! The backend that keeps values in memory.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::ready;
use std::time::Duration;

use crate::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, ChangeLog, Counters, News, Scope, Time,
    Value, add,
};
use crate::error::Error;
use crate::sync::Mutex;
use crate::task::{Sender, channel, within};

/// So many messages are there to be read.
const MAX_MESSAGES: usize = 1_024;

/// Keeps values in memory, up to a number of bytes, and drops those first that were not used for longest.
#[derive(Debug)]
pub struct Memory {
    max_bytes: u64,
    time: Time,
    counters: Counters,
    shelf: Mutex<Shelf>,
    /// By their namespaces.
    logs: Mutex<HashMap<String, Log>>,
}

/// The messages of a namespace.
#[derive(Default)]
struct Log {
    /// How many there were, of which the last are here.
    n_messages: u64,
    messages: VecDeque<Vec<u8>>,
    /// Those who wait for the next one.
    readers: Vec<Sender<()>>,
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
        Self {
            max_bytes,
            time,
            counters: Counters::default(),
            shelf: Mutex::default(),
            logs: Mutex::default(),
        }
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
        self.put(&mut self.shelf.lock(), key, value);
        Box::pin(ready(Ok(())))
    }

    fn set_if_absent<'a>(
        &'a self,
        key: &'a BackendKey,
        value: Value,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        let mut shelf = self.shelf.lock();
        let found = shelf.values.get(key);
        let is_absent = found.is_none_or(|(value, _)| !value.is_fresh(&self.time));
        if is_absent {
            self.put(&mut shelf, key, value);
        }
        Box::pin(ready(Ok(is_absent)))
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

    fn log(&self) -> Option<&dyn ChangeLog> {
        Some(self)
    }
}

impl ChangeLog for Memory {
    fn append<'a>(
        &'a self,
        namespace: &'a str,
        message: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let mut logs = self.logs.lock();
        let log = logs.entry(namespace.to_owned()).or_default();
        log.n_messages += 1;
        log.messages.push_back(message);
        if log.messages.len() > MAX_MESSAGES {
            log.messages.pop_front();
        }
        let readers = std::mem::take(&mut log.readers);
        drop(logs);
        // After the lock: this wakes them.
        drop(readers);
        Box::pin(ready(Ok(())))
    }

    fn read<'a>(
        &'a self,
        namespace: &'a str,
        after: Option<&'a str>,
        patience: Duration,
    ) -> BoxFuture<'a, Result<News, Error>> {
        Box::pin(async move {
            let (reader, is_more) = channel();
            let news = self.news(namespace, after, Some(reader));
            if news.is_complete && news.messages.is_empty() && after.is_some() {
                within(&self.time, patience, is_more).await;
                return Ok(self.news(namespace, after, None));
            }
            Ok(news)
        })
    }
}

impl Memory {
    fn put(&self, shelf: &mut Shelf, key: &BackendKey, value: Value) {
        shelf.remove(key);
        shelf.insert(key, value);
        add(&self.counters.writes);
        while shelf.bytes > self.max_bytes {
            let (_, oldest) = shelf.order.pop_first().expect("what takes bytes is in the order");
            shelf.remove(&oldest);
            add(&self.counters.evictions);
        }
    }

    /// What is there now. If that is nothing, `reader` is dropped when there is something.
    fn news(&self, namespace: &str, after: Option<&str>, reader: Option<Sender<()>>) -> News {
        let mut logs = self.logs.lock();
        let log = logs.entry(namespace.to_owned()).or_default();
        let position = log.n_messages.to_string();
        let n_read = after.and_then(|after| after.parse().ok());
        let n_missed = n_read.and_then(|n_read| log.n_messages.checked_sub(n_read));
        let n_missed = n_missed.filter(|n_missed| *n_missed <= log.messages.len() as u64);
        let n_known = log.messages.len() - n_missed.unwrap_or(0) as usize;
        let messages: Vec<_> = log.messages.iter().skip(n_known).cloned().collect();
        if messages.is_empty() {
            log.readers.extend(reader);
        }
        News { position, messages, is_complete: after.is_none() || n_missed.is_some() }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("n_messages", &self.n_messages).finish_non_exhaustive()
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
