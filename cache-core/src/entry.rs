//! A stored result: its key, value, charge and lifetime, in one allocation.
//!
//! An entry is a header, the bytes of the key and the value, one after the other, behind one thin pointer:
//! a hit finds all that it needs in neighbouring cache lines, and a miss allocates once. What few entries have, such as
//! a deadline or a label, lies before the header.
//! Its type is only known to who made it; the header remembers which type that was, and is asked.

#![expect(unsafe_code, reason = "one allocation for values of any type behind one atomic pointer")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::any::{Any, TypeId};
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, size_of};
use std::ptr::NonNull;
use std::time::Duration;

use crate::clock::{Moment, nanos};
use crate::events::{Change, Stamps};
use crate::identity::KeyRef;
use crate::instance::Instance;
use crate::key;
use crate::labels::Label;
use crate::lifetime::Lifetime;
use crate::sync::{AtomicU32, AtomicU64, Ordering};
use crate::usage::{Coarse, Usage};

/// Any result that a function returned.
pub(crate) type AnyValue = dyn Any + Send + Sync;

/// As much of a hash as an entry keeps, and the table needs.
#[inline]
pub(crate) fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// What every entry has. What a hit reads comes last, next to the key.
#[repr(C)]
struct Header {
    n_refs: AtomicU32,
    /// What it counts for, or [`TOO_MUCH`].
    charge: u32,
    /// Where it stands in its order. Written before it is seen, and read under the lock.
    place: AtomicU32,
    created: Coarse,
    last_used: Coarse,
    hash: u32,
    usage: Usage,
    id: Id,
    value: &'static ValueType,
}

/// A charge that only [`More`] has room for.
const TOO_MUCH: u32 = u32::MAX;

/// Which function returned it, how long its key is, and whether more is to be asked: compared in one step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Id(u64);

impl Id {
    /// It has [`More`].
    const HAS_MORE: u64 = 1 << 31;
    /// Its function has limits of its own.
    const IS_LIMITED: u64 = 1 << 30;
    /// It has nothing more but events. With no time in which it may be served in need, it is dropped when it is said to
    /// expire, and does not have to be asked whether it was.
    const ONLY_EVENTS: u64 = 1 << 29;
    const FLAGS: u64 = Self::HAS_MORE | Self::IS_LIMITED | Self::ONLY_EVENTS;
    const LEN: u64 = Self::ONLY_EVENTS - 1;

    #[inline]
    pub(crate) fn new(owner: u32, key_len: usize) -> Self {
        Self(u64::from(owner) << 32 | key_len as u64)
    }

    #[inline]
    fn owner(self) -> u32 {
        (self.0 >> 32) as u32
    }

    #[inline]
    fn key_len(self) -> usize {
        (self.0 & Self::LEN) as usize
    }

    #[inline]
    fn has(self, flag: u64) -> bool {
        self.0 & flag != 0
    }

    #[inline]
    fn without_flags(self) -> Self {
        Self(self.0 & !Self::FLAGS)
    }
}

/// What few entries have. It lies before the header.
struct More {
    label: Option<Box<Label>>,
    instance: Option<Instance>,
    charge: usize,
    /// The first moment at which it is expired. Only ever moved to an earlier one.
    deadline: AtomicU64,
    /// For so many nanoseconds after that it may be served in need.
    grace: u64,
    /// The moment from which a call is to have it reloaded.
    reload: AtomicU64,
    /// How its life grows with its use, if it does.
    growth: Option<Box<Growth>>,
    /// It also expires when unused for so many nanoseconds; `u64::MAX` for never.
    idle: u64,
    /// When it was used last, if it expires when unused.
    last_used: AtomicU64,
    /// The moment under which it is listed to be looked at; `u64::MAX` for none.
    listed: AtomicU64,
    /// The events that it depends on.
    stamps: Option<Stamps>,
}

