//! What was loaded from a tier before anybody asked for it: sealed values, until their first calls open them.
//!
//! A value lies here for as long as it would be found in the tier: whatever is done to it or to what it depends on, by
//! this process or by another one that is heard, drops it. One that arrives while something is dropped is not kept,
//! because it may have been read before.
//!
//! It is not in the byte budget of the memory, which would have to evict for it what is in use: who wants a warm start
//! says how many bytes that may take besides, of all tiers together.

use std::collections::HashMap;

use crate::backend::{BackendKey, Scope, Value};
use crate::sync::Mutex;

/// Values of one tier that nobody has asked for yet.
#[derive(Default)]
pub(super) struct Stage(Mutex<State>);

#[derive(Default)]
struct State {
    values: HashMap<BackendKey, Staged>,
    bytes: usize,
    n_changes: u64,
}

/// What has become of a value.
pub(super) enum Placed {
    Yes,
    /// It may have changed since it was read.
    Outdated,
    NoRoom,
}

struct Staged {
    value: Value,
    /// What processes call the events that it goes with.
    digests: Vec<u64>,
}

impl State {
    fn retain(&mut self, is_kept: impl Fn(&BackendKey, &Staged) -> bool) {
        self.n_changes += 1;
        self.values.retain(|key, staged| is_kept(key, staged));
        self.bytes = self.values.values().map(|staged| staged.value.as_bytes().len()).sum();
    }
}

impl Stage {
    /// How much has changed so far.
    pub(super) fn n_changes(&self) -> u64 {
        self.0.lock().n_changes
    }

    /// Keeps a value that was read when so much had changed, within `max_bytes` for all.
    pub(super) fn put(
        &self,
        key: BackendKey,
        value: Value,
        digests: Vec<u64>,
        n_changes: u64,
        max_bytes: usize,
    ) -> Placed {
        let mut state = self.0.lock();
        let bytes = state.bytes + value.as_bytes().len();
        if state.n_changes != n_changes {
            return Placed::Outdated;
        }
        if bytes > max_bytes {
            return Placed::NoRoom;
        }
        state.bytes = bytes;
        // Whoever may write to the tier may have written a key into its list twice.
        if let Some(older) = state.values.insert(key, Staged { value, digests }) {
            state.bytes -= older.value.as_bytes().len();
        }
        Placed::Yes
    }

    /// The value of a key, whose time has come.
    pub(super) fn take(&self, key: &BackendKey) -> Option<Value> {
        let mut state = self.0.lock();
        let Staged { value, .. } = state.values.remove(key)?;
        state.bytes -= value.as_bytes().len();
        Some(value)
    }

    /// Drops what depends on one of these.
    pub(super) fn drop_dependent(&self, changed: &[u64]) {
        self.0.lock().retain(|_, staged| !staged.digests.iter().any(|it| changed.contains(it)));
    }

    /// Drops the value of a key.
    pub(super) fn drop_one(&self, key: &BackendKey) {
        self.0.lock().n_changes += 1;
        drop(self.take(key));
    }

    /// Drops the values in a scope.
    pub(super) fn drop_scope(&self, scope: &Scope) {
        self.0.lock().retain(|key, _| !scope.contains(key));
    }

    /// Drops everything.
    pub(super) fn clear(&self) {
        self.0.lock().retain(|_, _| false);
    }

    /// How many values there are, and their bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        let state = self.0.lock();
        (state.values.len(), state.bytes)
    }
}
