//! A stored result: its key, value, charge and lifetime, in one allocation.
//!
//! An entry is a header, the bytes of the key and the value, one after the other, behind one thin pointer:
//! a hit finds all that it needs in neighbouring cache lines, and a miss allocates once.
//! Its type is only known to who made it; the header remembers which type that was, and is asked.

#![expect(unsafe_code, reason = "one allocation for values of any type behind one atomic pointer")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::mem::size_of;
use std::ptr::NonNull;
use std::time::Duration;

use crate::clock::{Moment, nanos};
use crate::function::FunctionState;
use crate::sync::{Arc, AtomicU32, AtomicU64, Ordering, Ref, fence};

/// The identity of a call within one cache, borrowing its bytes from the caller's stack.
#[derive(Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) state: &'a FunctionState,
    /// Tells instantiations of a generic function apart.
    pub(crate) instance: Option<TypeId>,
    pub(crate) hash: u64,
    pub(crate) bytes: &'a [u8],
}

impl KeyRef<'_> {
    /// `state` is the one that this key has already.
    pub(crate) fn to_owned(self, state: Ref<FunctionState>) -> Key {
        Key { state, instance: self.instance, hash: self.hash, bytes: KeyBytes::new(self.bytes) }
    }
}

/// The identity of a call within one cache.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) state: Ref<FunctionState>,
    pub(crate) instance: Option<TypeId>,
    pub(crate) hash: u64,
    bytes: KeyBytes,
}

/// The bytes of a key while it is loaded: most are short, and are copied without an allocation.
#[derive(Clone)]
enum KeyBytes {
    Short(u8, [u8; KeyBytes::SHORT]),
    Long(Arc<[u8]>),
}

impl KeyBytes {
    const SHORT: usize = 46;

    fn new(bytes: &[u8]) -> Self {
        if bytes.len() > Self::SHORT {
            return Self::Long(bytes.into());
        }
        let mut short = [0; Self::SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Self::Short(bytes.len() as u8, short)
    }
}

impl Key {
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            KeyBytes::Short(len, bytes) => &bytes[..usize::from(*len)],
            KeyBytes::Long(bytes) => bytes,
        }
    }

    pub(crate) fn borrow(&self) -> KeyRef<'_> {
        KeyRef { state: &self.state, instance: self.instance, hash: self.hash, bytes: self.bytes() }
    }

    /// The bytes decide; the hash only found the place to look.
    pub(crate) fn is(&self, other: KeyRef<'_>) -> bool {
        self.hash == other.hash
            && self.state.owner == other.state.owner
            && self.instance == other.instance
            && self.bytes() == other.bytes
    }
}

/// Whatever knows the key of a call: the call itself, or somebody who outlives it.
pub(crate) trait AsKey {
    fn key(&self) -> KeyRef<'_>;
}

impl AsKey for KeyRef<'_> {
    fn key(&self) -> KeyRef<'_> {
        *self
    }
}

impl AsKey for Key {
    fn key(&self) -> KeyRef<'_> {
        self.borrow()
    }
}

/// Any result that a function returned.
pub(crate) type AnyValue = dyn Any + Send + Sync;

#[repr(C)]
struct Header {
    n_refs: AtomicU32,
    uses: AtomicU32,
    hash: u64,
    value: &'static ValueType,
    owner: u32,
    key_len: u32,
    /// The tick of its last use.
    used: AtomicU64,
    /// About when that was.
    last_used: AtomicU64,
    created: Moment,
    charge: usize,
    /// Where it stands in its order. Written before it is seen, and read under the lock.
    place: AtomicU32,
    more: Option<Box<More>>,
}

/// What few entries have.
struct More {
    label: Option<Box<str>>,
    instance: Option<TypeId>,
    /// The first moment at which it is expired.
    deadline: Moment,
    /// It also expires when unused for so many nanoseconds; `u64::MAX` for never.
    idle: u64,
    /// The moment under which it is listed to be looked at; `u64::MAX` for none.
    listed: AtomicU64,
}

/// All that is known of a value whose type is forgotten.
struct ValueType {
    id: fn() -> TypeId,
    size: usize,
    align: usize,
    drop: unsafe fn(*mut u8),
}

trait Forgotten: Sized + 'static {
    const TYPE: &'static ValueType;
}

impl<T: 'static> Forgotten for T {
    const TYPE: &'static ValueType = &ValueType {
        id: TypeId::of::<T>,
        size: size_of::<T>(),
        align: align_of::<T>(),
        // SAFETY (of the caller): the pointer is to a live `T`, which is not used afterwards.
        drop: |value| unsafe { std::ptr::drop_in_place(value.cast::<T>()) },
    };
}

