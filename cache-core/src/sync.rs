//! Locks, padding and the one pointer that is either global or shared.
//!
//! Every other module takes its primitives from here, so that a model checker can replace them in one place.

use std::ops::Deref;
pub(crate) use std::sync::Arc;
pub(crate) use std::sync::MutexGuard;
use std::sync::PoisonError;
pub(crate) use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};

/// A mutex that a panic does not poison.
///
/// No user code runs under any lock of this crate, so a panic cannot leave the data behind one half changed.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
