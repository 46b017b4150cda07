//! One tier, and what is known of it apart from values.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::slice;
use std::time::Duration;

use crate::backend::{BackendKey, CacheBackend, Guarded, Value};
use crate::codec::Encoded;
use crate::event::Family;
use crate::executor::block_on;
use crate::latency::Histogram;
use crate::sync::{Arc, Mutex};
use crate::task::within;
use crate::time::Time;
use crate::worker;

use super::PATIENCE;
use super::ear::Ear;
use super::marks::{self, Marks};
use super::stage::Stage;

/// A tier behind the memory.
pub(super) struct Lane {
    pub(super) name: &'static str,
    pub(super) guarded: Guarded,
    pub(super) namespace: String,
    /// How other processes are heard, if the tier has a log of what they change.
    pub(super) ear: Option<Arc<Ear>>,
    /// Whether there is a thread for that, and since when, once somebody wants it.
    pub(super) is_heard: Mutex<Option<(bool, Duration)>>,
    /// What was loaded before anybody asked for it.
    pub(super) stage: Arc<Stage>,
    /// How long lookups took.
    pub(super) latency: Histogram,
}

impl Lane {
    /// Looks a value up.
    pub(super) async fn get(&self, key: &BackendKey) -> Option<Value> {
        self.get_all(slice::from_ref(key)).await.pop().flatten()
    }

    /// Looks values up, all with one question: nothing for those that are not there, or for all if the tier does not work.
    async fn get_all(&self, keys: &[BackendKey]) -> Vec<Option<Value>> {
        let time = Time::system();
        let begun = time.elapsed();
        let found = self.guarded.get_all(keys).await;
        self.latency.record(time.elapsed().saturating_sub(begun));
        found.unwrap_or_default()
    }

    /// Looks a value up, and the mark of its call.
    pub(super) async fn get_with_mark(
        &self,
        key: &BackendKey,
        mark: &BackendKey,
    ) -> (Option<Value>, Option<u64>) {
        let found = self.get_all(&[key.clone(), mark.clone()]).await;
        let [value, mark] = found.try_into().unwrap_or_default();
        (value, mark.as_ref().and_then(number_in))
    }

    /// Hears other processes from now on, and tells what all depends on that the tier keeps. `None` if there is no
    /// thread for that.
    pub(super) fn follow(&self) -> Option<Option<Family>> {
        let Some(ear) = &self.ear else { return Some(None) };
        let time = Time::system();
        let (has_thread, since) =
            *self.is_heard.lock().get_or_insert_with(|| (ear.start(), time.elapsed()));
        // What is stored before is taken to be outdated then.
        if has_thread && !worker::is_here() {
            let waited = time.elapsed().saturating_sub(since);
            block_on(within(&time, PATIENCE.saturating_sub(waited), ear.has_heard()));
        }
        has_thread.then_some(Some(ear.family))
    }

    /// Waits until other processes are heard, if the tier has a log of what they change. False if there is no thread.
    pub(super) async fn hears(&self) -> bool {
        let Some(ear) = &self.ear else { return true };
        if self.follow().is_none() {
            return false;
        }
        ear.has_heard().await;
        true
    }

    /// Whether all of these marks are there.
    pub(super) async fn has(&self, marks: &Marks) -> bool {
        if marks.is_empty() {
            return true;
        }
        let keys: Vec<_> = marks.iter().map(|(key, _)| key.clone()).collect();
        let found = self.get_all(&keys).await;
        let found = found.iter().map(|value| value.as_ref().and_then(number_in));
        found.eq(marks.iter().map(|(_, mark)| Some(*mark)))
    }

    /// The value of a mark, if it is there.
    pub(super) async fn mark(&self, key: &BackendKey) -> Option<u64> {
        number_in(&self.get(key).await?)
    }

    /// The value of a mark, which is made if it is not there. `None` if the tier does not work.
    pub(super) async fn ensured_mark(&self, key: &BackendKey) -> Option<u64> {
        if let Some(mark) = self.mark(key).await {
            return Some(mark);
        }
        let random = random();
        let fresh = Encoded::raw(random.to_le_bytes().to_vec());
        let fresh = Value::seal(key, &fresh, None, &Time::system());
        // Once: a mark that is set again after its removal would bring back what depends on it.
        match self.guarded.store_once(key, fresh).await? {
            true => Some(random),
            // Somebody else has made it meanwhile.
            false => self.mark(key).await,
        }
    }

    /// The mark that goes whenever an event is emitted.
    pub(super) async fn clock(&self) -> Option<u64> {
        self.ensured_mark(&marks::clock(&self.namespace)).await
    }
}

/// What a mark or a claim holds.
pub(super) fn number_in(value: &Value) -> Option<u64> {
    value.payload().try_into().ok().map(u64::from_le_bytes)
}

pub(super) fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
