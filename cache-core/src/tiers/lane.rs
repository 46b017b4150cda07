//! One tier, and what is known of it apart from values.

use std::hash::{BuildHasher, Hasher, RandomState};

use crate::backend::{BackendKey, CacheBackend, Guarded, Scope, Value};
use crate::codec::Encoded;
use crate::latency::Histogram;
use crate::task::BoxFuture;
use crate::time::Time;

use super::marks;

/// A tier behind the memory.
pub(super) struct Lane {
    pub(super) name: &'static str,
    /// Others see a change at once, so that it is worth waiting for.
    pub(super) is_local: bool,
    pub(super) guarded: Guarded,
    pub(super) namespace: String,
    /// How long lookups took.
    pub(super) latency: Histogram,
}

impl Lane {
    /// Looks a value up.
    pub(super) async fn get(&self, key: &BackendKey) -> Option<Value> {
        let time = Time::system();
        let begun = time.elapsed();
        let found = self.guarded.get(key).await;
        self.latency.record(time.elapsed().saturating_sub(begun));
        found.ok().flatten()
    }

    /// Notes a removal now. The future waits for it, where that is worth it.
    pub(super) fn remove(&self, key: &BackendKey) -> BoxFuture<'_, ()> {
        self.changed(self.guarded.removal(key))
    }

    /// Notes now that a scope is cleared. The future waits for it, where that is worth it.
    pub(super) fn clear(&self, scope: Scope) -> BoxFuture<'_, ()> {
        self.changed(self.guarded.clearing(scope))
    }

    fn changed<'a>(&self, change: BoxFuture<'a, bool>) -> BoxFuture<'a, ()> {
        let is_local = self.is_local;
        Box::pin(async move {
            if is_local {
                change.await;
            }
        })
    }

    /// The value of a mark, if it is there.
    pub(super) async fn mark(&self, key: &BackendKey) -> Option<u64> {
        let value = self.get(key).await?;
        value.payload().try_into().ok().map(u64::from_le_bytes)
    }

    /// The value of a mark, which is made if it is not there. `None` if the tier does not work.
    pub(super) async fn ensured_mark(&self, key: &BackendKey) -> Option<u64> {
        if let Some(mark) = self.mark(key).await {
            return Some(mark);
        }
        let random = RandomState::new().build_hasher().finish();
        let fresh = Encoded::raw(random.to_le_bytes().to_vec());
        let fresh = Value::seal(key, &fresh, None, &Time::system());
        if !self.guarded.storing(key, fresh).await {
            return None;
        }
        // Another process may have made it as well.
        self.mark(key).await
    }

    /// The mark that goes whenever an event is emitted.
    pub(super) async fn clock(&self) -> Option<u64> {
        self.ensured_mark(&marks::clock(&self.namespace)).await
    }
}
