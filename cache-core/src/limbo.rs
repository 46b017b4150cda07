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
    /// What was retired and not free then.
    static WAITING: Mutex<Vec<(Retired, Vec<Garbage>)>> = Mutex::new(Vec::new());
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
            WAITING.lock().push((retired, garbage));
            worker::after(LATER, give_back_later);
            return;
        }
        patience -= 1;
        thread::yield_now();
    }
    garbage.into_iter().for_each(discard);
}

fn give_back_later() {
    let mut waiting = WAITING.lock();
    let (free, rest): (Vec<_>, Vec<_>) =
        std::mem::take(&mut *waiting).into_iter().partition(|(retired, _)| retired.is_free());
    let is_done = rest.is_empty();
    *waiting = rest;
    drop(waiting);
    free.into_iter().flat_map(|(_, garbage)| garbage).for_each(discard);
    if !is_done {
        worker::after(LATER, give_back_later);
    }
}

/// Drops an entry. A value whose `Drop` panics must not fail the call that happened to evict it.
fn discard(garbage: Garbage) {
    if let Garbage::Entry(entry, state) = garbage
        && catch_unwind(AssertUnwindSafe(|| drop(entry))).is_err()
    {
        state.counters.add(AnyTime::Errors, 1);
    }
}