/// Where the bytes of the key begin.
const KEY: usize = size_of::<Header>();

/// Where a value of this alignment begins, behind a key of this length.
#[inline]
const fn value_offset(align: usize, key_len: usize) -> usize {
    (KEY + key_len + align - 1) & !(align - 1)
}

impl ValueType {
    fn layout(&self, key_len: usize) -> Layout {
        let align = self.align.max(align_of::<Header>());
        let size = value_offset(self.align, key_len).checked_add(self.size);
        size.and_then(|size| Layout::from_size_align(size, align).ok())
            .expect("a key and a value that exist fit into memory together")
    }
}

/// One of the holders of an entry.
pub(crate) struct EntryRef(NonNull<Header>);

// SAFETY: values are `Send + Sync` (see `EntryRef::new`), and so is everything in the header.
unsafe impl Send for EntryRef {}
// SAFETY: the same.
unsafe impl Sync for EntryRef {}

/// How long a result may be served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
}

impl Lifetime {
    /// Whether time can end it.
    pub(crate) fn is_mortal(self) -> bool {
        self.ttl.is_some() || self.idle.is_some()
    }
}

/// What a deadline takes: a place in the ordered set, at the mean fill of its nodes.
const DEADLINE: usize = 24;

/// All of an entry but its value.
pub(crate) struct Draft<'a> {
    pub(crate) key: KeyRef<'a>,
    pub(crate) label: Option<Box<str>>,
    /// What the function says that the value costs, if it says so.
    pub(crate) size: Option<usize>,
    pub(crate) life: Lifetime,
    pub(crate) now: Moment,
    /// What its place in the memory tier takes.
    pub(crate) place: usize,
}

impl EntryRef {
    pub(crate) fn new<T: Any + Send + Sync>(value: T, heap: usize, draft: Draft<'_>) -> Self {
        let Draft { key, label, life, now, place, size: _ } = draft;
        let value_type = T::TYPE;
        let layout = value_type.layout(key.bytes.len());
        let label_len = label.as_ref().map_or(0, |label| label.len());
        let more = (label.is_some() || key.instance.is_some() || life.is_mortal()).then(|| {
            Box::new(More {
                label,
                instance: key.instance,
                deadline: life.ttl.map_or(Moment::NEVER, |ttl| now.after(ttl)),
                idle: life.idle.map_or(u64::MAX, nanos),
                listed: AtomicU64::new(u64::MAX),
            })
        });
        let charge = [
            layout.size(),
            place,
            if more.is_some() { size_of::<More>() } else { 0 },
            if life.is_mortal() { DEADLINE } else { 0 },
            label_len,
            heap,
        ]
        .into_iter()
        .fold(0, usize::saturating_add);
        let header = Header {
            n_refs: AtomicU32::new(1),
            uses: AtomicU32::new(0),
            hash: key.hash,
            value: value_type,
            owner: key.state.owner,
            key_len: u32::try_from(key.bytes.len()).expect("a key is shorter than 4 GiB"),
            used: AtomicU64::new(0),
            last_used: AtomicU64::new(now.0),
            created: now,
            charge,
            place: AtomicU32::new(0),
            more,
        };
        // SAFETY: the layout is not empty, for it begins with a header.
        let start = unsafe { alloc(layout) };
        let Some(entry) = NonNull::new(start.cast::<Header>()) else { handle_alloc_error(layout) };
        // SAFETY: `start` is an allocation of `layout`, which has room and the alignment for the three parts at their
        // offsets, and nobody else knows it yet.
        unsafe {
            entry.write(header);
            start.add(KEY).copy_from_nonoverlapping(key.bytes.as_ptr(), key.bytes.len());
            start.add(value_offset(align_of::<T>(), key.bytes.len())).cast::<T>().write(value);
        }
        Self(entry)
    }

    #[inline]
    pub(crate) fn get(&self) -> Entry<'_> {
        Entry { header: self.0, holder: PhantomData }
    }

    /// The entry as the table keeps it, where holding it is somebody else's care.
    #[inline]
    pub(crate) fn as_raw(&self) -> RawEntry {
        RawEntry(self.0.as_ptr())
    }
}

impl Clone for EntryRef {
    fn clone(&self) -> Self {
        let n_refs = self.get().header().n_refs.fetch_add(1, Ordering::Relaxed);
        assert!(n_refs < u32::MAX / 2, "an entry has fewer than 2 billion holders");
        Self(self.0)
    }
}

