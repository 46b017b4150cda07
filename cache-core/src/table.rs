//! The hash table: read by many without a lock, written by one at a time.
//!
//! A bucket is one cache line: seven entries, and a byte of each one's hash. A look compares the seven bytes at once
//! and follows only pointers whose byte is right. An entry whose bucket is full goes to the next one that is not;
//! a bucket counts how many passed it by, so that a look knows where to stop and removing leaves no gravestones.
//! Entries are never moved within a table, so that a reader cannot miss one that is there all the time.
//! A table that is too full is copied to a larger one, which readers find from then on.

#![expect(unsafe_code, reason = "readers follow pointers that writers may take out meanwhile")]

use std::marker::PhantomData;

use crate::entry::{Entry, EntryRef, Opaque, RawEntry, short};
use crate::epoch::{Pin, Slot};
use crate::identity::KeyRef;
use crate::sync::{AtomicPtr, AtomicU64, Ordering};

/// How many entries a bucket has room for: with their bytes they fill a cache line.
const WIDTH: usize = 7;

/// Passed-by counts from here on are not exact, and stay.
const MANY: u64 = 0xff;

/// One in the byte of each place.
const LOW: u64 = 0x0001_0101_0101_0101;

#[repr(align(64))]
struct Bucket {
    /// A byte for each place, 0 where it is empty; in the highest byte, how many entries went on to the next bucket.
    bytes: AtomicU64,
    places: [AtomicPtr<Opaque>; WIDTH],
}

impl Bucket {
    fn new() -> Self {
        Self { bytes: AtomicU64::new(0), places: std::array::from_fn(|_| AtomicPtr::default()) }
    }

    #[inline]
    fn read(&self, place: usize) -> RawEntry {
        RawEntry::from_ptr(self.places[place].load(Ordering::Acquire))
    }

    fn write(&self, place: usize, entry: RawEntry) {
        self.places[place].store(entry.as_ptr(), Ordering::Release);
    }

    fn set_byte(&self, place: usize, byte: u64) {
        let bytes = self.bytes.load(Ordering::Relaxed) & !(0xff << (8 * place));
        self.bytes.store(bytes | byte << (8 * place), Ordering::Release);
    }

    /// Counts one entry more or less that went on to the next bucket.
    fn count_passing(&self, add: bool) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let passed = bytes >> 56;
        let passed = match (passed, add) {
            (MANY, _) => return,
            (_, true) => passed + 1,
            (_, false) => passed - 1,
        };
        self.bytes.store(bytes & !(MANY << 56) | passed << 56, Ordering::Release);
    }

    /// A place that is empty.
    fn empty(&self) -> Option<usize> {
        let empty = !self.bytes.load(Ordering::Relaxed) & (LOW << 7);
        (empty != 0).then(|| empty.trailing_zeros() as usize / 8)
    }

    /// Finds an entry, and its place, among those with the byte of a hash.
    ///
    /// # Safety
    ///
    /// Every entry that is in the bucket, now or meanwhile, is held throughout `'a`.
    #[inline(always)]
    unsafe fn find<'a>(
        &self,
        bytes: u64,
        hash: u32,
        sought: impl Sought,
    ) -> Option<(usize, Entry<'a>)> {
        // A byte is zero where they agree. The trick to find it may also name the place after, which does no harm.
        let differences = bytes ^ (byte_of(hash) * LOW);
        let mut found = differences.wrapping_sub(LOW) & !differences & (LOW << 7);
        while found != 0 {
            let place = found.trailing_zeros() as usize / 8;
            // SAFETY: the caller says so.
            if let Some(entry) = unsafe { self.read(place).get() }
                && sought.is(entry)
            {
                return Some((place, entry));
            }
            found &= found - 1;
        }
        None
    }
}

/// What tells an entry from others whose hashes have the same byte.
pub(crate) trait Sought: Copy {
    fn is(self, entry: Entry<'_>) -> bool;
}

impl Sought for KeyRef<'_> {
    #[inline]
    fn is(self, entry: Entry<'_>) -> bool {
        entry.is(self)
    }
}

impl Sought for &EntryRef {
    #[inline]
    fn is(self, entry: Entry<'_>) -> bool {
        entry.as_raw() == self.as_raw()
    }
}

/// The byte of a hash; its highest bit is set, so that it is not that of an empty place.
#[inline]
fn byte_of(hash: u32) -> u64 {
    u64::from(hash & 0x7f | 0x80)
}

