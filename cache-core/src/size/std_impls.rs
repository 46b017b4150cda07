//! What the types of the standard library cost.
//!
//! Sizes are what the allocator was asked for. Where the standard library keeps its layout to itself (hash tables,
//! trees, lists, reference counts), it is rebuilt here from what can be observed, and `tests/heap_size.rs` of the
//! `tests` member compares the result with an allocator that counts.
//!
//! Limits: a hash table from which many entries were removed may report a smaller capacity than it has, a tree that
//! was emptied entry by entry keeps a node that cannot be seen, and what another thread has locked counts nothing.

use super::{HeapSize, Seen, sum};
use std::alloc::Layout;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CStr, CString, OsStr, OsString};
use std::mem::MaybeUninit;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::rc::{self, Rc};
use std::sync::{self, Arc, Mutex, OnceLock, RwLock, TryLockError};

/// Implements `HeapSize` for types that own nothing on the heap.
macro_rules! flat {
    ($([$($generics:tt)*] $type:ty,)*) => {$(
        impl<$($generics)*> HeapSize for $type {
            #[inline]
            fn heap_size(&self, _: &mut Seen) -> usize {
                0
            }

            #[inline]
            fn is_flat() -> bool {
                true
            }
        }
    )*};
    ($($type:ty,)*) => {
        flat! { $([] $type,)* }
    };
}

flat! {
    (), bool, char, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64, std::convert::Infallible,
    std::num::NonZeroI8, std::num::NonZeroI16, std::num::NonZeroI32, std::num::NonZeroI64, std::num::NonZeroI128,
    std::num::NonZeroIsize, std::num::NonZeroU8, std::num::NonZeroU16, std::num::NonZeroU32, std::num::NonZeroU64,
    std::num::NonZeroU128, std::num::NonZeroUsize,
    std::time::Duration, std::time::Instant, std::time::SystemTime,
    std::net::IpAddr, std::net::Ipv4Addr, std::net::Ipv6Addr,
    std::net::SocketAddr, std::net::SocketAddrV4, std::net::SocketAddrV6,
    std::cmp::Ordering, std::sync::atomic::Ordering, std::ops::RangeFull, std::any::TypeId, std::thread::ThreadId,
    std::io::ErrorKind, std::fmt::Error, std::num::ParseIntError, std::num::ParseFloatError,
    std::str::Utf8Error, std::marker::PhantomPinned, std::hash::RandomState,
}

#[cfg(target_has_atomic = "8")]
flat! { std::sync::atomic::AtomicBool, std::sync::atomic::AtomicI8, std::sync::atomic::AtomicU8, }
#[cfg(target_has_atomic = "16")]
flat! { std::sync::atomic::AtomicI16, std::sync::atomic::AtomicU16, }
#[cfg(target_has_atomic = "32")]
flat! { std::sync::atomic::AtomicI32, std::sync::atomic::AtomicU32, }
#[cfg(target_has_atomic = "64")]
flat! { std::sync::atomic::AtomicI64, std::sync::atomic::AtomicU64, }
#[cfg(target_has_atomic = "ptr")]
flat! { std::sync::atomic::AtomicIsize, std::sync::atomic::AtomicUsize, }

// What a reference or a weak pointer points to belongs to somebody else.
flat! {
    [T: ?Sized] &T,
    [T: ?Sized] *const T,
    [T: ?Sized] *mut T,
    [T: ?Sized] std::marker::PhantomData<T>,
    [T: ?Sized] rc::Weak<T>,
    [T: ?Sized] sync::Weak<T>,
    [R] fn() -> R,
    [R, A] fn(A) -> R,
    [R, A, B] fn(A, B) -> R,
    [R, A, B, C] fn(A, B, C) -> R,
    [R, A, B, C, D] fn(A, B, C, D) -> R,
}

/// Implements `HeapSize` for unsized types that own nothing on the heap, wherever they lie.
macro_rules! unsized_flat {
    ($($type:ty,)*) => {$(
        impl HeapSize for $type {
            #[inline]
            fn heap_size(&self, _: &mut Seen) -> usize {
                0
            }
        }
    )*};
}

unsized_flat! { str, Path, OsStr, CStr, }

/// Implements `HeapSize` for buffers of bytes.
macro_rules! buffer {
    ($($type:ty: |$buffer:ident| $bytes:expr,)*) => {$(
        impl HeapSize for $type {
            #[inline]
            fn heap_size(&self, _: &mut Seen) -> usize {
                let $buffer = self;
                $bytes
            }
        }
    )*};
}

buffer! {
    String: |it| it.capacity(),
    PathBuf: |it| it.capacity(),
    OsString: |it| it.capacity(),
    CString: |it| it.as_bytes_with_nul().len(),
}

/// Implements `HeapSize` for types that hold at most a few `T`s inline, which can be iterated.
macro_rules! inline {
    ($($type:ty: |$it:ident| $parts:expr,)*) => {$(
        impl<T: HeapSize> HeapSize for $type {
            #[inline]
            fn heap_size(&self, seen: &mut Seen) -> usize {
                let $it = self;
                sum($parts, seen)
            }

            #[inline]
            fn is_flat() -> bool {
                T::is_flat()
            }
        }
    )*};
}

