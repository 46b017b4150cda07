//! The primitives of a model: loom tries every order in which threads may see them.

use std::cell::Cell;
use std::ops::Deref;
use std::sync::LazyLock;
pub(crate) use std::sync::atomic::Ordering;

pub(crate) use loom::sync::MutexGuard;
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicUsize};

/// Set where fences are to do nothing, so that a test sees a model fail.
pub(crate) const WITHOUT_FENCES: &str = "LOCK_FREE_WITHOUT_FENCES";

pub(crate) fn fence(order: Ordering) {
    static HAS_FENCES: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os(WITHOUT_FENCES).is_none());
    if *HAS_FENCES {
        loom::sync::atomic::fence(order);
    }
}

/// An atomic of a bucket: when it is freed, nobody may be reading it.
pub(crate) struct AtomicU64(loom::sync::atomic::AtomicU64);

impl AtomicU64 {
    pub(crate) fn new(value: u64) -> Self {
        Self(loom::sync::atomic::AtomicU64::new(value))
    }
}

impl Deref for AtomicU64 {
    type Target = loom::sync::atomic::AtomicU64;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl Drop for AtomicU64 {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.0.with_mut(|_| ());
        }
    }
}

/// The same for a pointer, which also is what the table itself is made of.
pub(crate) struct AtomicPtr<T> {
    shared: loom::sync::atomic::AtomicPtr<T>,
    own: *mut T,
}

impl<T> AtomicPtr<T> {
    pub(crate) fn new(value: *mut T) -> Self {
        Self { shared: loom::sync::atomic::AtomicPtr::new(value), own: value }
    }

    pub(crate) fn get_mut(&mut self) -> &mut *mut T {
        self.own = self.shared.with_mut(|value| *value);
        &mut self.own
    }
}

impl<T> Default for AtomicPtr<T> {
    fn default() -> Self {
        Self::new(std::ptr::null_mut())
    }
}

impl<T> Deref for AtomicPtr<T> {
    type Target = loom::sync::atomic::AtomicPtr<T>;

    fn deref(&self) -> &Self::Target {
        &self.shared
    }
}

impl<T> Drop for AtomicPtr<T> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.shared.with_mut(|_| ());
        }
    }
}

// SAFETY: the copy is only written by who has the pointer to himself.
unsafe impl<T> Send for AtomicPtr<T> {}
// SAFETY: the same.
unsafe impl<T> Sync for AtomicPtr<T> {}

#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no thread panics with the lock")
    }
}

#[derive(Debug)]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What the process shares is made anew for each run of a model. It is never freed: as with `std`, threads that are
/// ending still use it when nobody waits for them any more.
macro_rules! shared {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)+) => {$(
        $(#[$doc])*
        static $name: crate::sync::Shared<$type> = {
            std::thread_local! {
                static SHARED: std::cell::Cell<Option<(u64, &'static $type)>> =
                    const { std::cell::Cell::new(None) };
            }
            crate::sync::Shared { made: &SHARED, value: || $value }
        };
    )+};
}
pub(crate) use shared;

pub(crate) struct Shared<T: 'static> {
    /// In which run it was made. Loom's threads are all one thread of the machine.
    pub(crate) made: &'static std::thread::LocalKey<Cell<Option<(u64, &'static T)>>>,
    pub(crate) value: fn() -> T,
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.made.get() {
            Some((run, value)) if run == RUN.get() => value,
            _ => {
                let value = Box::leak(Box::new((self.value)()));
                self.made.set(Some((RUN.get(), value)));
                value
            }
        }
    }
}

std::thread_local! {
    static RUN: Cell<u64> = const { Cell::new(0) };
}

/// Begins a run of a model.
pub(crate) fn begin_run() {
    RUN.set(RUN.get() + 1);
}

/// Loom's macro, which does not know constant values.
macro_rules! own {
    (
        static $first:ident: $first_type:ty = const { $first_value:expr };
        static $second:ident: $second_type:ty = $second_value:expr;
    ) => {
        loom::thread_local! {
            static $first: $first_type = $first_value;
            static $second: $second_type = $second_value;
        }
    };
}
pub(crate) use own as thread_local;
