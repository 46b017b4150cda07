//! One shard: a table, the order of its entries, their deadlines, and the register of running loads.
//!
//! Everything here is bookkeeping under one lock. What is taken out is handed to the caller,
//! who drops it after the lock is released: no user code runs in this module.

use std::collections::{BTreeSet, HashMap};
use std::sync::MutexGuard;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;

use crate::clock::Moment;
use crate::entry::{AnyEntry, Key, KeyRef};
use crate::flight::Flight;
use crate::function::FunctionState;
use crate::lru::{List, Order, Slab};
use crate::sync::{Arc, AtomicU64, Mutex, Ordering};

/// What an entry takes besides itself: its node, and a slot of the hash table at the mean load.
pub(crate) const PLACE: usize = Slab::<Slot>::NODE + 8;

/// A place in the table.
struct Slot {
    entry: Arc<AnyEntry>,
    /// When it was inserted and when it was last used, in the cache's ticks.
    born: u64,
    used: u64,
    /// The moment under which it is listed in `deadlines`.
    due: Moment,
}

/// The loads that run for one key.
pub(crate) struct Loads {
    key: Key,
    /// Moved on by whoever makes the results of the loads begun so far worthless.
    pub(crate) generation: u64,
    n_running: usize,
    /// The load that others may wait for.
    pub(crate) flight: Option<Arc<Flight>>,
}

impl Loads {
    /// Makes the loads that run worthless: they are neither stored nor joined any more.
    pub(crate) fn outdate(&mut self) {
        self.generation += 1;
        self.flight = None;
    }
}

/// A load in the register. It must be ended exactly once.
pub(crate) struct Load {
    pub(crate) generation: u64,
    /// What followers wait for, if they may.
    pub(crate) flight: Option<Arc<Flight>>,
}

#[derive(Default)]
struct Table {
    index: HashTable<u32>,
    slots: Slab<Slot>,
    recent: List,
    /// The order of each function with limits of its own, by the address of its state.
    by_function: HashMap<usize, List>,
    deadlines: BTreeSet<(Moment, u32)>,
    loads: HashTable<Loads>,
}

pub(crate) struct Shard {
    idx: usize,
    /// The tick of the least recently used entry and the first deadline: written under the lock, read without.
    oldest: AtomicU64,
    next_due: AtomicU64,
    table: Mutex<Table>,
}

/// A shard whose lock is held.
pub(crate) struct Locked<'a> {
    shard: &'a Shard,
    table: MutexGuard<'a, Table>,
}

impl Shard {
    pub(crate) fn new(idx: usize) -> Self {
        Self {
            idx,
            oldest: AtomicU64::new(u64::MAX),
            next_due: AtomicU64::new(u64::MAX),
            table: Mutex::default(),
        }
    }

    #[inline]
    pub(crate) fn lock(&self) -> Locked<'_> {
        Locked { shard: self, table: self.table.lock() }
    }

    /// The tick at which the least recently used entry was last used; `u64::MAX` if there is none.
    pub(crate) fn oldest(&self) -> u64 {
        self.oldest.load(Ordering::SeqCst)
    }

    /// The first moment at which an entry may expire.
    pub(crate) fn next_due(&self) -> Moment {
        Moment(self.next_due.load(Ordering::SeqCst))
    }
}