inline! {
    Option<T>: |it| it,
    OnceCell<T>: |it| it.get(),
    OnceLock<T>: |it| it.get(),
    Reverse<T>: |it| [&it.0],
    std::num::Wrapping<T>: |it| [&it.0],
    std::num::Saturating<T>: |it| [&it.0],
    std::ops::Range<T>: |it| [&it.start, &it.end],
    std::ops::RangeFrom<T>: |it| [&it.start],
    std::ops::RangeTo<T>: |it| [&it.end],
    std::ops::RangeInclusive<T>: |it| [it.start(), it.end()],
    std::ops::RangeToInclusive<T>: |it| [&it.end],
    Bound<T>: |it| match it {
        Bound::Included(it) | Bound::Excluded(it) => Some(it),
        Bound::Unbounded => None,
    },
    std::task::Poll<T>: |it| match it {
        std::task::Poll::Ready(it) => Some(it),
        std::task::Poll::Pending => None,
    },
}

impl<T: HeapSize, const N: usize> HeapSize for [T; N] {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        sum(self, seen)
    }

    #[inline]
    fn is_flat() -> bool {
        T::is_flat()
    }
}

impl<T: HeapSize> HeapSize for [T] {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        sum(self, seen)
    }
}

impl<T: HeapSize, E: HeapSize> HeapSize for Result<T, E> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        match self {
            Ok(value) => value.heap_size(seen),
            Err(error) => error.heap_size(seen),
        }
    }

    #[inline]
    fn is_flat() -> bool {
        T::is_flat() && E::is_flat()
    }
}

impl<T: ToOwned<Owned: HeapSize> + ?Sized> HeapSize for Cow<'_, T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        match self {
            Cow::Borrowed(_) => 0,
            Cow::Owned(value) => value.heap_size(seen),
        }
    }

    #[inline]
    fn is_flat() -> bool {
        T::Owned::is_flat()
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        impl<$($name: HeapSize),+> HeapSize for ($($name,)+) {
            #[inline]
            #[expect(non_snake_case, reason = "a field is called like its type")]
            fn heap_size(&self, seen: &mut Seen) -> usize {
                let ($($name,)+) = self;
                0_usize$(.saturating_add($name.heap_size(seen)))+
            }

            #[inline]
            fn is_flat() -> bool {
                $($name::is_flat())&&+
            }
        }
    };
}

tuple! { A }
tuple! { A B }
tuple! { A B C }
tuple! { A B C D }
tuple! { A B C D E }
tuple! { A B C D E F }
tuple! { A B C D E F G }
tuple! { A B C D E F G H }
tuple! { A B C D E F G H I }
tuple! { A B C D E F G H I J }
tuple! { A B C D E F G H I J K }
tuple! { A B C D E F G H I J K L }

impl<T: HeapSize + Copy> HeapSize for Cell<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        self.get().heap_size(seen)
    }

    #[inline]
    fn is_flat() -> bool {
        T::is_flat()
    }
}

impl<T: HeapSize> HeapSize for RefCell<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        self.try_borrow().map_or(0, |value| T::heap_size(&value, seen))
    }

    #[inline]
    fn is_flat() -> bool {
        T::is_flat()
    }
}

/// Implements `HeapSize` for locks, without waiting for them: what is locked right now cannot be seen.
macro_rules! lock {
    ($($lock:ident: $try_lock:ident,)*) => {$(
        impl<T: HeapSize> HeapSize for $lock<T> {
            fn heap_size(&self, seen: &mut Seen) -> usize {
                match self.$try_lock() {
                    // Not as methods: the guard behind a reference would be found as a reference, which costs nothing.
                    Ok(value) => T::heap_size(&value, seen),
                    Err(TryLockError::Poisoned(poisoned)) => T::heap_size(poisoned.get_ref(), seen),
                    Err(TryLockError::WouldBlock) => 0,
                }
            }

            #[inline]
            fn is_flat() -> bool {
                T::is_flat()
            }
        }
    )*};
}

lock! {
    Mutex: try_lock,
    RwLock: try_read,
}

impl<T: HeapSize + ?Sized> HeapSize for Box<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        size_of_val(&**self).saturating_add((**self).heap_size(seen))
    }
}

/// Implements `HeapSize` for shared pointers: two counts and the value in one allocation.
macro_rules! shared {
    ($($pointer:ident,)*) => {$(
        impl<T: HeapSize + ?Sized> HeapSize for $pointer<T> {
            fn heap_size(&self, seen: &mut Seen) -> usize {
                if !seen.first($pointer::as_ptr(self)) {
                    return 0;
                }
                let counts = Layout::new::<[usize; 2]>();
                let block = counts.extend(Layout::for_value(&**self)).map_or(counts, |(block, _)| block.pad_to_align());
                block.size().saturating_add((**self).heap_size(seen))
            }
        }
    )*};
}

