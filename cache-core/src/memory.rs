//! The sharded memory tier and its budget.
//!
//! A shard is picked by the key's hash and holds its entries in exact order of use.
//! Every entry also notes the *tick* at which it was last used, so the oldest of all shards is known:
//! eviction takes the least recently used entry of the whole cache, whatever the number of shards.
//! Ticks advance with insertions; while the cache is small they advance with every hit as well,
//! which makes the order exact: see [`EXACT_ENTRIES`].
//!
//! Entries in a shard's register of loads make an invalidation reach results that do not exist yet:
//! whoever invalidates a key outdates its loads, and an outdated load is neither stored nor joined.
//!
//! No user code runs under a lock: entries leave a shard by value and are dropped after it is unlocked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::budget::Budget;
use crate::clock::{Clock, Moment};
use crate::entry::{AnyEntry, Key, KeyRef};
use crate::flight::Flight;
use crate::function::FunctionState;
use crate::shard::{Load, Loads, Locked, Shard};
use crate::stats::Count;
use crate::sync::{Arc, AtomicU64, Ordering, Padded};

/// Up to so many entries, in the cache or of a function with limits of its own, the order of use is exact.
/// Beyond, two entries of different shards used between the same two insertions count as used at the same time.
const EXACT_ENTRIES: usize = 1024;

/// How many entries are removed under one lock when many are to go.
const BATCH: u32 = 512;

/// What a call that found nothing is to do.
pub(crate) enum Begin {
    /// Nothing: the value has come meanwhile.
    Hit(Arc<AnyEntry>),
    /// Wait for the load that runs.
    Follow(Arc<Flight>),
    /// Run the body, then [`Memory::publish`] the result or [`Memory::end`] the load.
    Lead(Load),
}

/// How a call wants to take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Take a fresh value, else wait for a running load, else lead one.
    Any,
    /// Take a fresh value, else load without waiting or being waited for.
    Alone,
    /// Load anew whatever is there. Loads that already run are too old to be stored.
    Anew,
}

/// What became of a value that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Yes,
    /// It was invalidated while it was loaded.
    Outdated,
    /// It is larger than the cache may be.
    Rejected,
}

pub(crate) struct Memory {
    shards: Box<[Padded<Shard>]>,
    tick: Padded<AtomicU64>,
    pub(crate) budget: Budget,
    /// The order is exact at any size.
    exact: bool,
}

impl Memory {
    pub(crate) fn new(max_bytes: Option<usize>, max_entries: Option<usize>, exact: bool) -> Self {
        // Four shards a core keep two cores off one lock most of the time;
        // more would only make the search for the oldest entry longer.
        let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
        let n_shards = (4 * n_cores).next_power_of_two().min(64);
        Self {
            shards: (0..n_shards).map(|idx| Padded(Shard::new(idx))).collect(),
            tick: Padded::default(),
            budget: Budget::new(max_bytes, max_entries),
            exact,
        }
    }

    pub(crate) fn n_shards(&self) -> usize {
        self.shards.len()
    }

    /// Looks a call up, and counts it if it is a hit.
    #[inline]
    pub(crate) fn get(&self, key: KeyRef<'_>, clock: &Clock) -> Option<Arc<AnyEntry>> {
        // A test's clock may be user code, which runs under no lock.
        let now = clock.now();
        let mut shard = self.lock(key.hash);
        let idx = shard.find(key)?;
        if shard.entry(idx).is_fresh(now) {
            let tick = self.tick_of_use(key.state);
            shard.count_hit(key.state);
            return Some(shard.touch(idx, now, tick));
        }
        let expired = shard.take(idx);
        drop(shard);
        self.remove(Count::Expirations, [expired]);
        None
    }

    /// Decides in one step whether a call that found nothing waits or loads.
    ///
    /// A value that has come since the call looked is a hit, if the call was not counted as a miss already.
    pub(crate) fn begin(&self, key: &Key, join: Join, was_counted: bool, clock: &Clock) -> Begin {
        let now = clock.now();
        let mut shard = self.lock(key.hash);
        if join != Join::Anew
            && let Some(idx) = shard.find(key.borrow())
            && shard.entry(idx).is_fresh(now)
        {
            if !was_counted {
                shard.count_hit(&key.state);
            }
            let tick = self.tick_of_use(&key.state);
            return Begin::Hit(shard.touch(idx, now, tick));
        }
        if join == Join::Any
            && let Some(flight) = shard.loads(key.borrow()).and_then(|loads| loads.flight.as_ref())
            && flight.join()
        {
            return Begin::Follow(Arc::clone(flight));
        }
        let loads = shard.begin(key);
        if join == Join::Anew {
            loads.outdate();
        }
        let flight = (join != Join::Alone).then(Flight::new);
        if flight.is_some() {
            loads.flight.clone_from(&flight);
        }
        Begin::Lead(Load { generation: loads.generation, flight })
    }

