//! The backend that keeps nothing.

use std::future::ready;

use crate::backend::{BackendKey, BackendStats, BoxFuture, CacheBackend, Scope, Value};
use crate::error::Error;

/// Keeps nothing: every lookup is a miss, and nothing ever fails.
#[derive(Clone, Copy, Debug, Default)]
pub struct Noop;

impl CacheBackend for Noop {
    fn get<'a>(&'a self, _key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        Box::pin(ready(Ok(None)))
    }

    fn set<'a>(&'a self, _key: &'a BackendKey, _value: Value) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn delete<'a>(&'a self, _key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn clear<'a>(&'a self, _scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(ready(Ok(())))
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        let stats = BackendStats { entries: Some(0), bytes: Some(0), ..BackendStats::default() };
        Box::pin(ready(Ok(stats)))
    }
}