shared! { Arc, Rc, }

impl<T: HeapSize> HeapSize for Vec<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        array::<T>(self.capacity()).saturating_add(sum(self, seen))
    }
}

impl<T: HeapSize> HeapSize for VecDeque<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        array::<T>(self.capacity()).saturating_add(sum(self, seen))
    }
}

impl<T: HeapSize> HeapSize for BinaryHeap<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        array::<T>(self.capacity()).saturating_add(sum(self, seen))
    }
}

/// A capacity in bytes. Of a type without a size a collection has room for `usize::MAX`, which costs nothing.
#[inline]
fn array<T>(capacity: usize) -> usize {
    capacity * size_of::<T>()
}

impl<T: HeapSize> HeapSize for LinkedList<T> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        #[expect(dead_code, reason = "only its size is of interest")]
        struct Node<T> {
            links: [usize; 2],
            element: T,
        }
        array::<Node<T>>(self.len()).saturating_add(sum(self, seen))
    }
}

impl<K: HeapSize, V: HeapSize, S> HeapSize for HashMap<K, V, S> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        hash_table(self.capacity(), Layout::new::<(K, V)>())
            .saturating_add(sum(self.keys(), seen))
            .saturating_add(sum(self.values(), seen))
    }
}

impl<T: HeapSize, S> HeapSize for HashSet<T, S> {
    #[inline]
    fn heap_size(&self, seen: &mut Seen) -> usize {
        hash_table(self.capacity(), Layout::new::<T>()).saturating_add(sum(self, seen))
    }
}

/// The one allocation of a hash table: slots, then a control byte for each, then a copy of the first group of those.
pub(super) fn hash_table(capacity: usize, slot: Layout) -> usize {
    // How many control bytes the table looks at in one step.
    const GROUP: usize =
        if cfg!(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2")) {
            16
        } else if cfg!(any(target_pointer_width = "64", target_arch = "aarch64")) {
            8
        } else {
            4
        };
    let n_slots = match capacity {
        0 => return 0,
        1..4 => 4,
        4..8 => 8,
        // An eighth stays empty.
        8.. => {
            capacity.saturating_mul(8).div_ceil(7).checked_next_power_of_two().unwrap_or(capacity)
        }
    };
    let align = GROUP.max(slot.align());
    n_slots
        .saturating_mul(slot.size())
        .checked_next_multiple_of(align)
        .unwrap_or(usize::MAX)
        .saturating_add(n_slots + GROUP)
}

impl<K: HeapSize, V: HeapSize> HeapSize for BTreeMap<K, V> {
    fn heap_size(&self, seen: &mut Seen) -> usize {
        tree::<K, V>(self.keys(), self.len())
            .saturating_add(sum(self.keys(), seen))
            .saturating_add(sum(self.values(), seen))
    }
}

impl<T: HeapSize> HeapSize for BTreeSet<T> {
    fn heap_size(&self, seen: &mut Seen) -> usize {
        tree::<T, ()>(self.iter(), self.len()).saturating_add(sum(self, seen))
    }
}

/// The nodes of a B-tree, found by walking its keys in order and looking where they lie.
///
/// The keys of a node are an array. In order come the keys of a leaf, then one key of an inner node that separates it
/// from the next leaf, then the keys of that leaf, and so on: the first key that does not lie right behind the one
/// before it is a separator. The separators are in turn the keys of the tree above the leaves, in order.
fn tree<'a, K: 'a, V>(keys: impl Iterator<Item = &'a K>, len: usize) -> usize {
    /// What a node holds at most.
    const FULL: usize = 11;
    /// More levels than a tree of all addressable bytes would have.
    const LEVELS: usize = 32;

    #[expect(dead_code, reason = "only its size is of interest")]
    struct Leaf<K, V> {
        parent: usize,
        parent_idx: u16,
        len: u16,
        keys: [MaybeUninit<K>; FULL],
        values: [MaybeUninit<V>; FULL],
    }

    #[repr(C)]
    struct Inner<K, V> {
        leaf: Leaf<K, V>,
        children: [usize; FULL + 1],
    }

    if size_of::<K>() == 0 {
        // Keys without a size are all equal, or nearly so: such a tree has one entry.
        return array::<Leaf<K, V>>(len.div_ceil(FULL));
    }
    let mut n_nodes = [0_usize; LEVELS];
    // Where the next key of the present node of each level would lie, or 0 after a separator.
    let mut next = [0_usize; LEVELS];
    for key in keys {
        let address = std::ptr::from_ref(key).addr();
        for (n_nodes, next) in n_nodes.iter_mut().zip(&mut next) {
            if *next == 0 {
                *n_nodes += 1;
            } else if *next != address {
                // A separator: a node of this level ends, and a level above decides where the key belongs.
                *next = 0;
                continue;
            }
            *next = address + size_of::<K>();
            break;
        }
    }
    let [n_leaves, n_inner @ ..] = n_nodes;
    array::<Leaf<K, V>>(n_leaves) + array::<Inner<K, V>>(n_inner.iter().sum())
}