/// The buckets of one size of the table.
pub(crate) struct Buckets(Box<[Bucket]>);

impl Buckets {
    const FEWEST: usize = 4;

    fn new(n: usize) -> Self {
        Self((0..n).map(|_| Bucket::new()).collect())
    }

    /// The place of the bucket of a hash.
    #[inline]
    fn first(&self, hash: u32) -> usize {
        // A number below `n` in place of a remainder (Lemire, "Fast random integer generation in an interval", 2019).
        ((u64::from(hash) * self.0.len() as u64) >> 32) as usize
    }

    #[inline(always)]
    fn bucket(&self, hash: u32) -> &Bucket {
        let first = self.first(hash);
        debug_assert!(first < self.0.len(), "a number below `n`");
        // SAFETY: the upper half of the product of `n` and a number of 32 bits is below `n`.
        unsafe { self.0.get_unchecked(first) }
    }

    /// The bucket of a hash and those after it.
    fn from(&self, hash: u32) -> impl Iterator<Item = &Bucket> {
        let first = self.first(hash);
        self.0[first..].iter().chain(self.0.iter()).take(self.0.len())
    }

    /// Finds an entry.
    ///
    /// # Safety
    ///
    /// Every entry that is in the table, now or meanwhile, is held throughout `'a`.
    unsafe fn find<'a>(&self, hash: u32, sought: impl Sought) -> Option<Entry<'a>> {
        for bucket in self.from(hash) {
            let bytes = bucket.bytes.load(Ordering::Acquire);
            // SAFETY: the caller says so.
            match unsafe { bucket.find(bytes, hash, sought) } {
                Some((_, entry)) => return Some(entry),
                None if bytes >> 56 == 0 => return None,
                None => {}
            }
        }
        None
    }

    /// The table has room.
    fn insert(&self, hash: u32, entry: RawEntry) {
        for bucket in self.from(hash) {
            if let Some(place) = bucket.empty() {
                bucket.write(place, entry);
                bucket.set_byte(place, byte_of(hash));
                return;
            }
            bucket.count_passing(true);
        }
        unreachable!("a table is copied to a larger one before it is full");
    }

    /// Takes out an entry that the caller holds.
    ///
    /// # Safety
    ///
    /// Every entry in the table is held.
    unsafe fn remove(&self, entry: &EntryRef) -> bool {
        let hash = entry.get().hash();
        for (n_before, bucket) in self.from(hash).enumerate() {
            let bytes = bucket.bytes.load(Ordering::Relaxed);
            // SAFETY: the caller says so.
            if let Some((place, _)) = unsafe { bucket.find(bytes, hash, entry) } {
                bucket.set_byte(place, 0);
                bucket.write(place, RawEntry::NONE);
                self.from(hash).take(n_before).for_each(|bucket| bucket.count_passing(false));
                return true;
            }
        }
        false
    }

    fn entries(&self) -> impl Iterator<Item = RawEntry> {
        let places = self.0.iter().flat_map(|bucket| (0..WIDTH).map(|place| bucket.read(place)));
        places.filter(|entry| *entry != RawEntry::NONE)
    }
}

/// What an entry takes of a table at the mean load.
pub(crate) const PLACE: usize = size_of::<Bucket>() * 3 / (2 * WIDTH);

/// An entry that was found without a lock. It stays where it is while this exists, for the thread is pinned and the
/// table is there.
pub(crate) struct Found<'t> {
    /// Only lent.
    entry: Entry<'t>,
    pin: Pin,
}

impl Found<'_> {
    #[inline]
    pub(crate) fn entry(&self) -> Entry<'_> {
        self.entry
    }

    #[inline]
    pub(crate) fn slot(&self) -> &'static Slot {
        self.pin.slot
    }
}

impl Buckets {
    /// What it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        size_of_val(&*self.0)
    }
}

/// The right to change a table, of which there is one.
pub(crate) struct Writer {
    n_entries: usize,
    not_clone: PhantomData<()>,
}

/// A table of entries that somebody else holds, for as long as they are in it and until nobody can be reading them.
pub(crate) struct Table {
    buckets: AtomicPtr<Buckets>,
}

impl Table {
    pub(crate) fn new() -> (Self, Writer) {
        let buckets = Box::new(Buckets::new(Buckets::FEWEST));
        let table = Self { buckets: AtomicPtr::new(Box::into_raw(buckets)) };
        (table, Writer { n_entries: 0, not_clone: PhantomData })
    }