    /// Ends a load without storing anything.
    pub(crate) fn end(&self, key: &Key, load: &Load) {
        self.lock(key.hash).end_load(key, load);
    }

    /// Ends a load and stores its result, unless that was outdated meanwhile.
    pub(crate) fn publish(&self, entry: &Arc<AnyEntry>, load: &Load, clock: &Clock) -> Stored {
        self.store(entry, Some(load), clock)
    }

    /// Stores a value that comes from no load, and outdates the loads that run for its key.
    pub(crate) fn put(&self, entry: &Arc<AnyEntry>, clock: &Clock) -> Stored {
        self.store(entry, None, clock)
    }

    /// Drops one entry and outdates the loads that run for its key; true if there was a fresh entry.
    pub(crate) fn invalidate(&self, key: KeyRef<'_>, clock: &Clock) -> bool {
        let mut shard = self.lock(key.hash);
        if let Some(loads) = shard.loads(key) {
            loads.outdate();
        }
        let Some(idx) = shard.find(key) else { return false };
        let entry = shard.take(idx);
        drop(shard);
        let was_fresh = entry.is_fresh(clock.now());
        self.remove(if was_fresh { Count::Invalidations } else { Count::Expirations }, [entry]);
        was_fresh
    }

    /// Looks without touching or counting.
    pub(crate) fn peek(&self, key: KeyRef<'_>, clock: &Clock) -> Option<Arc<AnyEntry>> {
        let now = clock.now();
        let shard = self.lock(key.hash);
        let entry = shard.entry(shard.find(key)?);
        entry.is_fresh(now).then(|| Arc::clone(entry))
    }

    /// Drops the entries of one function, or of all, and outdates their running loads.
    pub(crate) fn clear(&self, function: Option<&FunctionState>) {
        let is_meant =
            |key: &Key| function.is_none_or(|function| std::ptr::eq(function, &*key.state));
        for shard in &self.shards {
            let mut locked = shard.lock();
            locked.outdate_all(is_meant);
            if function.is_none() {
                let all = locked.take_all();
                drop(locked);
                self.remove(Count::Invalidations, all);
                continue;
            }
            // What is stored from here on was loaded after the call began, and stays.
            let last = self.tick.load(Ordering::SeqCst);
            let mut from = 0;
            while from < locked.end() {
                let to = locked.end().min(from + BATCH);
                let entries: Vec<_> = (from..to)
                    .filter_map(|idx| {
                        let is_doomed =
                            locked.entry_by(idx, last).is_some_and(|entry| is_meant(&entry.key));
                        is_doomed.then(|| locked.take(idx))
                    })
                    .collect();
                drop(locked);
                self.remove(Count::Invalidations, entries);
                from = to;
                locked = shard.lock();
            }
        }
    }

    /// Drops what has expired by now, and says how much that was.
    pub(crate) fn sweep(&self, now: Moment) -> usize {
        let mut n_expired = 0;
        for shard in &self.shards {
            while shard.next_due() <= now {
                n_expired += self.sweep_batch(shard, now);
            }
        }
        n_expired
    }

    /// The first moment at which something may expire.
    pub(crate) fn next_due(&self) -> Moment {
        self.shards.iter().map(|shard| shard.next_due()).min().unwrap_or(Moment::NEVER)
    }

    /// Evicts until no limit of the cache is exceeded, after one was lowered.
    pub(crate) fn shrink(&self, clock: &Clock) {
        while self.budget.is_over() && self.evict(None, clock) {}
    }

    /// The most recently used fresh entries.
    pub(crate) fn entries(&self, limit: usize, now: Moment) -> Vec<Arc<AnyEntry>> {
        let mut found = Vec::new();
        for shard in &self.shards {
            let locked = shard.lock();
            let fresh = locked.recent().filter(|(_, entry)| entry.is_fresh(now));
            found.extend(fresh.take(limit).map(|(used, entry)| (used, Arc::clone(entry))));
        }
        found.sort_by_key(|(used, _)| std::cmp::Reverse(*used));
        found.truncate(limit);
        found.into_iter().map(|(_, entry)| entry).collect()
    }

    fn store(&self, entry: &Arc<AnyEntry>, load: Option<&Load>, clock: &Clock) -> Stored {
        let key = &entry.key;
        let function = &*key.state;
        loop {
            let mut shard = self.lock(key.hash);
            if let Some(load) = load
                && !shard.is_current(key, load)
            {
                shard.end_load(key, load);
                return Stored::Outdated;
            }
            let replaced = shard.find(key.borrow());
            let freed = replaced.map_or(0, |idx| shard.entry(idx).charge);
            let (bytes, entries) =
                (entry.charge.saturating_sub(freed), usize::from(replaced.is_none()));
            let full = if !function.budget.try_reserve(bytes, entries) {
                Some(function)
            } else if !self.budget.try_reserve(bytes, entries) {
                function.budget.release(bytes, entries);
                None
            } else {
                end_or_outdate(&mut shard, key, load);
                let replaced = replaced.map(|idx| shard.take(idx));
                let tick = self.tick.fetch_add(1, Ordering::SeqCst) + 1;
                shard.insert(Arc::clone(entry), tick);
                drop(shard);
                // A smaller value gives back what its predecessor had more.
                let surplus = freed.saturating_sub(entry.charge);
                function.budget.release(surplus, 0);
                self.budget.release(surplus, 0);
                function.counters.add(Count::Insertions, 1);
                discard(replaced);
                return Stored::Yes;
            };
            drop(shard);
            let may_fit = function.budget.admits(entry.charge) && self.budget.admits(entry.charge);
            if !may_fit || !self.evict(full, clock) {
                return self.reject(entry, load);
            }
        }
    }

