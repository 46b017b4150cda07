//! Counts allocations while told to, and is the system's allocator otherwise.
//!
//! Crates that do this count always, by atomic additions that take as long as a hit. This one reads a
//! flag that never changes while anything is timed.
#![expect(unsafe_code, reason = "an allocator cannot be written without")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
};

#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

static IS_COUNTING: AtomicBool = AtomicBool::new(false);
static N_ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static BYTES: AtomicI64 = AtomicI64::new(0);

/// What a piece of work did to the heap, on all threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heap {
    pub(crate) n_allocations: u64,
    /// What was requested and not given back.
    pub(crate) bytes: i64,
}

/// Runs a piece of work and says what it did to the heap.
pub(crate) fn count(work: impl FnOnce()) -> Heap {
    N_ALLOCATIONS.store(0, Ordering::SeqCst);
    BYTES.store(0, Ordering::SeqCst);
    IS_COUNTING.store(true, Ordering::SeqCst);
    work();
    IS_COUNTING.store(false, Ordering::SeqCst);
    Heap {
        n_allocations: N_ALLOCATIONS.load(Ordering::SeqCst),
        bytes: BYTES.load(Ordering::SeqCst),
    }
}

struct CountingAllocator;

// Safety: every method hands its arguments to `System` and returns what `System` returns; what is
// counted beside that touches no memory but three statics.
unsafe impl GlobalAlloc for CountingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(1, size(layout));
        // Safety: the caller's promise is that of `System`.
        unsafe { System.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(1, size(layout));
        // Safety: the caller's promise is that of `System`.
        unsafe { System.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(1, new_size as i64 - size(layout));
        // Safety: the caller's promise is that of `System`, where `block` came from.
        unsafe { System.realloc(block, layout, new_size) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        add(0, -size(layout));
        // Safety: the caller's promise is that of `System`, where `block` came from.
        unsafe { System.dealloc(block, layout) }
    }
}

#[inline]
fn add(n_allocations: u64, bytes: i64) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        N_ALLOCATIONS.fetch_add(n_allocations, Ordering::Relaxed);
        BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

fn size(layout: Layout) -> i64 {
    layout.size() as i64
}