impl Drop for EntryRef {
    fn drop(&mut self) {
        if self.get().header().n_refs.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        fence(Ordering::Acquire);
        /// Gives the memory back even if dropping the value panics.
        struct Free(*mut u8, Layout);
        impl Drop for Free {
            fn drop(&mut self) {
                // SAFETY: this is the allocation, with the layout that it was made with.
                unsafe { dealloc(self.0, self.1) };
            }
        }
        let start = self.0.as_ptr().cast::<u8>();
        let (value, key_len) = (self.get().header().value, self.get().header().key_len);
        let _free = Free(start, value.layout(key_len as usize));
        // SAFETY: this was the last holder, so nobody looks at the header or the value any more.
        unsafe {
            let value_start = start.add(value_offset(value.align, key_len as usize));
            self.0.drop_in_place();
            (value.drop)(value_start);
        }
    }
}

/// An entry in the table: a pointer that holds nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawEntry(*mut Header);

/// What the table's atomic pointers point to.
pub(crate) struct Opaque(#[expect(dead_code, reason = "never looked at")] Header);

impl RawEntry {
    pub(crate) const NONE: Self = Self(std::ptr::null_mut());

    #[inline]
    pub(crate) fn from_ptr(ptr: *mut Opaque) -> Self {
        Self(ptr.cast())
    }

    #[inline]
    pub(crate) fn as_ptr(self) -> *mut Opaque {
        self.0.cast()
    }

    /// The entry, if there is one.
    ///
    /// # Safety
    ///
    /// Somebody holds the entry throughout `'a`.
    #[inline]
    pub(crate) unsafe fn get<'a>(self) -> Option<Entry<'a>> {
        Some(Entry { header: NonNull::new(self.0)?, holder: PhantomData })
    }
}

/// An entry that somebody holds.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    header: NonNull<Header>,
    holder: PhantomData<&'a EntryRef>,
}

