//! When memory that others may still be reading can be given back, and what each thread keeps for itself.
//!
//! A hit reads entries without a lock. It *pins* its thread meanwhile: it stores the current epoch in a slot that only
//! its thread writes. Whoever has taken something out of reach *retires* it, and may free it as soon as no thread is
//! pinned that was pinned before that. Nobody waits for anybody: what cannot be freed yet is tried again later.
//!
//! This is epoch-based reclamation (Fraser, "Practical lock-freedom", 2004) with two changes that make a pin two plain
//! stores. There is no limit on how far epochs run apart, so that a pinned thread only delays what is retired while it
//! is pinned. And the fence that a pin needs is paid for by those who retire, with Linux's `membarrier`
//! (as in Desnoyers et al., "User-level implementations of read-copy update", 2012). Elsewhere a pin has a fence.
//!
//! # Why it is right
//!
//! Something is *unlinked* before it is retired. Take a reader that got hold of it. If its pin is not visible to the
//! thread that retires, it pinned after the barrier, hence it read after what was unlinked was out of reach: it cannot
//! have found it. If its pin is visible and of a later epoch, it read the epoch after `retired` had moved it on, which
//! the acquire and release on the epoch order after the unlinking: again it cannot have found it.
//! So only visible pins of this epoch or an earlier one count, and those are waited for.
//! What the reader did before it was seen unpinned, or pinned anew, is over: both stores are releases, for one that is
//! not would hide the release before it.
//!
//! `tests/lock_free` tries all of this in a model, with the fences in place of the barrier.

use std::cell::Cell;
use std::sync::OnceLock;

use crate::sync::{
    AtomicU32, AtomicU64, AtomicUsize, Mutex, Ordering, Padded, fence, shared, thread_local,
};

/// What a thread owns and others read.
pub(crate) struct Slot {
    /// The epoch at which the thread was pinned, 0 while it is not.
    pinned: AtomicU64,
    /// How many more hits may go by before the thread looks at the clock.
    pub(crate) hits_to_clock: AtomicU32,
    /// How many of every 32nd hit were not timed since one was.
    n_untimed: AtomicU32,
    hits: Tallies,
    has_fence: bool,
}

shared! {
    /// Moves on with each retirement.
    static EPOCH: AtomicU64 = AtomicU64::new(1);
    static SLOTS: Mutex<Slots> = Mutex::new(Slots { all: Vec::new(), free: Vec::new() });
    /// How many threads have a slot.
    static N_LEASED: AtomicUsize = AtomicUsize::new(0);
}

struct Slots {
    all: Vec<&'static Slot>,
    free: Vec<&'static Slot>,
}

thread_local! {
    static SLOT: Cell<Option<&'static Slot>> = const { Cell::new(None) };
    static LEASE: Lease = Lease::new();
}

/// A slot for as long as a thread lives. What the thread has counted stays when the next one takes it.
struct Lease(&'static Slot);

impl Lease {
    fn new() -> Self {
        let mut slots = SLOTS.lock();
        let slot = slots.free.pop().unwrap_or_else(|| {
            // As many as there are threads at one time, and used again.
            let slot: &'static Padded<Slot> = Box::leak(Box::new(Padded(Slot {
                pinned: AtomicU64::new(0),
                hits_to_clock: AtomicU32::new(0),
                n_untimed: AtomicU32::new(0),
                hits: Tallies::default(),
                has_fence: !barrier::is_available(),
            })));
            slots.all.push(slot);
            slot
        });
        N_LEASED.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        set_own_slot(Some(slot));
        Self(slot)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        set_own_slot(None);
        let mut slots = SLOTS.lock();
        N_LEASED.fetch_sub(1, Ordering::SeqCst);
        slots.free.push(self.0);
    }
}

/// The thread is pinned until this is dropped: what it finds stays where it is.
pub(crate) struct Pin {
    pub(crate) slot: &'static Slot,
    not_send: std::marker::PhantomData<*const ()>,
}

