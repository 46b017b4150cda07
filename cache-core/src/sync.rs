//! Locks, padding and the one pointer that is either global or shared.
//!
//! Every other module takes its primitives from here, so that a model checker can replace them in one place.

use std::ops::Deref;
use std::sync::{PoisonError, TryLockError};

#[cfg(shuttle)]
use shuttle as primitives;
#[cfg(not(shuttle))]
use std as primitives;

pub(crate) use primitives::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
pub(crate) use primitives::sync::{Arc, MutexGuard};
pub(crate) use primitives::{thread, thread_local};

/// A number that is only shown: nothing follows from it, so that a model need not try the orders of its changes.
pub(crate) use std::sync::atomic::AtomicU64 as Figure;

/// Declares what the whole process shares. A model makes it anew for each of its runs.
#[cfg(not(shuttle))]
macro_rules! shared {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)+) => {
        $($(#[$doc])* static $name: $type = $value;)+
    };
}
#[cfg(shuttle)]
macro_rules! shared {
    ($($(#[$doc:meta])* static $name:ident: $type:ty = $value:expr;)+) => {
        shuttle::lazy_static! { $($(#[$doc])* static ref $name: $type = $value;)+ }
    };
}
pub(crate) use shared;

/// Starts a thread that nobody waits for; false where that cannot be. A model, which knows no time, has none.
pub(crate) fn start_daemon(name: &str, work: impl FnOnce() + Send + 'static) -> bool {
    !cfg!(shuttle) && std::thread::Builder::new().name(name.to_owned()).spawn(work).is_ok()
}

/// A mutex that a panic does not poison.
///
/// No user code runs under any lock of this crate, so a panic cannot leave the data behind one half changed.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(primitives::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(primitives::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, unless somebody has it.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

/// A value on cache lines of its own, so that two cores writing neighbours do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Padded<T>(pub(crate) T);

impl<T> Deref for Padded<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A reference to something that lives as long as the process, or as long as its last holder.
///
/// The global cache is `Global`, so a hit on it writes no reference count; a test's private cache is `Shared`.
#[derive(Debug)]
pub(crate) enum Ref<T: 'static> {
    Global(&'static T),
    Shared(Arc<T>),
}

impl<T> Clone for Ref<T> {
    #[inline]
    fn clone(&self) -> Self {
        match self {
            Self::Global(it) => Self::Global(it),
            Self::Shared(it) => Self::Shared(Arc::clone(it)),
        }
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match self {
            Self::Global(it) => it,
            Self::Shared(it) => it,
        }
    }
}
