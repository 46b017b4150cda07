//! What a value costs.
//!
//! The budget is in bytes, so every stored value is weighed once, when it is stored. This module promises:
//!
//! - For a type that implements [`HeapSize`], the bytes its value requested from the allocator: capacity, not length;
//!   a shared allocation once. The impls for the standard library are in [`std_impls`], the derive covers the rest.
//! - For a type that only implements [`serde::Serialize`], an estimate from what it serializes, see [`estimate`].
//! - For a type with neither, an error at compile time that says what to write.
//!
//! What the allocator itself adds (rounding, headers) is not part of a value's size.

mod estimate;
mod std_impls;

use foldhash::fast::FixedState;
use serde::Serialize;
use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

/// The memory a value owns on the heap.
///
/// Derive it: `#[derive(HeapSize)]` adds up the fields. Write it by hand for a type that owns memory in a way of its own.
///
/// ```
/// use cache_core::{HeapSize, Seen};
///
/// struct Picture {
///     title: String,
///     // Its pixels are in the memory of the graphics card, four bytes each.
///     n_pixels: usize,
/// }
///
/// impl HeapSize for Picture {
///     fn heap_size(&self, seen: &mut Seen) -> usize {
///         self.title.heap_size(seen) + 4 * self.n_pixels
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the size of `{Self}` is not known",
    label = "neither `HeapSize` nor `serde::Serialize` is implemented",
    note = "derive `cache_core::HeapSize` (or `serde::Serialize`) for it, or write `size = |value| ..` in the attribute"
)]
pub trait HeapSize {
    /// The bytes this value requested from the allocator, beyond its own `size_of_val`.
    ///
    /// It is asked for while nothing is locked. Pass `seen` on, so that what is shared is counted once.
    fn heap_size(&self, seen: &mut Seen) -> usize;

    /// Whether no value of this type owns anything on the heap, so that a collection need not visit its elements.
    #[doc(hidden)]
    #[inline]
    fn is_flat() -> bool
    where
        Self: Sized,
    {
        false
    }
}

/// The shared allocations that were already counted in a value.
///
/// Empty, and without an allocation of its own, until the first `Arc` or `Rc`.
#[derive(Default)]
pub struct Seen {
    addresses: HashSet<usize, FixedState>,
}

impl Seen {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether this is the first time that the value meets this shared allocation, and so has to count it.
    pub fn first<T: ?Sized>(&mut self, shared: *const T) -> bool {
        self.addresses.insert(shared.cast::<()>().addr())
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("n_shared", &self.addresses.len()).finish()
    }
}

/// Adds the sizes of a value's parts; nonsense from a size function must not panic.
#[inline]
fn sum<'a, T: HeapSize + 'a>(parts: impl IntoIterator<Item = &'a T>, seen: &mut Seen) -> usize {
    if T::is_flat() {
        return 0;
    }
    parts.into_iter().fold(0, |total, part| total.saturating_add(part.heap_size(seen)))
}

/// A way to find the heap size of a `T`.
pub(crate) trait Measure<T>: Copy {
    /// The heap size of a value on its own.
    fn heap_size(value: &T) -> usize;
}

/// What the type says.
#[derive(Clone, Copy, Debug)]
pub struct Exact;

/// What the value serializes says, roughly.
#[derive(Clone, Copy, Debug)]
pub struct Estimated;

/// Nothing: somebody else says what a value costs.
#[derive(Clone, Copy, Debug)]
pub struct Given;

impl<T: HeapSize> Measure<T> for Exact {
    #[inline]
    fn heap_size(value: &T) -> usize {
        if T::is_flat() { 0 } else { value.heap_size(&mut Seen::new()) }
    }
}

impl<T: Serialize> Measure<T> for Estimated {
    fn heap_size(value: &T) -> usize {
        estimate::heap_size(value)
    }
}

impl<T> Measure<T> for Given {
    fn heap_size(_: &T) -> usize {
        0
    }
}

impl Exact {
    /// The heap size of a part of a value, of which `seen` was already counted.
    #[inline]
    pub fn heap_size_in<T: HeapSize>(self, part: &T, seen: &mut Seen) -> usize {
        if T::is_flat() { 0 } else { part.heap_size(seen) }
    }

    /// Whether no such value owns anything on the heap.
    #[inline]
    pub fn is_flat<T: HeapSize>(self, _: SizeOf<T>) -> bool {
        T::is_flat()
    }
}

impl Given {
    /// Nothing.
    pub fn heap_size_in<T>(self, _: &T, _: &mut Seen) -> usize {
        0
    }

    /// Whether no such value owns anything on the heap.
    pub fn is_flat<T>(self, _: SizeOf<T>) -> bool {
        true
    }
}

impl Estimated {
    /// The heap size of a part of a value.
    #[inline]
    pub fn heap_size_in<T: Serialize>(self, part: &T, _: &mut Seen) -> usize {
        estimate::heap_size(part)
    }

    /// Whether no such value owns anything on the heap, which an estimate cannot know.
    #[inline]
    pub fn is_flat<T>(self, _: SizeOf<T>) -> bool {
        false
    }
}

/// Finds the best `Measure` for a `T` where it is written, by the method that the compiler finds first.
///
/// `(&&SizeOf::<T>::new()).__cache_measure()` looks for [`ByHeapSize`], then [`BySerialize`], then [`Unknown`],
/// each one reference less than the one before.
pub struct SizeOf<T>(PhantomData<fn() -> T>);

impl<T> SizeOf<T> {
    /// The type as a value.
    #[inline]
    #[must_use]
    #[expect(clippy::new_without_default, reason = "only named by generated code")]
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Clone for SizeOf<T> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SizeOf<T> {}

impl<T> fmt::Debug for SizeOf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SizeOf")
    }
}

/// First choice: the type says what it costs.
pub trait ByHeapSize {
    /// How the heap size of a value is found.
    fn __cache_measure(&self) -> Exact;
}

impl<T: HeapSize> ByHeapSize for &SizeOf<T> {
    #[inline]
    fn __cache_measure(&self) -> Exact {
        Exact
    }
}

/// Second choice: what the value serializes says roughly what it costs.
pub trait BySerialize {
    /// How the heap size of a value is found.
    fn __cache_measure(&self) -> Estimated;
}

impl<T: Serialize> BySerialize for SizeOf<T> {
    #[inline]
    fn __cache_measure(&self) -> Estimated {
        Estimated
    }
}

/// No choice left: found for every type, and refused with the message of [`HeapSize`].
pub trait Unknown: Sized {
    /// What is measured.
    type Value;

    /// How the heap size of a value would be found.
    fn __cache_measure(self) -> Given
    where
        Self::Value: HeapSize;
}

impl<T> Unknown for SizeOf<T> {
    type Value = T;

    #[inline]
    fn __cache_measure(self) -> Given
    where
        T: HeapSize,
    {
        Given
    }
}

#[cfg(test)]
mod tests;