/// Pins this thread; `None` for a thread that is pinned already, as when a value's `Clone` makes cached calls, and for
/// one that is ending and has given its slot back.
#[inline]
pub(crate) fn pin() -> Option<Pin> {
    let slot = slot()?;
    if slot.pinned.load(Ordering::Relaxed) != 0 {
        return None;
    }
    slot.pinned.store(EPOCH.load(Ordering::Acquire), Ordering::Release);
    if slot.has_fence {
        fence(Ordering::SeqCst);
    } else {
        // The barrier of whoever retires is one for this thread too, if the compiler keeps the order.
        std::sync::atomic::compiler_fence(Ordering::SeqCst);
    }
    Some(Pin { slot, not_send: std::marker::PhantomData })
}

/// What this thread owns; `None` for one that is ending and has given it back.
#[inline]
pub(crate) fn slot() -> Option<&'static Slot> {
    match own_slot() {
        Some(slot) => Some(slot),
        None => first_slot(),
    }
}

/// The slot that this thread has already. One that is ending has none.
#[inline]
fn own_slot() -> Option<&'static Slot> {
    SLOT.try_with(Cell::get).ok().flatten()
}

fn set_own_slot(slot: Option<&'static Slot>) {
    // A model's thread that is ending may have dropped the place.
    let _ = SLOT.try_with(|own| own.set(slot));
}

#[cold]
fn first_slot() -> Option<&'static Slot> {
    LEASE.try_with(|lease| lease.0).ok()
}

impl Drop for Pin {
    #[inline]
    fn drop(&mut self) {
        self.slot.pinned.store(0, Ordering::Release);
    }
}

impl Slot {
    /// Counts one hit of a function, and says how many of it the thread has counted.
    /// Only the thread that owns the slot calls this.
    #[inline]
    pub(crate) fn count_hit(&self, tally: Tally) -> Option<u64> {
        let hits = self.hits.get(tally)?;
        let n_hits = hits.load(Ordering::Relaxed) + 1;
        hits.store(n_hits, Ordering::Relaxed);
        Some(n_hits)
    }

    /// True for one of 32 calls. Only the thread that owns the slot calls this.
    #[inline(never)]
    pub(crate) fn is_time_to_time(&self) -> bool {
        let n_untimed = (self.n_untimed.load(Ordering::Relaxed) + 1) % 32;
        self.n_untimed.store(n_untimed, Ordering::Relaxed);
        n_untimed == 0
    }
}

/// Whether no other thread has ever looked at a cache, or all that did have ended.
pub(crate) fn is_alone() -> bool {
    // With the fence of a thread that takes its slot: it sees what was unlinked, or it is seen here.
    fence(Ordering::SeqCst);
    let own = own_slot();
    N_LEASED.load(Ordering::SeqCst) == usize::from(own.is_some())
        && own.is_none_or(|slot| slot.pinned.load(Ordering::Relaxed) == 0)
}

/// When something was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Retired(u64);

/// Retires everything that this thread has unlinked so far. Costs some microseconds where threads run on other cores.
pub(crate) fn retire() -> Retired {
    let retired = Retired(EPOCH.fetch_add(1, Ordering::SeqCst));
    barrier::all_threads();
    retired
}

impl Retired {
    /// Whether nobody can be reading it any more.
    pub(crate) fn is_free(self) -> bool {
        let slots = SLOTS.lock();
        let is_past = |slot: &&Slot| {
            let pinned = slot.pinned.load(Ordering::Acquire);
            pinned == 0 || pinned > self.0
        };
        slots.all.iter().all(is_past) && !barrier::has_failed()
    }
}

/// Names a function's counters in the slots of all threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tally(u32);

impl Tally {
    /// Of a function that counts its hits elsewhere.
    pub(crate) const NONE: Self = Self(u32::MAX);

