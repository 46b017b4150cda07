//! Entries that are out of reach, until nobody can be reading them any more.
//!
//! Dropping an entry runs its value's own code, so this is done under no lock, and what panics there harms nobody.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::entry::EntryRef;
use crate::epoch::{self, Retired};
use crate::function::FunctionState;
use crate::stats::AnyTime;
use crate::sync::{Mutex, Ref, shared, thread};
use crate::table::Buckets;
use crate::worker;

/// When to look again at what somebody was reading.
const LATER: Duration = Duration::from_millis(1);

/// What readers may still be looking at.
pub(crate) enum Garbage {
    Entry(EntryRef, Ref<FunctionState>),
    Buckets(#[expect(dead_code, reason = "only kept")] Box<Buckets>),
}

shared! {
    static WAITING: Mutex<Waiting> = Mutex::new(Waiting { batches: Vec::new(), is_planned: false });
}

/// What was retired and not free then.
struct Waiting {
    batches: Vec<(Retired, Vec<Garbage>)>,
    /// Whether the worker is going to look again: one look is for all that waits.
    is_planned: bool,
}

/// Drops what was taken out of reach, now if nobody is reading, else as soon as that is so.
///
/// `is_patient` waits for readers a while: tests see at once what is dropped.
pub(crate) fn give_back(garbage: Vec<Garbage>, is_patient: bool) {
    if epoch::is_alone() {
        return garbage.into_iter().for_each(discard);
    }
    let retired = epoch::retire();
    let mut patience = if is_patient { 10_000 } else { 0 };
    while !retired.is_free() {
        if patience == 0 {
            return keep((retired, garbage));
        }
        patience -= 1;
        thread::yield_now();
    }
    garbage.into_iter().for_each(discard);
}

fn keep(batch: (Retired, Vec<Garbage>)) {
    let mut waiting = WAITING.lock();
    waiting.batches.push(batch);
    let was_planned = std::mem::replace(&mut waiting.is_planned, true);
    drop(waiting);
    if !was_planned && !worker::after(LATER, give_back_later) {
        // The next batch tries again.
        WAITING.lock().is_planned = false;
    }
}

fn give_back_later() {
    let mut waiting = WAITING.lock();
    let (free, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut waiting.batches)
        .into_iter()
        .partition(|(retired, _)| retired.is_free());
    let is_done = rest.is_empty();
    waiting.batches = rest;
    waiting.is_planned = !is_done;
    drop(waiting);
    if !is_done {
        worker::after(LATER, give_back_later);
    }
    free.into_iter().flat_map(|(_, garbage)| garbage).for_each(discard);
}

/// Drops an entry. A value whose `Drop` panics must not fail the call that happened to evict it.
fn discard(garbage: Garbage) {
    if let Garbage::Entry(entry, state) = garbage
        && catch_unwind(AssertUnwindSafe(|| drop(entry))).is_err()
    {
        state.counters.add(AnyTime::Errors, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::tests::eventually;
    use crate::entry::tests::{entry, key, state};
    use crate::epoch::Threads;
    use crate::stats::Stats;
    use crate::sync::{Arc, AtomicUsize, Ordering};

    /// A value that counts how often it is dropped, and panics then if it is told to.
    struct Value {
        n_drops: Arc<AtomicUsize>,
        panics: bool,
    }

    impl Drop for Value {
        fn drop(&mut self) {
            self.n_drops.fetch_add(1, Ordering::SeqCst);
            assert!(!self.panics, "a value's own business");
        }
    }

    fn garbage(n_drops: &Arc<AtomicUsize>, panics: bool) -> Garbage {
        let value = Value { n_drops: Arc::clone(n_drops), panics };
        Garbage::Entry(entry(key(1, b"key"), value), state())
    }

    #[test]
    fn what_somebody_reads_is_dropped_when_nobody_does() {
        for is_patient in [false, true] {
            let n_drops = Arc::new(AtomicUsize::new(0));
            let reader = epoch::pin().expect("the thread is not ending");
            give_back(vec![garbage(&n_drops, false), garbage(&n_drops, false)], is_patient);
            give_back(vec![garbage(&n_drops, false)], is_patient);
            give_back_later();
            assert_eq!(n_drops.load(Ordering::SeqCst), 0);
            drop(reader);
            eventually("all are dropped", || n_drops.load(Ordering::SeqCst) == 3);
        }
    }

    #[test]
    fn a_value_that_panics_when_it_is_dropped_is_counted_and_takes_no_other_along() {
        let n_errors = || {
            let mut stats = Stats::default();
            state().counters.read(&mut stats, &Threads::all());
            stats.errors
        };
        let (n_drops, n_errors_before) = (Arc::new(AtomicUsize::new(0)), n_errors());
        let panics = [true, false, true, false];
        give_back(panics.map(|panics| garbage(&n_drops, panics)).into(), true);
        eventually("all are dropped", || n_drops.load(Ordering::SeqCst) == 4);
        assert_eq!(n_errors() - n_errors_before, 2);
    }

    #[test]
    fn a_reader_that_takes_long_makes_no_more_work_the_more_is_evicted() {
        let reader = epoch::pin().expect("the thread is not ending");
        let n_drops = Arc::default();
        for _ in 0..1000 {
            give_back(vec![garbage(&n_drops, false)], false);
        }
        let n_tasks = worker::n_waiting();
        drop(reader);
        assert!(n_tasks < 100, "{n_tasks} tasks wait for one reader");
    }
}