impl More {
    /// When it expires if it is not used again.
    fn unused_until(&self) -> Moment {
        Moment(self.last_used.load(Ordering::Relaxed).saturating_add(self.idle))
    }
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

/// The allocation of an entry, and where its header lies in it.
fn layout(value: &ValueType, key_len: usize, has_more: bool) -> (Layout, usize) {
    let align = value.align.max(align_of::<Header>());
    let header = if has_more { size_of::<More>().next_multiple_of(align) } else { 0 };
    let size = value_offset(value.align, key_len)
        .checked_add(value.size)
        .and_then(|size| size.checked_add(header));
    let layout = size.and_then(|size| Layout::from_size_align(size, align).ok());
    (layout.expect("a key and a value that exist fit into memory together"), header)
}

/// One of the holders of an entry.
pub(crate) struct EntryRef(NonNull<Header>);

// SAFETY: values are `Send + Sync` (see `EntryRef::new`), and so is everything in the header.
unsafe impl Send for EntryRef {}
// SAFETY: the same.
unsafe impl Sync for EntryRef {}

/// How the life of an entry grows.
struct Growth {
    /// With each use by so many nanoseconds; by none once it has been said to expire.
    step: AtomicU64,
    /// Up to this moment.
    until: Moment,
}

/// How old an entry is, which decides whether it may answer a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// It may.
    Fresh,
    /// It has expired, or was said to have, and may answer in need.
    Stale,
    /// It may not.
    Over,
}

/// What a deadline takes: a place in the ordered set, whose nodes are about half full where deadlines come in their order.
const DEADLINE: usize = 34;

/// All of an entry but its value.
pub(crate) struct Draft<'a> {
    pub(crate) key: KeyRef<'a>,

    pub(crate) label: Option<Box<Label>>,
    /// What the function says that the value costs, if it says so.
    pub(crate) size: Option<usize>,
    pub(crate) life: Lifetime,
    /// The events that it depends on.
    pub(crate) stamps: Option<Stamps>,
    pub(crate) now: Moment,
    /// What its place in the memory tier takes.
    pub(crate) place: usize,
}

impl EntryRef {
    pub(crate) fn new<T: Any + Send + Sync>(value: T, heap: usize, draft: Draft<'_>) -> Self {
        let value = ManuallyDrop::new(value);
        let (entry, value_start) = Self::with_room(T::TYPE, heap, draft);
        // SAFETY: there is room for a `T` there, and nobody else knows the entry yet. The value is moved, not copied:
        // what is left of it is not dropped.
        unsafe { value_start.cast::<T>().copy_from_nonoverlapping(std::ptr::from_ref(&*value), 1) };
        entry
    }