    pub(crate) fn new() -> Self {
        shared! { static NEXT: AtomicU32 = AtomicU32::new(0); }
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// What all these threads have counted.
    pub(crate) fn total(self, threads: &Threads) -> u64 {
        threads.0.iter().map(|slot| slot.hits.read(self)).sum()
    }
}

/// The threads that have counted something by some moment, to read the counters of many functions with one lock.
pub(crate) struct Threads(Vec<&'static Slot>);

impl Threads {
    pub(crate) fn all() -> Self {
        Self(SLOTS.lock().all.clone())
    }
}

/// One counter a function: the first ones at once, the others in blocks that double. Counters never move.
struct Tallies {
    first: [AtomicU64; Tallies::N_FIRST],
    others: [OnceLock<Box<[AtomicU64]>>; 27],
}

impl Default for Tallies {
    fn default() -> Self {
        Self { first: std::array::from_fn(|_| AtomicU64::new(0)), others: Default::default() }
    }
}

impl Tallies {
    const N_FIRST: usize = 64;

    #[inline]
    fn get(&self, tally: Tally) -> Option<&AtomicU64> {
        match self.first.get(tally.0 as usize) {
            Some(counter) => Some(counter),
            None => self.get_other(tally),
        }
    }

    /// The block of one that is not among the first, and its place there.
    fn place(tally: Tally) -> (usize, usize) {
        let n = tally.0 as usize;
        let block = (n / Self::N_FIRST).ilog2() as usize;
        (block, n - (Self::N_FIRST << block))
    }

    #[inline(never)]
    fn get_other(&self, tally: Tally) -> Option<&AtomicU64> {
        if tally == Tally::NONE {
            return None;
        }
        let (block, idx) = Self::place(tally);
        let new = || (0..Self::N_FIRST << block).map(|_| AtomicU64::new(0)).collect();
        Some(&self.others[block].get_or_init(new)[idx])
    }

    fn read(&self, tally: Tally) -> u64 {
        if let Some(counter) = self.first.get(tally.0 as usize) {
            return counter.load(Ordering::Relaxed);
        }
        if tally == Tally::NONE {
            return 0;
        }
        let (block, idx) = Self::place(tally);
        self.others[block].get().map_or(0, |block| block[idx].load(Ordering::Relaxed))
    }
}

/// A memory barrier on every thread of the process that is running.
#[cfg(all(target_os = "linux", not(any(loom, miri))))]
mod barrier {
    use std::sync::atomic::AtomicBool;

    use super::{OnceLock, Ordering, fence};

    const PRIVATE_EXPEDITED: libc::c_int = 1 << 3;
    const REGISTER_PRIVATE_EXPEDITED: libc::c_int = 1 << 4;

    #[expect(unsafe_code, reason = "the system call has no safe wrapper")]
    fn membarrier(command: libc::c_int) -> bool {
        // SAFETY: `membarrier` takes three integers and touches no memory of the process.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    /// Whether there is one, so that a pin needs no fence of its own.
    pub(super) fn is_available() -> bool {
        static IS_REGISTERED: OnceLock<bool> = OnceLock::new();
        *IS_REGISTERED.get_or_init(|| membarrier(REGISTER_PRIVATE_EXPEDITED))
    }

    pub(super) fn all_threads() {
        fence(Ordering::SeqCst);
        if is_available() && !membarrier(PRIVATE_EXPEDITED) {
            HAS_FAILED.store(true, Ordering::SeqCst);
        }
    }

    /// It is not documented to fail once it is registered. Should it, then nothing is freed any more.
    pub(super) fn has_failed() -> bool {
        HAS_FAILED.load(Ordering::SeqCst)
    }

    static HAS_FAILED: AtomicBool = AtomicBool::new(false);
}

/// Without one, and where a model checker looks, every pin has a fence of its own.
#[cfg(not(all(target_os = "linux", not(any(loom, miri)))))]
mod barrier {
    use super::{Ordering, fence};

    pub(super) fn is_available() -> bool {
        false
    }

    pub(super) fn all_threads() {
        fence(Ordering::SeqCst);
    }

    pub(super) fn has_failed() -> bool {
        false
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