    /// Ends the load of a value that cannot be stored. What it would have replaced is outdated all the same.
    #[cold]
    fn reject(&self, entry: &Arc<AnyEntry>, load: Option<&Load>) -> Stored {
        let key = &entry.key;
        let mut shard = self.lock(key.hash);
        let is_current = load.is_none_or(|load| shard.is_current(key, load));
        end_or_outdate(&mut shard, key, load);
        let replaced =
            if is_current { shard.find(key.borrow()).map(|idx| shard.take(idx)) } else { None };
        drop(shard);
        key.state.counters.add(Count::Rejected, 1);
        self.remove(Count::Invalidations, replaced);
        Stored::Rejected
    }

    /// Makes room under the limits of one function or of the cache: what has expired goes first,
    /// then the least recently used entry. False if nothing is left to go.
    fn evict(&self, function: Option<&FunctionState>, clock: &Clock) -> bool {
        let now = clock.now();
        if self
            .shards
            .iter()
            .any(|shard| shard.next_due() <= now && self.sweep_batch(shard, now) > 0)
        {
            return true;
        }
        loop {
            let oldest = |idx: usize| match function {
                None => self.shards[idx].oldest(),
                Some(function) => function.oldest[idx].load(Ordering::SeqCst),
            };
            let Some((tick, idx)) = (0..self.shards.len()).map(|idx| (oldest(idx), idx)).min()
            else {
                return false;
            };
            if tick == u64::MAX {
                return false;
            }
            let mut shard = self.shards[idx].lock();
            // If another thread was faster, there is a new oldest entry to look for.
            if let Some(idx) = shard.oldest(function) {
                let entry = shard.take(idx);
                drop(shard);
                self.remove(Count::Evictions, [entry]);
                return true;
            }
        }
    }

    /// Drops some of what has expired in one shard. Entries that were used since they were listed stay.
    fn sweep_batch(&self, shard: &Shard, now: Moment) -> usize {
        let mut locked = shard.lock();
        let mut expired = Vec::new();
        for _ in 0..BATCH {
            let Some(idx) = locked.first_due(now) else { break };
            if locked.entry(idx).is_fresh(now) {
                locked.postpone(idx);
            } else {
                expired.push(locked.take(idx));
            }
        }
        drop(locked);
        let n_expired = expired.len();
        self.remove(Count::Expirations, expired);
        n_expired
    }

    /// Gives back what entries that were taken out have held, counts them and drops them.
    fn remove(&self, reason: Count, entries: impl IntoIterator<Item = Arc<AnyEntry>>) {
        for entry in entries {
            let function = &*entry.key.state;
            function.budget.release(entry.charge, 1);
            self.budget.release(entry.charge, 1);
            function.counters.add(reason, 1);
            discard(Some(entry));
        }
    }

    /// The tick of a use that happens now.
    #[inline]
    fn tick_of_use(&self, function: &FunctionState) -> u64 {
        let is_exact = self.exact
            || self.budget.entries() <= EXACT_ENTRIES
            || (function.is_limited() && function.budget.entries() <= EXACT_ENTRIES);
        if is_exact {
            self.tick.fetch_add(1, Ordering::SeqCst) + 1
        } else {
            self.tick.load(Ordering::Relaxed)
        }
    }

    #[inline]
    fn lock(&self, hash: u64) -> Locked<'_> {
        // The table takes the lowest and the highest bits of the hash.
        let idx = (hash >> 32) as usize & (self.shards.len() - 1);
        self.shards[idx].lock()
    }
}

fn end_or_outdate(shard: &mut Locked<'_>, key: &Key, load: Option<&Load>) {
    match load {
        Some(load) => shard.end_load(key, load),
        None => {
            if let Some(loads) = shard.loads(key.borrow()) {
                Loads::outdate(loads);
            }
        }
    }
}

/// Drops an entry. A value whose `Drop` panics must not fail the call that happened to evict it.
fn discard(entry: Option<Arc<AnyEntry>>) {
    let Some(entry) = entry else { return };
    let state = entry.key.state.clone();
    if catch_unwind(AssertUnwindSafe(|| drop(entry))).is_err() {
        state.counters.add(Count::Errors, 1);
    }
}