    /// An entry and where its value is to be written, before anybody else sees it.
    fn with_room(value: &'static ValueType, heap: usize, draft: Draft<'_>) -> (Self, *mut u8) {
        let Draft { key, label, life, stamps, now, place, size: _ } = draft;
        let key_len = key.bytes.len();
        assert!(key_len as u64 <= Id::LEN, "a key is shorter than 512 MiB");
        let mut id = Id::new(key.state.owner, key_len);
        if key.state.is_limited() {
            id.0 |= Id::IS_LIMITED;
        }
        let label_len = label.as_ref().map_or(0, |label| label.text.len() + size_of::<Label>());
        let stamps_size = stamps.as_ref().map_or(0, Stamps::size);
        let charge = |has_more| {
            let parts = [
                layout(value, key_len, has_more).0.size(),
                place,
                if life.is_mortal() { DEADLINE } else { 0 },
                label_len,
                stamps_size,
                heap,
            ];
            parts.into_iter().fold(0, usize::saturating_add)
        };
        let is_special = label.is_some() || key.instance.is_some() || life.is_mortal();
        let has_more = is_special || stamps.is_some() || charge(false) >= TOO_MUCH as usize;
        let charge = charge(has_more);
        if has_more {
            id.0 |= Id::HAS_MORE;
        }
        let are_all_heard = stamps.as_ref().is_some_and(|stamps| stamps.writes().next().is_none());
        if are_all_heard && !is_special && !id.has(Id::IS_LIMITED) {
            id.0 |= Id::ONLY_EVENTS;
        }
        let header = Header {
            n_refs: AtomicU32::new(1),
            charge: u32::try_from(charge).unwrap_or(TOO_MUCH),
            place: AtomicU32::new(0),
            created: Coarse::new(now),
            last_used: Coarse::new(now),
            hash: short(key.hash),
            usage: Usage::new(),
            id,
            value,
        };
        let (layout, header_start) = layout(value, key_len, has_more);
        // SAFETY: the layout is not empty, for there is a header in it.
        let start = unsafe { alloc(layout) };
        if start.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: `start` is an allocation of `layout`, which has room and the alignment for the four parts at their
        // offsets, and nobody else knows it yet.
        unsafe {
            let entry = start.add(header_start);
            if has_more {
                entry.cast::<More>().sub(1).write(More {
                    label,
                    instance: key.instance,
                    charge,
                    deadline: AtomicU64::new(life.deadline(now).0),
                    grace: life.stale.map_or(0, nanos),
                    reload: AtomicU64::new(life.reload(now).0),
                    growth: life.ttl.zip(life.longest).map(|(step, longest)| {
                        let until = now.after(longest).min(life.until.unwrap_or(Moment::NEVER));
                        Box::new(Growth { step: AtomicU64::new(nanos(step)), until })
                    }),
                    idle: life.idle.map_or(u64::MAX, nanos),
                    last_used: AtomicU64::new(now.0),
                    listed: AtomicU64::new(u64::MAX),
                    stamps,
                });
            }
            entry.cast::<Header>().write(header);
            entry.add(KEY).copy_from_nonoverlapping(key.bytes.as_ptr(), key_len);
            (
                Self(NonNull::new_unchecked(entry.cast())),
                entry.add(value_offset(value.align, key_len)),
            )
        }
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
        // What all holders did comes before. A load in place of a fence, for a sanitizer knows no fences.
        self.get().header().n_refs.load(Ordering::Acquire);
        /// Gives the memory back even if dropping the value panics.
        struct Free(*mut u8, Layout);
        impl Drop for Free {
            fn drop(&mut self) {
                // SAFETY: this is the allocation, with the layout that it was made with.
                unsafe { dealloc(self.0, self.1) };
            }
        }
        let (value, id) = (self.get().header().value, self.get().header().id);
        let has_more = id.has(Id::HAS_MORE);
        let (layout, header_start) = layout(value, id.key_len(), has_more);
        let entry = self.0.as_ptr().cast::<u8>();
        // SAFETY: this was the last holder, so nobody looks at the entry any more; its parts are at their offsets.
        unsafe {
            let _free = Free(entry.sub(header_start), layout);
            if has_more {
                entry.cast::<More>().sub(1).drop_in_place();
            }
            (value.drop)(entry.add(value_offset(value.align, id.key_len())));
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

    /// What few entries have.
    fn more(self) -> Option<&'a More> {
        let has_more = self.header().id.has(Id::HAS_MORE);
        // SAFETY: then it lies before the header, and but for atomics it does not change while somebody holds the entry.
        has_more.then(|| unsafe { self.header.cast::<More>().sub(1).as_ref() })
    }

    /// The value, if it is of this type.
    #[inline]
    pub(crate) fn value<T: 'static>(self) -> Option<&'a T> {
        let value = self.header().value;
        // One type may be described at several addresses, but no address describes two.
        let is_of_type = std::ptr::eq(value, T::TYPE) || (value.id)() == TypeId::of::<T>();
        let offset = value_offset(align_of::<T>(), self.header().id.key_len());
        // SAFETY: the value is of this type, lies at this offset and does not change while somebody holds the entry.
        is_of_type.then(|| unsafe { self.header.cast::<u8>().add(offset).cast::<T>().as_ref() })
    }

    pub(crate) fn key_bytes(self) -> &'a [u8] {
        // SAFETY: its key is so long.
        unsafe { self.first_key_bytes(self.header().id.key_len()) }
    }