impl<'a> Entry<'a> {
    #[inline]
    fn header(self) -> &'a Header {
        // SAFETY: somebody holds the entry throughout `'a`, and but for atomics its header does not change.
        unsafe { self.header.as_ref() }
    }

    /// The value, if it is of this type.
    #[inline]
    pub(crate) fn value<T: 'static>(self) -> Option<&'a T> {
        let value = self.header().value;
        // One type may be described at several addresses, but no address describes two.
        let is_of_type = std::ptr::eq(value, T::TYPE) || (value.id)() == TypeId::of::<T>();
        let offset = value_offset(align_of::<T>(), self.header().key_len as usize);
        // SAFETY: the value is of this type, lies at this offset and does not change while somebody holds the entry.
        is_of_type.then(|| unsafe { self.header.cast::<u8>().add(offset).cast::<T>().as_ref() })
    }

    #[inline]
    pub(crate) fn key_bytes(self) -> &'a [u8] {
        // SAFETY: so many bytes lie there and do not change while somebody holds the entry.
        unsafe {
            let start = self.header.cast::<u8>().add(KEY);
            std::slice::from_raw_parts(start.as_ptr(), self.header().key_len as usize)
        }
    }

    /// Keeps the entry beyond `'a`.
    pub(crate) fn to_owned(self) -> EntryRef {
        EntryRef::clone(&std::mem::ManuallyDrop::new(EntryRef(self.header)))
    }

    /// Whether it is of this call. The bytes decide; the hash only found the place to look.
    pub(crate) fn is(self, key: KeyRef<'_>) -> bool {
        self.has_key(key.state.owner, key.hash, key.bytes) && self.is_of(key.instance)
    }

    /// Whether it is of this call, or of the same one to another instantiation.
    #[inline]
    pub(crate) fn has_key(self, owner: u32, hash: u64, bytes: &[u8]) -> bool {
        let header = self.header();
        header.hash == hash && header.owner == owner && are_same(self.key_bytes(), bytes)
    }

    /// Whether it is of this instantiation.
    pub(crate) fn is_of(self, instance: Option<TypeId>) -> bool {
        self.header().more.as_ref().and_then(|more| more.instance) == instance
    }

    /// Whether anything is to be asked but its key.
    #[inline]
    pub(crate) fn is_special(self) -> bool {
        self.header().more.is_some()
    }

    #[inline]
    pub(crate) fn hash(self) -> u64 {
        self.header().hash
    }

    /// Which function returned it.
    #[inline]
    pub(crate) fn owner(self) -> u32 {
        self.header().owner
    }

    /// What it counts for in the budgets. Computed once: what was added is what is subtracted.
    pub(crate) fn charge(self) -> usize {
        self.header().charge
    }

    pub(crate) fn created(self) -> Moment {
        self.header().created
    }

    pub(crate) fn place(self) -> u32 {
        self.header().place.load(Ordering::Relaxed)
    }

    pub(crate) fn set_place(self, place: u32) {
        self.header().place.store(place, Ordering::Relaxed);
    }

    /// The tick of its last use.
    #[inline]
    pub(crate) fn used(self) -> u64 {
        self.header().used.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn set_used(self, tick: u64) {
        self.header().used.store(tick, Ordering::Relaxed);
    }

    /// Whether time can end this entry's life.
    #[inline]
    pub(crate) fn is_mortal(self) -> bool {
        self.header()
            .more
            .as_ref()
            .is_some_and(|more| more.deadline != Moment::NEVER || more.idle != u64::MAX)
    }

    /// Whether its life depends on when it was last used.
    #[inline]
    pub(crate) fn is_idling(self) -> bool {
        self.header().more.as_ref().is_some_and(|more| more.idle != u64::MAX)
    }

    /// The moment from which it must not be served any more, as far as is known now.
    pub(crate) fn due(self) -> Moment {
        let Some(more) = &self.header().more else { return Moment::NEVER };
        more.deadline.min(Moment(self.last_used().0.saturating_add(more.idle)))
    }

    /// The moment under which it is listed to be looked at. Under the lock, as is setting it.
    pub(crate) fn listed(self) -> Option<Moment> {
        let listed = Moment(self.header().more.as_ref()?.listed.load(Ordering::Relaxed));
        (listed != Moment::NEVER).then_some(listed)
    }

    pub(crate) fn set_listed(self, due: Moment) {
        if let Some(more) = &self.header().more {
            more.listed.store(due.0, Ordering::Relaxed);
        }
    }

    /// The one rule of freshness: an entry is expired from its deadline on.
    #[inline]
    pub(crate) fn is_fresh(self, now: Moment) -> bool {
        !self.is_mortal() || now < self.due()
    }

    /// Whether it may be served now, which is then when it was last used.
    pub(crate) fn outlives(self, now: Moment) -> bool {
        let is_fresh = self.is_fresh(now);
        if is_fresh && self.is_idling() {
            self.set_last_used(now);
        }
        is_fresh
    }

    #[inline]
    pub(crate) fn last_used(self) -> Moment {
        Moment(self.header().last_used.load(Ordering::Relaxed))
    }

    #[inline]
    pub(crate) fn set_last_used(self, now: Moment) {
        self.header().last_used.store(now.0, Ordering::Relaxed);
    }

    /// Counts a use: one by one at first, then every 32nd, by chance, so that threads that share an entry seldom write it.
    #[inline]
    pub(crate) fn count_use(self, random: u64) {
        const STEP: u32 = 32;
        let uses = &self.header().uses;
        let n_uses = uses.load(Ordering::Relaxed);
        if n_uses < STEP {
            uses.store(n_uses + 1, Ordering::Relaxed);
        } else if random.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - STEP.ilog2()) == 0 {
            uses.store(n_uses.saturating_add(STEP), Ordering::Relaxed);
        }
    }

    /// As people read it.
    pub(crate) fn info(self, function: &'static str, now: Moment) -> EntryInfo {
        let header = self.header();
        let due = self.due();
        EntryInfo {
            function,
            label: header.more.as_ref().and_then(|more| Some(more.label.as_deref()?.to_owned())),
            key: format!("{:016x}", header.hash),
            age: now.since(header.created),
            idle: now.since(self.last_used()),
            uses: u64::from(header.uses.load(Ordering::Relaxed)),
            charge: header.charge,
            remaining: (due != Moment::NEVER).then(|| due.since(now)),
        }
    }
}