impl Locked<'_> {
    #[inline]
    pub(crate) fn find(&self, key: KeyRef<'_>) -> Option<u32> {
        self.table.index.find(key.hash, |idx| self.table.slots[*idx].entry.key.is(key)).copied()
    }

    #[inline]
    pub(crate) fn entry(&self, idx: u32) -> &Arc<AnyEntry> {
        &self.table.slots[idx].entry
    }

    #[inline]
    pub(crate) fn count_hit(&self, function: &FunctionState) {
        function.counters.hit(self.shard.idx);
    }

    /// Notes a use of an entry.
    #[inline]
    pub(crate) fn touch(&mut self, idx: u32, now: Moment, tick: u64) -> Arc<AnyEntry> {
        let table = &mut *self.table;
        let slot = &mut table.slots[idx];
        slot.used = tick;
        let entry = Arc::clone(&slot.entry);
        let function = &*entry.key.state;
        entry.touch(now);
        if function.is_limited() {
            if let Some(list) = table.by_function.get_mut(&address(function)) {
                list.touch(&mut table.slots, Order::Function, idx);
            }
            self.publish_function_oldest(function);
        }
        // A lone entry is the oldest and stays so while its tick moves on.
        let table = &mut *self.table;
        let was_oldest = table.recent.oldest() == Some(idx);
        table.recent.touch(&mut table.slots, Order::Shard, idx);
        if was_oldest {
            self.publish_oldest();
        }
        entry
    }

    pub(crate) fn insert(&mut self, entry: Arc<AnyEntry>, tick: u64) {
        let hash = entry.key.hash;
        let state = entry.key.state.clone();
        let due = if entry.is_mortal() { entry.due() } else { Moment::NEVER };
        let table = &mut *self.table;
        let idx = table.slots.insert(Slot { entry, born: tick, used: tick, due });
        table.index.insert_unique(hash, idx, |idx| table.slots[*idx].entry.key.hash);
        table.recent.push_newest(&mut table.slots, Order::Shard, idx);
        if state.is_limited() {
            let list = table.by_function.entry(address(&state)).or_default();
            list.push_newest(&mut table.slots, Order::Function, idx);
            self.publish_function_oldest(&state);
        }
        if due != Moment::NEVER {
            self.table.deadlines.insert((due, idx));
            self.publish_due();
        }
        self.publish_oldest();
    }

    /// Takes an entry out of everything.
    pub(crate) fn take(&mut self, idx: u32) -> Arc<AnyEntry> {
        let table = &mut *self.table;
        let hash = table.slots[idx].entry.key.hash;
        if let Ok(place) = table.index.find_entry(hash, |candidate| *candidate == idx) {
            place.remove();
        }
        let was_oldest = table.recent.oldest() == Some(idx);
        table.recent.unlink(&mut table.slots, Order::Shard, idx);
        let state = table.slots[idx].entry.key.state.clone();
        if let Some(list) = table.by_function.get_mut(&address(&state)) {
            list.unlink(&mut table.slots, Order::Function, idx);
        }
        let slot = table.slots.remove(idx);
        if slot.due != Moment::NEVER {
            table.deadlines.remove(&(slot.due, idx));
            self.publish_due();
        }
        if state.is_limited() {
            self.publish_function_oldest(&state);
        }
        if was_oldest {
            self.publish_oldest();
        }
        slot.entry
    }

    /// Takes all entries out at once, in constant time but for the limits of functions.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Arc<AnyEntry>> + use<> {
        let table = &mut *self.table;
        let loads = std::mem::take(&mut table.loads);
        let old = std::mem::replace(table, Table { loads, ..Table::default() });
        for list in old.by_function.values() {
            if let Some(idx) = list.oldest() {
                let function = &*old.slots[idx].entry.key.state;
                function.oldest[self.shard.idx].store(u64::MAX, Ordering::SeqCst);
            }
        }
        self.publish_due();
        self.publish_oldest();
        old.slots.into_values().map(|slot| slot.entry)
    }

    /// The least recently used entry, of the shard or of one function.
    pub(crate) fn oldest(&self, function: Option<&FunctionState>) -> Option<u32> {
        match function {
            None => self.table.recent.oldest(),
            Some(function) => self.table.by_function.get(&address(function))?.oldest(),
        }
    }

    /// The entry whose deadline comes first, if that is due.
    pub(crate) fn first_due(&self, now: Moment) -> Option<u32> {
        self.table.deadlines.first().filter(|(due, _)| *due <= now).map(|(_, idx)| *idx)
    }

    /// Lists an entry under its present deadline: one that was used since has a later one.
    pub(crate) fn postpone(&mut self, idx: u32) {
        let table = &mut *self.table;
        let slot = &mut table.slots[idx];
        table.deadlines.remove(&(slot.due, idx));
        slot.due = slot.entry.due();
        table.deadlines.insert((slot.due, idx));
        self.publish_due();
    }

    /// One past the highest index in use.
    pub(crate) fn end(&self) -> u32 {
        self.table.slots.end()
    }

    /// The entry at `idx` if there is one and it was inserted by tick `last`.
    pub(crate) fn entry_by(&self, idx: u32, last: u64) -> Option<&Arc<AnyEntry>> {
        self.table.slots.get(idx).filter(|slot| slot.born <= last).map(|slot| &slot.entry)
    }

    /// The entries from most to least recently used, each with the tick of that use.
    pub(crate) fn recent(&self) -> impl Iterator<Item = (u64, &Arc<AnyEntry>)> {
        let slots = &self.table.slots;
        self.table.recent.iter(slots, Order::Shard).map(|idx| (slots[idx].used, &slots[idx].entry))
    }

    /// The register of the loads that run for a key, if any does.
    pub(crate) fn loads(&mut self, key: KeyRef<'_>) -> Option<&mut Loads> {
        self.table.loads.find_mut(key.hash, |loads| loads.key.is(key))
    }

    /// Makes the loads of all keys that `is_meant` picks worthless.
    pub(crate) fn outdate_all(&mut self, is_meant: impl Fn(&Key) -> bool) {
        self.table.loads.iter_mut().filter(|loads| is_meant(&loads.key)).for_each(Loads::outdate);
    }

    /// Registers a load.
    pub(crate) fn begin(&mut self, key: &Key) -> &mut Loads {
        let table = &mut *self.table;
        let place =
            table.loads.entry(key.hash, |loads| loads.key.is(key.borrow()), |loads| loads.key.hash);
        let loads = match place {
            Place::Occupied(loads) => loads.into_mut(),
            Place::Vacant(place) => place
                .insert(Loads { key: key.clone(), generation: 0, n_running: 0, flight: None })
                .into_mut(),
        };
        loads.n_running += 1;
        loads
    }

    /// Whether a load's result may be stored.
    pub(crate) fn is_current(&mut self, key: &Key, load: &Load) -> bool {
        self.loads(key.borrow()).is_some_and(|loads| loads.generation == load.generation)
    }

    /// Takes a load off the register.
    pub(crate) fn end_load(&mut self, key: &Key, load: &Load) {
        let Ok(mut place) =
            self.table.loads.find_entry(key.hash, |loads| loads.key.is(key.borrow()))
        else {
            return;
        };
        let loads = place.get_mut();
        if let Some(flight) = &load.flight {
            loads.flight.take_if(|current| Arc::ptr_eq(current, flight));
        }
        loads.n_running -= 1;
        if loads.n_running == 0 {
            place.remove();
        }
    }

    fn publish_due(&self) {
        let due = self.table.deadlines.first().map_or(Moment::NEVER, |(due, _)| *due);
        self.shard.next_due.store(due.0, Ordering::SeqCst);
    }

    fn publish_oldest(&self) {
        let oldest = self.table.recent.oldest().map_or(u64::MAX, |idx| self.table.slots[idx].used);
        self.shard.oldest.store(oldest, Ordering::SeqCst);
    }

    fn publish_function_oldest(&self, function: &FunctionState) {
        let oldest = self.oldest(Some(function)).map_or(u64::MAX, |idx| self.table.slots[idx].used);
        function.oldest[self.shard.idx].store(oldest, Ordering::SeqCst);
    }
}

/// What identifies a function's state within its cache.
fn address(function: &FunctionState) -> usize {
    std::ptr::from_ref(function).addr()
}
