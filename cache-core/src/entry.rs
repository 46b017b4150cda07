//! A stored result: its key, value, charge and lifetime.

use std::any::{Any, TypeId};
use std::mem::size_of;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use crate::clock::{Moment, nanos};
use crate::function::FunctionState;
use crate::sync::{Arc, AtomicU64, Ordering, Ref};

/// The identity of a call within one cache, borrowing its bytes from the caller's stack.
#[derive(Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) state: &'a Ref<FunctionState>,
    /// Tells instantiations of a generic function apart.
    pub(crate) instance: TypeId,
    pub(crate) hash: u64,
    pub(crate) bytes: &'a [u8],
}

impl KeyRef<'_> {
    pub(crate) fn to_owned(self) -> Key {
        Key {
            state: self.state.clone(),
            instance: self.instance,
            hash: self.hash,
            bytes: self.bytes.into(),
        }
    }
}

/// The identity of a call within one cache.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) state: Ref<FunctionState>,
    pub(crate) instance: TypeId,
    pub(crate) hash: u64,
    pub(crate) bytes: Arc<[u8]>,
}

impl Key {
    pub(crate) fn borrow(&self) -> KeyRef<'_> {
        KeyRef { state: &self.state, instance: self.instance, hash: self.hash, bytes: &self.bytes }
    }

    /// The bytes decide; the hash only found the place to look.
    #[inline]
    pub(crate) fn is(&self, other: KeyRef<'_>) -> bool {
        self.hash == other.hash
            && std::ptr::eq::<FunctionState>(&*self.state, &**other.state)
            && self.instance == other.instance
            && *self.bytes == *other.bytes
    }
}

/// Any value that a function returned.
pub(crate) type AnyValue = dyn Any + Send + Sync;

/// A stored result of any type.
pub(crate) type AnyEntry = Entry<AnyValue>;

/// A stored result.
pub(crate) struct Entry<T: ?Sized> {
    pub(crate) key: Key,
    pub(crate) label: Option<Box<str>>,
    /// What it counts for in the budgets. Computed once: what was added is what is subtracted.
    pub(crate) charge: usize,
    pub(crate) created: Moment,
    /// The first moment at which it is expired.
    deadline: Moment,
    /// It also expires when unused for so many nanoseconds; `u64::MAX` for never.
    idle: u64,
    last_used: AtomicU64,
    uses: AtomicU32,
    pub(crate) value: T,
}

/// How long a result may be served.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lifetime {
    pub(crate) ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
}

/// What the counters of an `Arc` take: an entry's own, and those of its key's bytes.
const COUNTERS: usize = 2 * 16;

/// What a deadline takes: a place in the shard's ordered set, at the mean fill of its nodes.
const DEADLINE: usize = 24;

/// All of an entry but its value.
pub(crate) struct Draft {
    pub(crate) key: Key,
    pub(crate) label: Option<Box<str>>,
    /// What the function says that the value costs, if it says so.
    pub(crate) size: Option<usize>,
    pub(crate) life: Lifetime,
    pub(crate) now: Moment,
    /// What its place in the memory tier takes.
    pub(crate) place: usize,
}

impl<T: Any + Send + Sync> Entry<T> {
    pub(crate) fn new(value: T, heap: usize, draft: Draft) -> Self {
        let Draft { key, label, life, now, place, size: _ } = draft;
        let mortal = life.ttl.is_some() || life.idle.is_some();
        let charge = [
            size_of::<Self>(),
            COUNTERS,
            place,
            if mortal { DEADLINE } else { 0 },
            key.bytes.len(),
            label.as_ref().map_or(0, |label| label.len()),
            heap,
        ]
        .into_iter()
        .fold(0, usize::saturating_add);
        Self {
            key,
            label,
            charge,
            created: now,
            deadline: life.ttl.map_or(Moment::NEVER, |ttl| now.after(ttl)),
            idle: life.idle.map_or(u64::MAX, nanos),
            last_used: AtomicU64::new(now.0),
            uses: AtomicU32::new(0),
            value,
        }
    }
}

impl<T: ?Sized> Entry<T> {
    /// Whether time can end this entry's life.
    #[inline]
    pub(crate) fn is_mortal(&self) -> bool {
        self.deadline != Moment::NEVER || self.idle != u64::MAX
    }

    /// The moment from which it must not be served any more, as far as is known now.
    pub(crate) fn due(&self) -> Moment {
        let idle_until = Moment(self.last_used.load(Ordering::Relaxed).saturating_add(self.idle));
        self.deadline.min(idle_until)
    }

    /// The one rule of freshness: an entry is expired from its deadline on.
    #[inline]
    pub(crate) fn is_fresh(&self, now: Moment) -> bool {
        now < self.due()
    }

    /// Notes a use. The caller holds the lock of the shard.
    #[inline]
    pub(crate) fn touch(&self, now: Moment) {
        self.last_used.store(now.0, Ordering::Relaxed);
        let uses = self.uses.load(Ordering::Relaxed).saturating_add(1);
        self.uses.store(uses, Ordering::Relaxed);
    }

    /// As people read it.
    pub(crate) fn info(&self, now: Moment) -> EntryInfo {
        let due = self.due();
        EntryInfo {
            function: self.key.state.function.name,
            label: self.label.as_deref().map(str::to_owned),
            key: format!("{:016x}", self.key.hash),
            age: now.since(self.created),
            idle: now.since(Moment(self.last_used.load(Ordering::Relaxed))),
            uses: u64::from(self.uses.load(Ordering::Relaxed)),
            charge: self.charge,
            remaining: (due != Moment::NEVER).then(|| due.since(now)),
        }
    }
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
    pub idle: Duration,
    /// How often it was served.
    pub uses: u64,
    /// The bytes it counts for: key, value and overhead.
    pub charge: usize,
    /// Time until it expires; `None` if it does not.
    pub remaining: Option<Duration>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::{Function, Overrides};

    #[test]
    fn keys_of_one_hash_are_told_apart_by_their_bytes() {
        static FUNCTION: Function = Function::new("f", "m", "f.rs", 1);
        let state =
            || Ref::Shared(Arc::new(FunctionState::new(&FUNCTION, &Overrides::default(), true, 1)));
        let (one, other) = (state(), state());
        let key = |state, instance, bytes| KeyRef { state, instance, hash: 7, bytes };
        let unit = TypeId::of::<()>();
        let owned = key(&one, unit, b"ab".as_slice()).to_owned();
        assert!(owned.is(key(&one, unit, b"ab")));
        assert!(!owned.is(key(&one, unit, b"ac")), "other bytes");
        assert!(!owned.is(key(&one, TypeId::of::<u8>(), b"ab")), "another instantiation");
        assert!(!owned.is(key(&other, unit, b"ab")), "another function");
    }
}