    /// The beginning of its key.
    ///
    /// # Safety
    ///
    /// The key is at least `len` bytes long.
    #[inline(always)]
    unsafe fn first_key_bytes(self, len: usize) -> &'a [u8] {
        // SAFETY: so many bytes lie there and do not change while somebody holds the entry.
        unsafe { std::slice::from_raw_parts(self.header.cast::<u8>().add(KEY).as_ptr(), len) }
    }

    pub(crate) fn as_raw(self) -> RawEntry {
        RawEntry(self.header.as_ptr())
    }

    /// Keeps the entry beyond `'a`.
    pub(crate) fn to_owned(self) -> EntryRef {
        EntryRef::clone(&ManuallyDrop::new(EntryRef(self.header)))
    }

    /// Whether it is of this call. The bytes decide; the hash only found the place to look.
    pub(crate) fn is(self, key: KeyRef<'_>) -> bool {
        self.has_key(Id::new(key.state.owner, key.bytes.len()), key.bytes)
            && self.is_of(key.instance)
    }

    /// Whether it is of this call, or of the same one to another instantiation.
    #[inline(always)]
    pub(crate) fn has_key(self, id: Id, bytes: &[u8]) -> bool {
        // The compiler cannot know that equal ids are of keys of one length, but may know the length.
        let is_of_len = self.header().id.without_flags() == id && id.key_len() == bytes.len();
        // SAFETY: its key is as long as `bytes`.
        is_of_len && are_same(unsafe { self.first_key_bytes(bytes.len()) }, bytes)
    }

    /// Whether it is of this instantiation.
    pub(crate) fn is_of(self, instance: Option<Instance>) -> bool {
        self.instance() == instance
    }

    /// The instantiation that it is of.
    pub(crate) fn instance(self) -> Option<Instance> {
        self.more()?.instance
    }

    /// What `label = "…"` says of the call.
    pub(crate) fn label(self) -> Option<&'a Label> {
        self.more()?.label.as_deref()
    }

    /// Whether anything is to be asked but its key.
    #[inline]
    pub(crate) fn is_special(self) -> bool {
        self.header().id != self.header().id.without_flags()
    }

    /// Whether only events can keep it from being served, and none has been emitted since it was last asked about them.
    /// It may be that it is to be served, and this is false.
    #[inline]
    pub(crate) fn is_clearly_current(self) -> bool {
        self.header().id.has(Id::ONLY_EVENTS)
            && self.stamps().is_some_and(Stamps::are_clearly_current)
    }

    #[inline]
    pub(crate) fn hash(self) -> u32 {
        self.header().hash
    }

    /// Which function returned it.
    #[inline]
    pub(crate) fn owner(self) -> u32 {
        self.header().id.owner()
    }

    /// What it counts for in the budgets. Computed once: what was added is what is subtracted.
    pub(crate) fn charge(self) -> usize {
        match (self.header().charge, self.more()) {
            (TOO_MUCH, Some(more)) => more.charge,
            (charge, _) => charge as usize,
        }
    }

    pub(crate) fn place(self) -> u32 {
        self.header().place.load(Ordering::Relaxed)
    }

    pub(crate) fn set_place(self, place: u32) {
        self.header().place.store(place, Ordering::Relaxed);
    }

    /// How often it was used, and when.
    #[inline]
    pub(crate) fn usage(self) -> &'a Usage {
        &self.header().usage
    }

    /// Whether time can end this entry's life.
    pub(crate) fn is_mortal(self) -> bool {
        self.deadline() != Moment::NEVER || self.is_idling()
    }

    /// Whether its life depends on when it was last used.
    pub(crate) fn is_idling(self) -> bool {
        self.more().is_some_and(|more| more.idle != u64::MAX)
    }

    /// The moment from which it must not be served any more, as far as is known now.
    pub(crate) fn due(self) -> Moment {
        let Some(more) = self.more() else { return Moment::NEVER };
        Moment(self.deadline().0.saturating_add(more.grace)).min(more.unused_until())
    }

    /// The moment under which it is listed to be looked at. Under the lock, as is setting it.
    pub(crate) fn listed(self) -> Option<Moment> {
        let listed = Moment(self.more()?.listed.load(Ordering::Relaxed));
        (listed != Moment::NEVER).then_some(listed)
    }

    pub(crate) fn set_listed(self, due: Moment) {
        if let Some(more) = self.more() {
            more.listed.store(due.0, Ordering::Relaxed);
        }
    }

    /// The events that it depends on.
    pub(crate) fn stamps(self) -> Option<&'a Stamps> {
        self.more()?.stamps.as_ref()
    }

    /// What the events that it depends on have done to it.
    pub(crate) fn change_by_events(self) -> Change {
        self.stamps().map_or(Change::None, Stamps::change)
    }

    /// Whether no event has been emitted that it depends on.
    pub(crate) fn is_current(self) -> bool {
        self.stamps().is_none_or(Stamps::are_current)
    }

    /// The moment at which it expires, however much it is used.
    pub(crate) fn deadline(self) -> Moment {
        let Some(more) = self.more() else { return Moment::NEVER };
        let deadline = Moment(more.deadline.load(Ordering::Relaxed));
        match &more.growth {
            None => deadline,
            Some(growth) => {
                let longer =
                    growth.step.load(Ordering::Relaxed).saturating_mul(self.usage().uses());
                deadline.after(Duration::from_nanos(longer)).min(growth.until)
            }
        }
    }

    /// The moment until which nothing has to be done about it, but to serve it.
    pub(crate) fn rests_until(self) -> Moment {
        let reload = |more: &More| Moment(more.reload.load(Ordering::Relaxed));
        self.more().map_or(Moment::NEVER, |more| reload(more).min(self.deadline()))
    }

    /// Whether it may be served in need when it has expired.
    pub(crate) fn has_grace(self) -> bool {
        self.more().is_some_and(|more| more.grace > 0)
    }

    /// The one rule of freshness: no event has outdated it, and it expires at its deadline.
    pub(crate) fn age(self, now: Moment) -> Age {
        let change = self.change_by_events();
        let has_expired = self.is_mortal() && now >= self.deadline();
        if change == Change::Hard || self.is_mortal() && now >= self.due() {
            Age::Over
        } else if change == Change::None && !has_expired {
            Age::Fresh
        } else if self.has_grace() {
            Age::Stale
        } else {
            Age::Over
        }
    }

    pub(crate) fn is_fresh(self, now: Moment) -> bool {
        self.age(now) == Age::Fresh
    }

    /// Has it expire now, if it has not: what says so came from elsewhere than its lifetime. True if that is news.
    pub(crate) fn expire(self, now: Moment) -> bool {
        let Some(more) = self.more() else { return false };
        if let Some(growth) = &more.growth {
            more.deadline.store(self.deadline().0, Ordering::Relaxed);
            growth.step.store(0, Ordering::Relaxed);
        }
        let is_news = more.deadline.fetch_min(now.0, Ordering::Relaxed) > now.0;
        if is_news {
            more.reload.fetch_min(now.0, Ordering::Relaxed);
        }
        is_news
    }

    /// Whether it is time to reload it; true for one caller, and for the next one not before `again`.
    pub(crate) fn take_turn(self, now: Moment, again: Moment) -> bool {
        let Some(more) = self.more() else { return false };
        let reload = more.reload.load(Ordering::Relaxed);
        let order = Ordering::Relaxed;
        reload <= now.0 && more.reload.compare_exchange(reload, again.0, order, order).is_ok()
    }

    /// Whether it is too early to reload it.
    pub(crate) fn is_put_off(self, now: Moment) -> bool {
        self.more().is_some_and(|more| now.0 < more.reload.load(Ordering::Relaxed))
    }

    /// Has nobody reload it before a moment.
    pub(crate) fn put_off(self, until: Moment) {
        if let Some(more) = self.more() {
            more.reload.store(until.0, Ordering::Relaxed);
        }
    }

    /// Notes that it is used now, if it expires when unused.
    pub(crate) fn keep_alive(self, now: Moment) {
        if let Some(more) = self.more()
            && more.idle != u64::MAX
        {
            more.last_used.store(now.0, Ordering::Relaxed);
        }
    }

    /// Notes when it was used, for people.
    pub(crate) fn set_last_used(self, now: Moment) {
        self.header().last_used.set(now);
    }

    /// What tells its key from others, without the arguments.
    pub(crate) fn digest(self) -> String {
        format!("{:016x}", key::digest_of(self.key_bytes()))
    }

    /// As people read it.
    pub(crate) fn info(self, function: &'static str, now: Moment) -> EntryInfo {
        let header = self.header();
        let unused_until = self.more().map_or(Moment::NEVER, More::unused_until);
        let expires = self.deadline().min(unused_until);
        EntryInfo {
            function,
            label: self.label().map(|label| label.text.to_string()),
            key: self.digest(),
            age: header.created.until(now),
            idle: header.last_used.until(now),
            uses: self.usage().uses(),
            charge: self.charge(),
            remaining: (expires != Moment::NEVER).then(|| expires.since(now)),
        }
    }
}

