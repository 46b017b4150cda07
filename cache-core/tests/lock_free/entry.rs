//! Entries of which a model knows when they are read, and when they are freed.

use std::marker::PhantomData;
use std::ptr::NonNull;

use loom::cell::UnsafeCell;

use crate::identity::KeyRef;

/// What an entry keeps of a hash.
pub(crate) fn short(hash: u64) -> u32 {
    hash as u32
}

pub(crate) struct Opaque {
    hash: u32,
    number: u64,
    /// Read with the entry and written when it is freed: loom sees whether one comes before the other.
    access: UnsafeCell<()>,
}

/// The holder of an entry.
pub(crate) struct EntryRef(NonNull<Opaque>);

// SAFETY: what is in an entry may be read by any thread.
unsafe impl Send for EntryRef {}

impl EntryRef {
    pub(crate) fn new(key: KeyRef<'_>) -> Self {
        let entry =
            Opaque { hash: short(key.hash), number: key.number, access: UnsafeCell::new(()) };
        Self(NonNull::from(Box::leak(Box::new(entry))))
    }

    pub(crate) fn get(&self) -> Entry<'_> {
        Entry(self.0, PhantomData)
    }

    pub(crate) fn from_raw(raw: *mut Opaque) -> Self {
        Self(NonNull::new(raw).expect("an entry"))
    }

    pub(crate) fn into_raw(self) -> *mut Opaque {
        std::mem::ManuallyDrop::new(self).0.as_ptr()
    }

    pub(crate) fn as_raw(&self) -> RawEntry {
        RawEntry(self.0.as_ptr())
    }
}

impl Drop for EntryRef {
    fn drop(&mut self) {
        // SAFETY: it is never freed, so that who reads too late is found out and does no harm.
        unsafe { self.0.as_ref() }.access.with_mut(|_| ());
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawEntry(*mut Opaque);

impl RawEntry {
    pub(crate) const NONE: Self = Self(std::ptr::null_mut());

    pub(crate) fn from_ptr(ptr: *mut Opaque) -> Self {
        Self(ptr)
    }

    pub(crate) fn as_ptr(self) -> *mut Opaque {
        self.0
    }

    pub(crate) unsafe fn get<'a>(self) -> Option<Entry<'a>> {
        Some(Entry(NonNull::new(self.0)?, PhantomData))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Entry<'a>(NonNull<Opaque>, PhantomData<&'a ()>);

impl Entry<'_> {
    pub(crate) fn as_raw(self) -> RawEntry {
        RawEntry(self.0.as_ptr())
    }

    fn read(&self) -> &Opaque {
        // SAFETY: it is never freed.
        let entry = unsafe { self.0.as_ref() };
        entry.access.with(|_| ());
        entry
    }

    pub(crate) fn is(self, key: KeyRef<'_>) -> bool {
        let entry = self.read();
        entry.hash == short(key.hash) && entry.number == key.number
    }

    pub(crate) fn hash(self) -> u32 {
        self.read().hash
    }
}