    /// Finds an entry without a lock.
    pub(crate) fn find(&self, pin: Pin, hash: u64, sought: impl Sought) -> Option<Found<'_>> {
        // SAFETY: as in `find_near`.
        let entry = unsafe { self.buckets(&pin).find(short(hash), sought)? };
        Some(Found { entry, pin })
    }

    /// Looks in the bucket of the hash alone, where most entries are.
    #[inline(always)]
    pub(crate) fn find_near(&self, pin: Pin, hash: u64, sought: impl Sought) -> Option<Found<'_>> {
        let hash = short(hash);
        let bucket = self.buckets(&pin).bucket(hash);
        let bytes = bucket.bytes.load(Ordering::Acquire);
        // SAFETY: entries that are taken out are kept by whoever does so until no thread is pinned that was pinned then,
        // see `epoch`, and the pin stays with the entry.
        let (_, entry) = unsafe { bucket.find(bytes, hash, sought)? };
        Some(Found { entry, pin })
    }

    #[inline(always)]
    fn buckets<'p>(&self, _: &'p Pin) -> &'p Buckets {
        // SAFETY: buckets that are replaced are kept as entries are, see `find_near`.
        unsafe { &*self.buckets.load(Ordering::Acquire) }
    }

    fn present<'w>(&self, _: &'w Writer) -> &'w Buckets {
        // SAFETY: only who has the writer replaces the buckets, and here it is borrowed meanwhile.
        unsafe { &*self.buckets.load(Ordering::Relaxed) }
    }

    /// Finds an entry for the writer.
    pub(crate) fn find_locked<'w>(&self, writer: &'w Writer, key: KeyRef<'_>) -> Option<Entry<'w>> {
        // SAFETY: entries in the table are held, and while the writer is borrowed none is taken out.
        unsafe { self.present(writer).find(short(key.hash), key) }
    }

    /// Adds an entry, which the caller holds. Gives back buckets that have become too few, which are to be retired.
    pub(crate) fn insert(&self, writer: &mut Writer, entry: &EntryRef) -> Option<Box<Buckets>> {
        let n_buckets = self.present(writer).0.len();
        // At most four places of five are taken.
        let is_full = (writer.n_entries + 1) * 5 > n_buckets * WIDTH * 4;
        let old = is_full.then(|| self.resize(writer, n_buckets + n_buckets / 2));
        writer.n_entries += 1;
        self.present(writer).insert(entry.get().hash(), entry.as_raw());
        old
    }

    /// Takes no more memory than what is left needs. Gives back the buckets that were too many, which are to be retired.
    pub(crate) fn shrink(&self, writer: &mut Writer) -> Option<Box<Buckets>> {
        let n_places = self.present(writer).0.len() * WIDTH;
        let n_needed = (writer.n_entries * 3 / 2 / WIDTH + 1).max(Buckets::FEWEST);
        (n_needed * WIDTH * 4 < n_places).then(|| self.resize(writer, n_needed))
    }

    /// Puts all entries into other buckets, and gives back those that they were in.
    fn resize(&self, writer: &mut Writer, n_buckets: usize) -> Box<Buckets> {
        let buckets = Buckets::new(n_buckets);
        for raw in self.present(writer).entries() {
            // SAFETY: as in `find_locked`.
            if let Some(entry) = unsafe { raw.get() } {
                buckets.insert(entry.hash(), raw);
            }
        }
        self.replace(writer, buckets)
    }

    /// Takes an entry out of reach. It is to be retired before it is let go.
    pub(crate) fn remove(&self, writer: &mut Writer, entry: &EntryRef) {
        // SAFETY: as in `find_locked`.
        if unsafe { self.present(writer).remove(entry) } {
            writer.n_entries -= 1;
        }
    }

    /// Takes all entries out of reach. They and the buckets are to be retired before they are let go.
    pub(crate) fn clear(&self, writer: &mut Writer) -> Box<Buckets> {
        writer.n_entries = 0;
        self.replace(writer, Buckets::new(Buckets::FEWEST))
    }

    fn replace(&self, _: &mut Writer, buckets: Buckets) -> Box<Buckets> {
        let new = Box::into_raw(Box::new(buckets));
        // SAFETY: the pointer came from a box, and is in nobody else's hands but readers', for whom it is retired.
        unsafe { Box::from_raw(self.buckets.swap(new, Ordering::AcqRel)) }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: the pointer came from a box, and nobody reads any more.
        drop(unsafe { Box::from_raw(*self.buckets.get_mut()) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