/// Compares bytes, most of which are few: faster than a call of `memcmp`.
///
/// From the end, because what a key ends with was mostly written in one piece, and where the compiler knows the length,
/// it is compared while it is still in a register.
#[inline(always)]
fn are_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() || one.len() > 32 {
        return one == other;
    }
    let (mut one, mut other) = (one, other);
    while let (Some((one_rest, one_word)), Some((other_rest, other_word))) =
        (one.split_last_chunk::<8>(), other.split_last_chunk::<8>())
    {
        if u64::from_le_bytes(*one_word) != u64::from_le_bytes(*other_word) {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    if let (Some((one_rest, one_half)), Some((other_rest, other_half))) =
        (one.split_last_chunk::<4>(), other.split_last_chunk::<4>())
    {
        if u32::from_le_bytes(*one_half) != u32::from_le_bytes(*other_half) {
            return false;
        }
        (one, other) = (one_rest, other_rest);
    }
    let mut idx = 0;
    while idx < one.len().min(other.len()) {
        if one[idx] != other[idx] {
            return false;
        }
        idx += 1;
    }
    true
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
    /// Kept to about a second while there are many calls. When they become few, it may lag for 64 of them.
    pub idle: Duration,
    /// How often it was served: exact up to 32, then an estimate, of up to two million.
    pub uses: u64,
    /// The bytes it counts for: key, value and overhead.
    pub charge: usize,
    /// Time until it expires; `None` if it does not.
    pub remaining: Option<Duration>,
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::function::{Function, FunctionState, Overrides};
    use crate::sync::{Arc, Ref};
    use crate::verify::Verify;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::OnceLock;

    /// What some cache knows of some function.
    pub(crate) fn state() -> Ref<FunctionState> {
        static FUNCTION: Function = Function::new("area", module_path!(), file!(), line!());
        static STATE: OnceLock<FunctionState> = OnceLock::new();
        Ref::Global(STATE.get_or_init(|| {
            let (overrides, verify) = (Overrides::default(), Verify::default());
            FunctionState::new(&FUNCTION, &overrides, true, 0, false, verify)
        }))
    }

    /// The key of a call of that function.
    pub(crate) fn key(hash: u64, bytes: &[u8]) -> KeyRef<'_> {
        let Ref::Global(state) = state() else { unreachable!("it is never shared") };
        KeyRef { state, instance: None, hash, bytes }
    }

    /// The result of a call, stored at the beginning of time and for ever.
    pub(crate) fn entry(key: KeyRef<'_>, value: impl Any + Send + Sync) -> EntryRef {
        let (life, now) = (Lifetime::default(), Moment(0));
        EntryRef::new(
            value,
            0,
            Draft { key, label: None, size: None, life, stamps: None, now, place: 0 },
        )
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