/// Compares bytes, most of which are few: faster than a call of `memcmp`.
#[inline]
fn are_same(one: &[u8], other: &[u8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    if one.len() != other.len() {
        return false;
    }
    if one.len() <= 16
        && let (Some(one_first), Some(other_first)) = (one.first_chunk(), other.first_chunk())
        && let (Some(one_last), Some(other_last)) = (one.last_chunk(), other.last_chunk())
    {
        return word(one_first) == word(other_first) && word(one_last) == word(other_last);
    }
    one == other
}

/// One stored result, as [`Cache::entries`](crate::Cache::entries) lists it.
///
/// Argument values never appear, unless the function's `label` shows them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EntryInfo {
    /// The function that returned it.
    pub function: &'static str,
    /// What `label = "…"` says of the call.
    pub label: Option<String>,
    /// A digest of the arguments: the same for equal calls within one process, and of no use outside.
    pub key: String,
    /// Time since it was stored.
    pub age: Duration,
    /// Time since it was last served, or stored if it never was.
    ///
    /// Kept to about a millisecond while there are many calls. When they become few, it may lag for 64 of them.
    pub idle: Duration,
    /// How often it was served: exact up to 32, then an estimate.
    pub uses: u64,
    /// The bytes it counts for: key, value and overhead.
    pub charge: usize,
    /// Time until it expires; `None` if it does not.
    pub remaining: Option<Duration>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::function::{Function, Overrides};
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::OnceLock;

    /// What some cache knows of some function.
    pub(crate) fn state() -> Ref<FunctionState> {
        static FUNCTION: Function = Function::new("area", module_path!(), file!(), line!());
        static STATE: OnceLock<FunctionState> = OnceLock::new();
        Ref::Global(
            STATE.get_or_init(|| {
                FunctionState::new(&FUNCTION, &Overrides::default(), true, 0, false)
            }),
        )
    }

    /// The key of a call of that function.
    pub(crate) fn key(hash: u64, bytes: &[u8]) -> KeyRef<'_> {
        let Ref::Global(state) = state() else { unreachable!("it is never shared") };
        KeyRef { state, instance: None, hash, bytes }
    }

    /// The result of a call, stored at the beginning of time and for ever.
    pub(crate) fn entry(key: KeyRef<'_>, value: impl Any + Send + Sync) -> EntryRef {
        let (life, now) = (Lifetime::default(), Moment(0));
        EntryRef::new(value, 0, Draft { key, label: None, size: None, life, now, place: 0 })
    }

    /// Counts how often it is dropped.
    struct Dropped(Arc<AtomicU32>);

    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn keys_of_one_hash_are_told_apart_by_their_bytes() {
        for len in [0, 1, 7, 8, 9, 15, 16, 17, 40] {
            let bytes = vec![7; len];
            let entry = entry(key(1, &bytes), 0_u8);
            assert!(entry.get().is(key(1, &bytes)));
            assert!(!entry.get().is(key(2, &bytes)), "another hash");
            assert!(!entry.get().is(key(1, &[&bytes[..], &[7]].concat())), "one byte more");
            for idx in 0..len {
                let mut other = bytes.clone();
                other[idx] ^= 1;
                assert!(!entry.get().is(key(1, &other)), "byte {idx} of {len} differs");
            }
        }
    }

    #[test]
    fn values_of_any_alignment_lie_behind_keys_of_any_length() {
        #[repr(align(64))]
        struct Wide([u8; 3]);

        for len in 0..130 {
            let bytes = vec![len as u8; len];
            let (one, other) = (entry(key(1, &bytes), 7_u128), entry(key(1, &bytes), Wide([9; 3])));
            for entry in [&one, &other] {
                assert_eq!(entry.get().key_bytes(), bytes);
            }
            assert_eq!(one.get().value::<u128>(), Some(&7));
            let wide = other.get().value::<Wide>().expect("it is of this type");
            assert_eq!((wide.0, std::ptr::from_ref(wide).addr() % 64), ([9; 3], 0));
            assert!(entry(key(1, &bytes), ()).get().value::<()>().is_some(), "no bytes at all");
        }
    }

    #[test]
    fn a_value_is_not_taken_for_one_of_another_type() {
        let entry = entry(key(1, b""), 7_u64);
        assert_eq!(entry.get().value::<i64>(), None);
        assert_eq!(entry.get().value::<[u8; 8]>(), None);
        assert_eq!(entry.get().value::<u64>(), Some(&7));
    }

    #[test]
    fn the_last_holder_drops_the_value_once() {
        let n_drops = Arc::new(AtomicU32::new(0));
        let first = entry(key(1, b"key"), Dropped(Arc::clone(&n_drops)));
        let others = [first.clone(), first.get().to_owned()];
        drop(first);
        assert_eq!(n_drops.load(Ordering::SeqCst), 0);
        drop(others);
        assert_eq!(n_drops.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_value_that_panics_when_it_is_dropped_leaves_nothing_behind() {
        struct Bomb(#[expect(dead_code, reason = "there to be dropped")] Dropped);
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a value's own business");
            }
        }
        let n_drops = Arc::new(AtomicU32::new(0));
        let entry = entry(key(1, b"key"), Bomb(Dropped(Arc::clone(&n_drops))));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(entry))).is_err());
        assert_eq!(n_drops.load(Ordering::SeqCst), 1, "what the value owned");
    }
}
