//! What a call may be served in need: a result that has expired, where its function says for how long that may be.

use std::time::Duration;

use crate::cache::Inner;
use crate::clock::Moment;
use crate::entry::{Age, EntryRef};
use crate::identity::KeyRef;
use crate::outcome::{Plan, Verdict};
use crate::sources::Sources;
use crate::stats::AnyTime;
use crate::sync::Arc;

/// After an error, or while a reload runs, no other body is run for so long in place of what may be served.
/// `err_ttl` says otherwise.
pub(crate) const RETRY: Duration = Duration::from_secs(1);

/// A result for a call whose load fails or is slow.
#[derive(Clone)]
pub(crate) struct Spare {
    pub(crate) entry: EntryRef,
    /// Whether it stands in for an error.
    pub(crate) answers_errors: bool,
    /// Whether it is fresh, and there to be compared with what the load comes to.
    pub(crate) is_doubted: bool,
    /// What the load around the call is computed from.
    pub(crate) around: Option<Arc<Sources>>,
}

impl Spare {
    /// Whether it may be served.
    fn is_usable(&self, now: Moment) -> bool {
        self.entry.get().age(now) != Age::Over
    }

    /// The result, if it may still be served.
    pub(crate) fn serve<R>(&self, cache: &Inner, key: KeyRef<'_>, plan: Plan<R>) -> Option<R> {
        let now = cache.clock.now();
        let age = self.entry.get().age(now);
        let out = (age != Age::Over).then(|| plan.restore(self.entry.get())).flatten()?;
        if age == Age::Stale {
            note_stale(key, self.around.as_deref());
        }
        Some(out)
    }

    /// The result, if the body is not to be run again so soon.
    pub(crate) fn serve_meanwhile<R>(
        &self,
        cache: &Inner,
        key: KeyRef<'_>,
        plan: Plan<R>,
    ) -> Option<R> {
        let is_put_off = self.answers_errors && self.entry.get().is_put_off(cache.clock.now());
        is_put_off.then(|| self.serve(cache, key, plan)).flatten()
    }

    /// Whether it is kept and served in place of what a load has come to.
    pub(crate) fn stands_in(&self, verdict: Verdict, now: Moment) -> bool {
        verdict == Verdict::Err && self.answers_errors && self.is_usable(now)
    }

    /// What a call gets whose load has come to `out`.
    pub(crate) fn settle<R>(&self, cache: &Inner, key: KeyRef<'_>, plan: Plan<R>, out: R) -> R {
        let stands_in = self.stands_in(plan.verdict(&out), cache.clock.now());
        stands_in.then(|| self.serve(cache, key, plan)).flatten().unwrap_or(out)
    }

    /// A load has failed: the next one is to wait a while.
    pub(crate) fn put_off(&self, cache: &Inner, retry: Duration) {
        if self.answers_errors && !self.is_doubted {
            self.entry.get().put_off(cache.clock.now().after(retry));
        }
    }
}

/// Counts a call that is answered by what has expired. What is computed from that is not to be kept.
pub(crate) fn note_stale(key: KeyRef<'_>, around: Option<&Sources>) {
    key.state.counters.add(AnyTime::Stale, 1);
    around.into_iter().for_each(|around| around.limit(Moment(0)));
}
