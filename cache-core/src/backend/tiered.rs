//! Several tiers, the faster ones first.

use crate::backend::{BackendKey, BackendStats, BoxFuture, CacheBackend, Guarded, Scope, Value};
use crate::error::Error;
use crate::sync::Mutex;

/// Looks in one tier after the other, and keeps what it finds in those before.
///
/// The tiers are [`Guarded`], so that a change counts in all of them from the moment that it is noted:
/// nobody finds in one what has been removed from another, and all hold the same value of a key in the end.
#[derive(Debug)]
pub struct Tiered {
    /// From the fastest to the slowest.
    tiers: Vec<Guarded>,
    changes: Mutex<Changes>,
}

/// How many changes there have been. While this is locked they are noted, and nothing else is done.
type Changes = u64;

impl Tiered {
    /// Tiers from the fastest to the slowest.
    #[must_use]
    pub fn new(tiers: impl IntoIterator<Item = Guarded>) -> Self {
        Self { tiers: tiers.into_iter().collect(), changes: Mutex::new(0) }
    }

    /// The tiers from the fastest to the slowest, to see how they are doing.
    #[must_use]
    pub fn tiers(&self) -> &[Guarded] {
        &self.tiers
    }

    /// Notes a change in all tiers, and waits for each as long as the tier wants.
    fn change<'a>(
        &'a self,
        note: impl Fn(&'a Guarded) -> BoxFuture<'a, Result<(), Error>>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let noted: Vec<_> = {
            let mut changes = self.changes.lock();
            *changes += 1;
            self.tiers.iter().map(note).collect()
        };
        Box::pin(async move {
            for change in noted {
                change.await?;
            }
            Ok(())
        })
    }

    /// Keeps in the faster tiers what a slower one had, unless something has changed since it was looked up.
    fn keep(&self, n_faster: usize, key: &BackendKey, value: &Value, n_changes: Changes) {
        let changes = self.changes.lock();
        if *changes == n_changes {
            for tier in &self.tiers[..n_faster] {
                tier.note(key, value.clone());
            }
        }
    }
}

impl CacheBackend for Tiered {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        Box::pin(async move {
            let n_changes = *self.changes.lock();
            for (idx, tier) in self.tiers.iter().enumerate() {
                if let Some(value) = tier.get(key).await? {
                    self.keep(idx, key, &value, n_changes);
                    return Ok(Some(value));
                }
            }
            Ok(None)
        })
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        self.change(|tier| tier.set(key, value.clone()))
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        self.change(|tier| tier.delete(key))
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        self.change(|tier| tier.clear(scope))
    }

    /// What all tiers together have done. Values that are in several count as often.
    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        Box::pin(async move {
            let mut sum = BackendStats { entries: Some(0), bytes: Some(0), ..Default::default() };
            for tier in &self.tiers {
                let stats = tier.stats().await?;
                sum.entries = sum.entries.zip(stats.entries).map(|(sum, more)| sum + more);
                sum.bytes = sum.bytes.zip(stats.bytes).map(|(sum, more)| sum + more);
                sum.hits += stats.hits;
                sum.misses += stats.misses;
                sum.writes += stats.writes;
                sum.evictions += stats.evictions;
                sum.damaged += stats.damaged;
                sum.errors += stats.errors;
            }
            Ok(sum)
        })
    }
}
