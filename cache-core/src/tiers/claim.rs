//! One load among several processes: who runs a body has claimed its call in the tier that they share.
//!
//! A claim is a value that is stored where there is none. It holds a random number, the *token* of its holder, and its
//! lifetime is a lease: when that has ended, somebody else may claim the call.
//! So a holder that has died keeps others waiting until then, and one that was too slow finds that its token is not
//! there any more, and leaves no result. One that is stopped just after it has looked cannot do harm either, because a
//! result that was claimed is stored only where there is none.

use std::collections::HashSet;
use std::time::Duration;

use crate::backend::{BackendKey, CacheBackend, Guarded, Value};
use crate::codec::Encoded;
use crate::sync::{Arc, Mutex};
use crate::time::Time;

use super::lane::{number_in, random};

/// So long a claim lasts, and anybody waits for a result that somebody else computes.
pub(super) const LEASE: Duration = Duration::from_secs(10);

/// Who waits for one looks so often whether it is there.
pub(super) const PAUSE: Duration = Duration::from_millis(20);

/// The claims that this process has.
#[derive(Default)]
pub(super) struct Claims(Arc<Mutex<HashSet<BackendKey>>>);

/// What comes of claiming a call.
pub(super) enum Claimed {
    Here(Claim),
    /// Somebody else computes its result.
    Elsewhere,
    /// The tier does not work, or the load that has claimed the call waits for this one.
    Never,
}

impl Claims {
    /// Claims a call, if nobody has.
    pub(super) async fn claim(&self, guarded: &Guarded, key: BackendKey) -> Claimed {
        if !self.0.lock().insert(key.clone()) {
            return Claimed::Never;
        }
        let time = Time::system();
        let token = random();
        let mut claim = Claim {
            claims: Arc::clone(&self.0),
            guarded: guarded.clone(),
            key,
            token,
            end: Some(time.elapsed().saturating_add(LEASE)),
        };
        let value = Encoded::raw(token.to_le_bytes().to_vec());
        let value = Value::seal(&claim.key, &value, Some(LEASE), &time);
        match guarded.store_once(&claim.key, value).await {
            Some(true) => Claimed::Here(claim),
            found => {
                claim.end = None;
                if found.is_some() { Claimed::Elsewhere } else { Claimed::Never }
            }
        }
    }
}

/// A call that nobody else computes until the lease has ended. It is given back when this is dropped.
pub(super) struct Claim {
    claims: Arc<Mutex<HashSet<BackendKey>>>,
    guarded: Guarded,
    key: BackendKey,
    token: u64,
    /// When the lease ends, if there is one.
    end: Option<Duration>,
}

impl Claim {
    /// Stores the result of the call, unless the lease has ended or there is one.
    pub(super) async fn store(&self, key: &BackendKey, value: Value) {
        let found = self.guarded.get(&self.key).await.ok().flatten();
        if found.as_ref().and_then(number_in) == Some(self.token) {
            self.guarded.store_once(key, value).await;
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.key);
        // Later it may be that of somebody else.
        if self.end.is_some_and(|end| Time::system().elapsed() < end) {
            drop(self.guarded.removal(&self.key));
        }
    }
}
