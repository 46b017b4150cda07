//! What a running load has been computed from so far, so that its result goes when one of that does, and what its body
//! has said of the result.
//!
//! These are the events that its function names, and what the cached calls in its body were computed from: that of the
//! entries that answered them, and of the loads that are to answer them. They are noted before they are used, and one
//! that is outdated then is not used. So whoever begins after an event was emitted sees whether this load knew the time
//! before it: see [`Sources::standing`].
//!
//! A lock is held here for some steps, and no other but that of the events is taken meanwhile.

use std::time::Duration;

use crate::clock::Moment;
use crate::event::Family;
use crate::events::{self, Mark, Stamp, Stamps, Watch};
use crate::sync::{Arc, Mutex};

/// What a running load has been computed from so far, and what was said of it.
#[derive(Default)]
pub(crate) struct Sources(Mutex<State>);

#[derive(Default)]
struct State {
    stamps: Vec<Stamp>,
    /// Loads that this one waits for.
    loads: Vec<Arc<Sources>>,
    /// When the first of what it was computed from expires.
    until: Option<Moment>,
    /// There if the result is to say what else it depends on.
    watch: Option<Arc<Watch>>,
    /// Something is not known that it depends on.
    is_lost: bool,
    said: Said,
}

/// What a body has said of its result, in place of the attribute.
#[derive(Clone, Copy, Default)]
pub(crate) struct Said {
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    pub(crate) is_refused: bool,
}

/// How a running load stands to what happens meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// What it was computed from is as it was.
    Current,
    /// Something was emitted, and only its result will tell whether that concerns it.
    Unknown,
    /// Something that it was computed from has changed, or has expired.
    Outdated,
}

/// All that a load was computed from, for its entry.
#[derive(Default)]
pub(crate) struct Origin {
    pub(crate) stamps: Vec<Stamp>,
    /// When the first of it expires.
    pub(crate) until: Option<Moment>,
}

impl Sources {
    /// Notes an event. `None` stands for one that is not known.
    pub(crate) fn add(&self, stamp: Option<Stamp>) {
        let mut state = self.0.lock();
        match stamp {
            Some(stamp) => events::add(&mut state.stamps, stamp),
            None => state.is_lost = true,
        }
    }

    /// Has what is emitted remembered from now on.
    pub(crate) fn watch(&self, watch: Watch) {
        self.0.lock().watch.get_or_insert(Arc::new(watch));
    }

    /// Has nothing remembered any more: the result will not have to say what it depends on.
    pub(crate) fn unwatch(&self) {
        let watch = self.0.lock().watch.take();
        // After the lock: it takes that of the events.
        drop(watch);
    }

    /// Notes events that only the result tells, by `stamp`, which is `None` for those that were emitted meanwhile.
    pub(crate) fn add_watched(&self, stamp: impl FnOnce(&Watch) -> Option<Stamp>) {
        let watch = self.0.lock().watch.clone();
        // Not under the lock: an event may do anything while it is written down.
        self.add(watch.as_deref().and_then(stamp));
    }

    /// What the events are called outside of the process that are noted so far.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        events::marks(self.0.lock().stamps.iter())
    }

    /// Whether a request to an endpoint may be answered by the result.
    pub(crate) fn hear(&self, endpoint: Family) -> bool {
        events::hear(&self.0.lock().stamps, endpoint)
    }

    /// Notes what the entry was computed from that is to answer a call of this load. False if that is outdated.
    pub(crate) fn add_entry(&self, stamps: Option<&Stamps>, until: Moment) -> bool {
        let mut state = self.0.lock();
        // Under the lock: nobody looks at this load between the two.
        if stamps.is_some_and(|stamps| !stamps.are_current()) {
            return false;
        }
        for stamp in stamps.into_iter().flat_map(Stamps::iter) {
            events::add(&mut state.stamps, stamp.clone());
        }
        state.limit(until);
        true
    }

    /// Notes the load that is to answer a call of this one. Whether that is outdated is to be asked after it is noted, so
    /// that nobody looks at this load between the two.
    pub(crate) fn add_load(self: &Arc<Self>, load: &Arc<Self>) -> Link {
        self.0.lock().loads.push(Arc::clone(load));
        Link { outer: Arc::clone(self), inner: Arc::clone(load) }
    }

    /// Has the result live no longer than that.
    pub(crate) fn limit(&self, until: Moment) {
        self.0.lock().limit(until);
    }

    /// Notes what the body says of its result.
    pub(crate) fn say(&self, say: impl FnOnce(&mut Said)) {
        say(&mut self.0.lock().said);
    }

    /// What the body has said of its result.
    pub(crate) fn said(&self) -> Said {
        self.0.lock().said
    }

    /// Whether a call that begins now may wait for this load, and whether its result may be stored.
    pub(crate) fn standing(&self, now: Moment) -> Standing {
        let state = self.0.lock();
        let is_over = state.is_lost || state.until.is_some_and(|until| until <= now);
        let own = if is_over || !state.stamps.iter().all(Stamp::is_current) {
            Standing::Outdated
        } else if state.watch.as_ref().is_some_and(|watch| !watch.is_quiet()) {
            Standing::Unknown
        } else {
            Standing::Current
        };
        let loads = state.loads.clone();
        drop(state);
        // Loads do not wait for each other in circles.
        loads.iter().map(|load| load.standing(now)).fold(own, Standing::max)
    }

    /// All that the load was computed from, or `None` if its result must not be kept.
    pub(crate) fn origin(&self) -> Option<Origin> {
        let state = self.0.lock();
        (!state.is_lost).then(|| Origin { stamps: state.stamps.clone(), until: state.until })
    }
}

impl State {
    fn limit(&mut self, until: Moment) {
        let earlier = self.until.map_or(until, |known| known.min(until));
        self.until = (earlier != Moment::NEVER).then_some(earlier);
    }
}

/// A load waits for another one, and is computed from what that is computed from, as long as this exists.
pub(crate) struct Link {
    outer: Arc<Sources>,
    inner: Arc<Sources>,
}

impl Link {
    /// The result is there, and is used.
    pub(crate) fn keep(self) {
        let origin = self.inner.origin();
        let mut outer = self.outer.0.lock();
        outer.is_lost |= origin.is_none();
        let Origin { stamps, until } = origin.unwrap_or_default();
        stamps.into_iter().for_each(|stamp| events::add(&mut outer.stamps, stamp));
        until.into_iter().for_each(|until| outer.limit(until));
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let mut outer = self.outer.0.lock();
        let idx = outer.loads.iter().position(|load| Arc::ptr_eq(load, &self.inner));
        idx.map(|idx| outer.loads.swap_remove(idx));
    }
}
