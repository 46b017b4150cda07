//! Who waits for whom, so that nobody waits for himself.
//!
//! A load waits for the loads that its body starts and for the flights that its body follows.
//! A call that is about to follow a flight looks whether that flight, over any number of steps,
//! waits for a load that the call is part of. If so it would wait for ever, and must compute by itself.
//!
//! Only calls from within a cached body are entered here, and only when they miss.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::LazyLock;

use crate::sync::{Arc, AtomicU64, Mutex, Ordering, shared};

/// Names a running load within the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct LoadId(NonZeroU64);

impl LoadId {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NonZeroU64::new(NEXT.fetch_add(1, Ordering::Relaxed)).expect("fewer than 2^64 loads"))
    }
}

/// A load whose body runs, and the loads around it.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) id: LoadId,
    pub(crate) parent: Option<Arc<Frame>>,
}

impl Frame {
    fn is_within(&self, load: LoadId) -> bool {
        let mut frame = Some(self);
        while let Some(Frame { id, parent }) = frame {
            if *id == load {
                return true;
            }
            frame = parent.as_deref();
        }
        false
    }
}

shared! {
    static WAITS: LazyLock<Mutex<HashMap<LoadId, Vec<LoadId>>>> = LazyLock::new(Mutex::default);
}

/// One load waits for another as long as this exists.
pub(crate) struct Wait {
    waiting: LoadId,
    awaited: LoadId,
}

impl Wait {
    /// A load waits for one that its own body has started, which cannot close a circle.
    pub(crate) fn for_nested(parent: LoadId, child: LoadId) -> Self {
        Self::enter(&mut WAITS.lock(), parent, child)
    }

    /// The innermost load around a call wants to wait for `awaited`; `None` if that would never end.
    pub(crate) fn for_flight(frame: &Frame, awaited: LoadId) -> Option<Self> {
        let mut waits = WAITS.lock();
        let mut reached = vec![awaited];
        let mut next = 0;
        while let Some(&load) = reached.get(next) {
            if frame.is_within(load) {
                return None;
            }
            for &further in waits.get(&load).into_iter().flatten() {
                if !reached.contains(&further) {
                    reached.push(further);
                }
            }
            next += 1;
        }
        Some(Self::enter(&mut waits, frame.id, awaited))
    }

    fn enter(waits: &mut HashMap<LoadId, Vec<LoadId>>, waiting: LoadId, awaited: LoadId) -> Self {
        waits.entry(waiting).or_default().push(awaited);
        Self { waiting, awaited }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        let mut waits = WAITS.lock();
        let Some(awaited) = waits.get_mut(&self.waiting) else { return };
        if let Some(idx) = awaited.iter().position(|load| *load == self.awaited) {
            awaited.swap_remove(idx);
        }
        if awaited.is_empty() {
            waits.remove(&self.waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(parent: Option<&Arc<Frame>>) -> Arc<Frame> {
        Arc::new(Frame { id: LoadId::new(), parent: parent.cloned() })
    }

    #[test]
    fn a_circle_over_nested_loads_of_two_callers_is_found() {
        let (a, b) = (frame(None), frame(None));
        let (a_inner, b_inner) = (frame(Some(&a)), frame(Some(&b)));
        let _nested = [Wait::for_nested(a.id, a_inner.id), Wait::for_nested(b.id, b_inner.id)];
        let first = Wait::for_flight(&a_inner, b.id);
        assert!(first.is_some());
        assert!(Wait::for_flight(&b_inner, a.id).is_none(), "b in a in b");
        assert!(Wait::for_flight(&b_inner, b.id).is_none(), "itself");
        drop(first);
        assert!(Wait::for_flight(&b_inner, a.id).is_some(), "nobody waits any more");
    }

    #[test]
    fn an_ended_wait_leaves_nothing_behind() {
        let (a, b) = (frame(None), frame(None));
        drop(Wait::for_flight(&a, b.id));
        assert!(!WAITS.lock().contains_key(&a.id));
    }
}
