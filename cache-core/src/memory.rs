//! The tier in memory and its budget: look up, begin, store, invalidate, evict, sweep.
//!
//! A hit takes no lock: it finds its entry in the [`Table`] while its thread is pinned, and writes at most when the
//! entry was used. Everything else is done under one lock, which is held for some steps of bookkeeping.
//!
//! Entries are ordered by *ticks*, which advance with insertions. Where the order is to be exact they advance with hits
//! as well, see [`Memory::is_exact`]; else a hit notes the tick only if the entry has a much older one.
//!
//! No user code runs under the lock: what leaves is dropped after it is released, see [`limbo`].

use std::collections::BTreeSet;
use std::ops::Range;

use crate::budget::{Budget, WHOLE};
use crate::clock::{Clock, Moment};
use crate::curve::Reuse;
use crate::departures::Departures;
use crate::entry::{Age, Entry, EntryInfo, EntryRef, Id, short};
use crate::epoch::{Pin, Slot};
use crate::events::{self, Change};
use crate::flight::{Flight, Follower};
use crate::function::{Function, FunctionState};
use crate::half::Half;
use crate::identity::KeyRef;
use crate::labels::Label;
use crate::limbo::{self, Garbage};
use crate::loads::{Company, Register};
use crate::observer::{Cause, Notice, Observers};
use crate::ranking::{Eviction, Ranking};
use crate::recency::Recency;
use crate::shadow::{Ghost, MAX_GHOSTS, Shadow};
use crate::stats::{Count, Reason};
use crate::sync::{Arc, AtomicUsize, Mutex, MutexGuard, Ordering, Padded, Ref};
use crate::table::{self, Found, Sought, Table, Writer};
use crate::waits::LoadId;

/// A call, whichever instantiation of a generic function it is to.
#[derive(Clone, Copy)]
struct AnyInstance<'a> {
    id: Id,
    bytes: &'a [u8],
}

impl Sought for AnyInstance<'_> {
    #[inline(always)]
    fn is(self, entry: Entry<'_>) -> bool {
        entry.has_key(self.id, self.bytes)
    }
}

/// How many entries are removed under one lock when many are to go.
const BATCH: u32 = 512;

/// At how many entries an eviction looks for one that is outdated.
const LOOKS: u32 = 256;

/// How much may be out of reach and not given back yet, in bytes and in entries.
const MUCH: usize = 16 << 10;
const MANY: usize = 128;

/// What a call that found nothing is to do.
pub(crate) enum Begin {
    /// Nothing: the value has come meanwhile.
    Hit(EntryRef),
    /// Wait for the load that runs.
    Follow(Follower),
    /// Run the body, then [`Memory::publish`] the result or [`Memory::end`] the load.
    Lead(Load),
}

/// A load in the register. It must be ended exactly once.
pub(crate) struct Load {
    pub(crate) id: LoadId,
    /// What followers wait for, if it was made from the beginning.
    pub(crate) flight: Option<Arc<Flight>>,
    /// Its result is to be stored in place of what is there.
    pub(crate) replaces: bool,
    /// Why the call has missed, if it was counted as a miss by this.
    pub(crate) reason: Option<Reason>,
}

/// How a call wants to take part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Join {
    /// Take a fresh value, else wait for a running load, else lead one.
    Any,
    /// Take a fresh value, else load without waiting or being waited for.
    Alone,
    /// Load anew whatever is there, unless a load runs that others may wait for.
    Again,
    /// Load anew whatever is there. Loads that already run are too old to be stored.
    Anew,
}

/// What became of a value that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Yes,
    /// It was invalidated while it was loaded, or something that it was computed from was.
    Outdated,
    /// It is larger than the cache may be.
    Rejected,
}

/// What became of a load.
pub(crate) struct Published {
    pub(crate) stored: Stored,
    /// Those who wait for the result, with the entry to give them.
    pub(crate) followers: Option<(Arc<Flight>, EntryRef)>,
}

pub(crate) struct Memory {
    table: Table,
    recency: Padded<Recency>,
    insights: Padded<Insights>,
    state: Padded<Mutex<State>>,
    pub(crate) budget: Budget,
    /// The order is exact at any size.
    exact: bool,
    eviction: Eviction,
    /// A test's own: it is to see at once what is dropped.
    is_private: bool,
    observers: Arc<Observers>,
}

/// What is written whenever something is stored or goes, apart from what hits read.
#[derive(Default)]
struct Insights {
    /// Which calls would have been otherwise with other limits.
    reuse: Reuse,
    /// Why keys are not held takes so many bytes.
    departures: AtomicUsize,
}

/// True for one of 32 numbers that follow each other, by chance.
#[inline]
fn is_32nd(n: u64) -> bool {
    // The highest bits of a product with an odd number of many bits look random.
    n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 59 == 0
}

/// Where an entry stands: in which order, and where in that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Stand {
    order: u32,
    place: u32,
}

struct State {
    writer: Writer,
    /// The order of all functions without limits of their own, then one for each of the others.
    orders: Vec<Ranking>,
    owners: Vec<Owner>,
    deadlines: BTreeSet<(Moment, Stand)>,
    /// How far the search for outdated entries has come.
    round: Round,
    loads: Register,
    departures: Departures,
    /// What the cache would still hold with more room,
    shadow: Shadow,
    /// and with half of it.
    half: Half,
    /// The latest tick; the one that hits see may be a little behind.
    tick: u64,
    /// How often entries have moved in an order.
    n_shrunk: u64,
    /// What was taken out of reach, and how many bytes that is.
    garbage: Vec<Garbage>,
    garbage_bytes: usize,
    /// What observers are to be told of, if there are some.
    dropped: Vec<Dropped>,
}

/// Entries of one function that went one after the other.
struct Dropped {
    function: &'static Function,
    cause: Cause,
    entries: usize,
    bytes: usize,
}

/// Where a round over all entries begins.
const FIRST: Stand = Stand { order: 0, place: 0 };

/// A search through all entries for those that are outdated.
#[derive(Default)]
struct Round {
    /// What [`events::moved`] was when it began.
    moved: u64,
    /// Where to look next; `None` when all have been looked at.
    next: Option<Stand>,
}

/// A function that stores here.
struct Owner {
    state: Ref<FunctionState>,
    order: u32,
    /// What it would still hold with more room, if it has limits of its own,
    shadow: Shadow,
    /// and with half of it.
    half: Half,
}

impl Memory {
    pub(crate) fn new(
        max_bytes: Option<usize>,
        max_entries: Option<usize>,
        exact: bool,
        eviction: Eviction,
        is_private: bool,
        observers: Arc<Observers>,
    ) -> Self {
        let (table, writer) = Table::new();
        let budget = Budget::new(max_bytes, max_entries);
        let is_exact = exact || budget.is_exact();
        Self {
            table,
            recency: Padded(Recency::new(is_exact)),
            insights: Padded::default(),
            state: Padded(Mutex::new(State {
                writer,
                orders: vec![Ranking::new(eviction)],
                owners: Vec::new(),
                deadlines: BTreeSet::new(),
                round: Round::default(),
                loads: Register::default(),
                departures: Departures::default(),
                shadow: Shadow::default(),
                half: Half::default(),
                tick: 0,
                n_shrunk: 0,
                garbage: Vec::new(),
                garbage_bytes: 0,
                dropped: Vec::new(),
            })),
            budget,
            exact,
            eviction,
            is_private,
            observers,
        }
    }

    /// What an entry takes besides itself.
    pub(crate) fn place(&self) -> usize {
        table::PLACE + self.eviction.place()
    }

    /// Makes a function known, under the number that `make` is told.
    pub(crate) fn add_owner(
        &self,
        make: impl FnOnce(u32) -> Ref<FunctionState>,
    ) -> Ref<FunctionState> {
        let mut state = self.state.lock();
        let owner = make(u32::try_from(state.owners.len()).expect("a program has fewer functions"));
        let order = if owner.budget.has_limit() {
            state.orders.push(Ranking::new(self.eviction));
            state.orders.len() as u32 - 1
        } else {
            0
        };
        let (shadow, half) = Default::default();
        state.owners.push(Owner { state: owner.clone(), order, shadow, half });
        owner
    }

    /// Finds the entry of a call to any instantiation, where most are.
    #[inline(always)]
    pub(crate) fn find_near(
        &self,
        pin: Pin,
        function: &FunctionState,
        hash: u64,
        bytes: &[u8],
    ) -> Option<Found<'_>> {
        let id = Id::new(function.looked_up_as(), bytes.len());
        self.table.find_near(pin, hash, AnyInstance { id, bytes })
    }

    /// Finds the entry of a call to any instantiation.
    pub(crate) fn find(
        &self,
        pin: Pin,
        function: &FunctionState,
        hash: u64,
        bytes: &[u8],
    ) -> Option<Found<'_>> {
        let id = Id::new(function.looked_up_as(), bytes.len());
        self.table.find(pin, hash, AnyInstance { id, bytes })
    }

    /// Looks a call up, whatever is special about it, and says how old its result is.
    pub(crate) fn get(&self, pin: Pin, key: KeyRef<'_>, now: Moment) -> Option<(Found<'_>, Age)> {
        let found = self.table.find(pin, key.hash, key)?;
        let age = found.entry().age(now);
        (age != Age::Over).then_some((found, age))
    }

    /// Counts a hit, and notes that the entry is used now, where that makes a difference. True if it is time to time one.
    #[inline(always)]
    pub(crate) fn note_hit(
        &self,
        found: &Found<'_>,
        function: &FunctionState,
        clock: &Clock,
    ) -> bool {
        let is_32nd = is_32nd(function.counters.hits.count(found.slot()));
        if is_32nd || !found.entry().usage().note_in_passing(self.recency.stale()) {
            self.note_found(found.entry(), function, found.slot(), clock, is_32nd);
            return is_32nd && found.slot().is_time_to_time();
        }
        false
    }

    /// Counts a hit in a test's cache, which is to see every one.
    pub(crate) fn note_each_hit(&self, found: &Found<'_>, function: &FunctionState, clock: &Clock) {
        let is_32nd = is_32nd(function.counters.hits.count(found.slot()));
        found.entry().label().into_iter().for_each(|label| label.note_hit(found.slot()));
        self.note_found(found.entry(), function, found.slot(), clock, is_32nd);
    }

    /// Notes a use of an entry that was found without the lock.
    #[inline(never)]
    fn note_found(
        &self,
        entry: Entry<'_>,
        function: &FunctionState,
        slot: &Slot,
        clock: &Clock,
        is_32nd: bool,
    ) {
        self.note_use(entry, function, clock.roughly(&slot.hits_to_clock), is_32nd);
    }

    /// Notes how often and when an entry was used, and where in the order it is to stand from now on.
    fn note_use(&self, entry: Entry<'_>, function: &FunctionState, now: Moment, is_32nd: bool) {
        entry.usage().count(is_32nd);
        entry.set_last_used(now);
        self.note_order(entry, function);
        self.recency.note_time(now);
    }

    /// Notes where in the order an entry is to stand from now on.
    pub(crate) fn note_order(&self, entry: Entry<'_>, function: &FunctionState) {
        let latest = self.recency.latest();
        self.note_reuse(entry, function);
        entry.usage().note_tick(|used| self.recency.note(used, latest, function.is_exact()));
    }

    /// Counts a hit that would have been a miss with half the limit.
    fn note_reuse(&self, entry: Entry<'_>, function: &FunctionState) {
        let (used, charge) = (entry.usage().tick(), entry.charge());
        let note = |reuse: &Reuse, budget: &Budget| {
            if !reuse.is_beyond_half(used) {
                return false;
            }
            reuse.lose();
            reuse.note_use(budget.share(charge))
        };
        let (all, own) = (&self.insights.reuse, &function.reuse);
        if !function.is_limited() && all.is_beyond_half(used) {
            own.lose();
        }
        let all_are_due = note(all, &self.budget);
        let own_are_due = function.is_limited() && note(own, &function.budget);
        // Who has the lock looks when he stores something.
        if (all_are_due || own_are_due)
            && let Some(mut state) = self.state.try_lock()
        {
            self.shrink_halves(&mut state, function, all_are_due, own_are_due);
        }
    }

    /// Finds out again what fits into half the limits of the cache, or of a function.
    fn shrink_halves(&self, state: &mut State, function: &FunctionState, all: bool, own: bool) {
        if all {
            state.half.shrink(&state.orders, self.reuse(), &self.budget);
        }
        if own {
            let Owner { order, half, .. } = &mut state.owners[function.owner as usize];
            let order = std::slice::from_ref(&state.orders[*order as usize]);
            half.shrink(order, &function.reuse, &function.budget);
        }
    }

    /// Which calls would have been otherwise with other limits on the cache.
    pub(crate) fn reuse(&self) -> &Reuse {
        &self.insights.reuse
    }

    /// What is remembered of keys that are not held takes so many bytes.
    pub(crate) fn stats_bytes(&self) -> usize {
        self.insights.departures.load(Ordering::Relaxed) + self.reuse().size()
    }

    /// Decides in one step whether a call that found nothing waits or loads, and counts it as a miss then.
    ///
    /// A value that has come since the call looked is a hit, if the call was not counted as a miss already.
    pub(crate) fn begin(
        &self,
        key: KeyRef<'_>,
        join: Join,
        company: Company,
        was_counted: bool,
        clock: &Clock,
    ) -> Begin {
        let clock_now = clock.before_lock();
        let time = || clock_now.unwrap_or_else(|| clock.now());
        let counters = &key.state.counters;
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let found = self.table.find_locked(&state.writer, key);
        // Who asks for another result says by that that there is none.
        let unfit = |entry| if join == Join::Anew { Reason::Invalidated } else { reason(entry) };
        let unfit = found.map(unfit);
        if matches!(join, Join::Any | Join::Alone)
            && let Some(entry) = found
        {
            let now = time();
            match entry.age(now) {
                Age::Fresh => {
                    let entry = entry.to_owned();
                    if !was_counted {
                        counters.hits.count_other();
                        entry.get().label().into_iter().for_each(Label::note_other_hit);
                    }
                    self.note_use(entry.get(), key.state, now, false);
                    return Begin::Hit(entry);
                }
                // Until there is a better one.
                Age::Stale => {}
                Age::Over => {
                    let stand = state.stand_of(entry);
                    self.drop_entry(state, stand, unfit);
                }
            }
        }
        let reason =
            (!was_counted).then(|| unfit.unwrap_or_else(|| self.reason_of_miss(state, key, time)));
        reason.into_iter().for_each(|reason| counters.miss(reason));
        let may_follow = matches!(join, Join::Any | Join::Again);
        let begin = match may_follow.then(|| state.loads.join(key, time)).flatten() {
            Some(follower) => Begin::Follow(follower),
            None => {
                if join == Join::Anew {
                    state.loads.outdate(key);
                }
                counters.note(Count::Loads);
                let owner = &state.owners[key.state.owner as usize].state;
                let (id, flight) = state.loads.begin(key, owner, company, join != Join::Alone);
                Begin::Lead(Load { id, flight, replaces: join == Join::Anew, reason })
            }
        };
        self.unlock(guard, false);
        begin
    }

    /// Why a call finds nothing, with what it would have found with more room.
    fn reason_of_miss(
        &self,
        state: &mut State,
        key: KeyRef<'_>,
        now: impl Fn() -> Moment,
    ) -> Reason {
        let (hash, function) = (short(key.hash), key.state);
        let (mut remembered, mut held) =
            (state.shadow.recall(hash, &now), self.budget.share_held());
        self.reuse().miss(remembered, held);
        if function.is_limited() {
            remembered = state.owners[function.owner as usize].shadow.recall(hash, now);
            held = function.budget.share_held();
        }
        function.reuse.miss(remembered, held);
        state.departures.reason(hash)
    }

    /// What others wait for of a load that runs, made now if nobody does yet.
    pub(crate) fn flight(&self, hash: u64, load: LoadId) -> Option<Arc<Flight>> {
        self.state.lock().loads.flight(hash, load)
    }

    /// Ends a load that has come to nothing; those who wait for it are the caller's.
    pub(crate) fn end(&self, key: KeyRef<'_>, load: LoadId) -> Option<Arc<Flight>> {
        self.state.lock().loads.end(key, load).flight
    }

    /// Ends a load whose result is not to be stored; those who wait for it are the caller's.
    pub(crate) fn refuse(&self, key: KeyRef<'_>, load: LoadId) -> Option<Arc<Flight>> {
        let mut state = self.state.lock();
        state.departures.note(short(key.hash), Reason::Refused);
        state.loads.end(key, load).flight
    }

    /// Ends a load and stores its result, unless that was outdated meanwhile.
    pub(crate) fn publish(
        &self,
        entry: EntryRef,
        key: KeyRef<'_>,
        load: LoadId,
        clock: &Clock,
    ) -> Published {
        let now = clock.recent();
        let mut guard = self.state.lock();
        let ended = guard.loads.end(key, load);
        let flight = ended.flight.filter(|flight| flight.has_followers());
        let followers = flight.map(|flight| (flight, entry.clone()));
        let stored = if ended.is_current && entry.get().is_current() {
            self.store(&mut guard, entry, key, now)
        } else {
            guard.departures.note(short(key.hash), Reason::Invalidated);
            guard.throw_away(entry);
            Stored::Outdated
        };
        self.unlock(guard, stored != Stored::Yes);
        Published { stored, followers }
    }

    /// Stores a value that comes from no load, and outdates the loads that run for its key.
    pub(crate) fn put(&self, entry: EntryRef, key: KeyRef<'_>, clock: &Clock) -> Stored {
        let now = clock.recent();
        let mut guard = self.state.lock();
        guard.outdate(key);
        let stored = if entry.get().is_current() {
            self.store(&mut guard, entry, key, now)
        } else {
            let replaced = self.table.find_locked(&guard.writer, key).map(|it| guard.stand_of(it));
            if let Some(stand) = replaced {
                self.drop_entry(&mut guard, stand, Some(Reason::Invalidated));
            }
            guard.throw_away(entry);
            Stored::Outdated
        };
        self.unlock(guard, true);
        stored
    }

    /// Drops one entry and outdates the loads that run for its key; true if there was a fresh entry.
    pub(crate) fn invalidate(&self, key: KeyRef<'_>, clock: &Clock) -> bool {
        let now = clock.now();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.outdate(key);
        let Some(entry) = self.table.find_locked(&state.writer, key) else { return false };
        let (was_fresh, stand) = (entry.is_fresh(now), state.stand_of(entry));
        let reason = if was_fresh { Reason::Invalidated } else { reason(entry) };
        self.drop_entry(state, stand, Some(reason));
        self.unlock(guard, true);
        was_fresh
    }

    /// Has an entry expire now, and outdates the loads that run for its key; true if it was fresh.
    pub(crate) fn expire(&self, key: KeyRef<'_>, clock: &Clock) -> bool {
        let now = clock.now();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        state.outdate(key);
        let Some(entry) = self.table.find_locked(&state.writer, key) else { return false };
        let (was_fresh, stand) = (entry.is_fresh(now), state.stand_of(entry));
        if was_fresh {
            self.expire_entry(state, stand, now);
        }
        self.unlock(guard, true);
        was_fresh
    }

    /// Has an entry expire now on account of an event.
    pub(crate) fn note_change(&self, key: KeyRef<'_>, now: Moment) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if let Some(entry) = self.table.find_locked(&state.writer, key)
            && !entry.is_current()
        {
            let stand = state.stand_of(entry);
            self.expire_entry(state, stand, now);
        }
        self.unlock(guard, false);
    }

    /// Drops an entry that may not answer a call, unless another one has taken its place.
    pub(crate) fn give_up(&self, key: KeyRef<'_>, entry: &EntryRef, reason: Reason) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if let Some(found) = self.table.find_locked(&state.writer, key)
            && found.to_owned().as_raw() == entry.as_raw()
        {
            let stand = state.stand_of(found);
            self.drop_entry(state, stand, Some(reason));
            self.unlock(guard, true);
        }
    }

    /// The entry that a call would find, fresh or not, without touching or counting.
    pub(crate) fn glance(&self, pin: Pin, key: KeyRef<'_>) -> Option<EntryRef> {
        Some(self.table.find(pin, key.hash, key)?.entry().to_owned())
    }

    /// Looks without touching or counting.
    pub(crate) fn peek(&self, key: KeyRef<'_>, clock: &Clock) -> Option<EntryRef> {
        let now = clock.now();
        let state = self.state.lock();
        let entry = self.table.find_locked(&state.writer, key)?;
        entry.is_fresh(now).then(|| entry.to_owned())
    }

    /// Drops the entries of one function, or of all, and outdates their running loads.
    pub(crate) fn clear(&self, function: Option<&FunctionState>) {
        let mut guard = self.state.lock();
        let Some(function) = function else {
            guard.outdate_all(|_| true);
            self.drop_all(&mut guard);
            return self.unlock(guard, true);
        };
        guard.outdate_all(|it| it.owner == function.owner);
        let order = guard.owners[function.owner as usize].order;
        self.drop_where(guard, order..order + 1, |owner, _| owner.owner == function.owner);
    }

    /// Drops the entries of functions or with labels that are meant, outdates the loads that may be, and says how many
    /// entries that were.
    pub(crate) fn invalidate_matching(
        &self,
        is_named: impl Fn(&Function) -> bool,
        is_labelled: impl Fn(Option<&str>) -> bool,
    ) -> usize {
        let mut guard = self.state.lock();
        guard.outdate_all(|it| it.function.is_labelled || is_named(it.function));
        let orders = 0..guard.orders.len() as u32;
        self.drop_where(guard, orders, |owner, entry| {
            is_named(owner.function) || is_labelled(entry.label().map(|label| &*label.text))
        })
    }

    /// Drops all entries of some orders that are meant, and says how many that were.
    fn drop_where<'a>(
        &'a self,
        mut guard: MutexGuard<'a, State>,
        orders: Range<u32>,
        is_meant: impl Fn(&FunctionState, Entry<'_>) -> bool,
    ) -> usize {
        let mut n_dropped = 0;
        for order in orders {
            let (mut from, mut end) = (0, u32::MAX);
            while from < end {
                end = guard.orders[order as usize].end();
                let to = end.min(from + BATCH);
                for place in from..to {
                    let state = &mut *guard;
                    let entry = state.orders[order as usize].get(place).map(EntryRef::get);
                    let owner = |entry: Entry<'_>| &*state.owners[entry.owner() as usize].state;
                    if entry.is_some_and(|entry| is_meant(owner(entry), entry)) {
                        self.drop_entry(state, Stand { order, place }, Some(Reason::Invalidated));
                        n_dropped += 1;
                    }
                }
                if to == end {
                    self.shrink(&mut guard);
                }
                let n_shrunk = guard.n_shrunk;
                self.unlock(guard, true);
                guard = self.state.lock();
                // Unless somebody has moved those that are left.
                from = if to == end || guard.n_shrunk == n_shrunk { to } else { 0 };
            }
        }
        n_dropped
    }

    /// Drops what has expired by now, and says how much that was.
    pub(crate) fn sweep(&self, now: Moment) -> usize {
        let mut n_expired = 0;
        loop {
            let mut guard = self.state.lock();
            let n_before = n_expired;
            while n_expired < n_before + BATCH as usize && self.drop_expired(&mut guard, now) {
                n_expired += 1;
            }
            self.shrink(&mut guard);
            self.unlock(guard, true);
            if n_expired < n_before + BATCH as usize {
                return n_expired;
            }
        }
    }

    /// Drops what is outdated by now.
    pub(crate) fn sweep_outdated(&self, now: Moment) {
        let mut guard = self.state.lock();
        guard.begin_round();
        while guard.round.next.is_some() {
            self.drop_outdated(&mut guard, BATCH, now);
            self.unlock(guard, true);
            guard = self.state.lock();
        }
        self.shrink(&mut guard);
        self.unlock(guard, true);
    }

    /// The first moment at which something may expire.
    pub(crate) fn next_due(&self) -> Moment {
        self.state.lock().deadlines.first().map_or(Moment::NEVER, |(due, _)| *due)
    }

    /// Changes a limit. When this returns, it holds.
    pub(crate) fn set_limit(&self, change: impl FnOnce(&Budget), clock: &Clock) {
        let now = clock.now();
        let mut guard = self.state.lock();
        change(&self.budget);
        while self.budget.is_over() && self.evict(&mut guard, None, now) {}
        // It tells shares of the limits as they were.
        guard.shadow = Shadow::default();
        guard.half = Half::default();
        self.reuse().set_recent(0, self.budget.share_held());
        self.shrink(&mut guard);
        self.note_size(&guard);
        self.unlock(guard, true);
    }

    /// The most recently used fresh entries.
    pub(crate) fn entries(&self, limit: usize, now: Moment) -> Vec<EntryInfo> {
        let state = self.state.lock();
        let name =
            |entry: &EntryRef| state.owners[entry.get().owner() as usize].state.function.name;
        let all = state.orders.iter().flat_map(Ranking::iter);
        let mut found: Vec<(u64, EntryRef, &'static str)> = all
            .filter(|entry| entry.get().is_fresh(now))
            .map(|entry| (entry.get().usage().tick(), entry.clone(), name(entry)))
            .collect();
        drop(state);
        found.sort_by_key(|(used, ..)| std::cmp::Reverse(*used));
        found.truncate(limit);
        found.into_iter().map(|(_, entry, name)| entry.get().info(name, now)).collect()
    }

    /// The entries that were used most, at most `limit` of them, those first that were used more, with their functions.
    pub(crate) fn most_used(&self, limit: usize) -> Vec<(&'static Function, EntryRef)> {
        let state = self.state.lock();
        let function = |entry: &EntryRef| state.owners[entry.get().owner() as usize].state.function;
        let all = state.orders.iter().flat_map(Ranking::iter);
        let mut found: Vec<_> = all.map(|entry| (function(entry), entry.clone())).collect();
        drop(state);
        found.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.get().usage().uses()));
        found.truncate(limit);
        found
    }

    /// Stores an entry under the lock, and makes room for it before.
    fn store(&self, state: &mut State, entry: EntryRef, key: KeyRef<'_>, now: Moment) -> Stored {
        let function = key.state;
        let charge = entry.get().charge();
        let fits = function.budget.admits(charge) && self.budget.admits(charge);
        if let Some(replaced) = self.table.find_locked(&state.writer, key) {
            let stand = state.stand_of(replaced);
            self.drop_entry(state, stand, (!fits).then_some(Reason::Refused));
        }
        let has_room = fits
            && self.make_room(state, Some(function), &function.budget, charge, now)
            && self.make_room(state, None, &self.budget, charge, now);
        if !has_room {
            function.counters.note(Count::Rejected);
            state.departures.note(short(key.hash), Reason::Refused);
            state.throw_away(entry);
            return Stored::Rejected;
        }
        entry.get().label().into_iter().for_each(|label| label.hold(charge));
        function.budget.reserve(charge);
        self.budget.reserve(charge);
        self.insert(state, entry, function);
        function.counters.note(Count::Insertions);
        Stored::Yes
    }

    /// Evicts until one more entry is within a budget; false if nothing is left to go.
    fn make_room(
        &self,
        state: &mut State,
        function: Option<&FunctionState>,
        budget: &Budget,
        charge: usize,
        now: Moment,
    ) -> bool {
        while !budget.has_room(charge) {
            if !self.evict(state, function, now) {
                return false;
            }
        }
        true
    }

    fn insert(&self, state: &mut State, entry: EntryRef, function: &FunctionState) {
        self.shrink(state);
        let tick = self.recency.next(state.tick, self.budget.entries(), function.is_exact());
        state.tick = tick;
        let order = state.owners[function.owner as usize].order;
        if let Some(few) = self.table.insert(&mut state.writer, &entry) {
            state.garbage_bytes += few.size();
            state.garbage.push(Garbage::Buckets(few));
        }
        let (due, charge) = (entry.get().due(), entry.get().charge());
        let place = state.orders[order as usize].insert(entry, tick);
        let all = self.reuse().note_use(self.budget.share(charge));
        let own = function.is_limited() && function.reuse.note_use(function.budget.share(charge));
        self.shrink_halves(state, function, all, own);
        if due != Moment::NEVER {
            state.list(Stand { order, place }, due);
        }
        self.note_size(state);
    }

    /// Has hits be noted exactly while few entries are held, see [`Budget::is_exact`].
    fn note_size(&self, state: &State) {
        self.recency.set_exact(self.exact || self.budget.is_exact(), state.tick);
    }

    /// Gives back what many entries needed that are not there any more.
    fn shrink(&self, state: &mut State) {
        if let Some(many) = self.table.shrink(&mut state.writer) {
            state.garbage_bytes += many.size();
            state.garbage.push(Garbage::Buckets(many));
        }
        for (order, entries) in (0..).zip(&mut state.orders).filter(|(_, order)| order.is_sparse())
        {
            state.n_shrunk += 1;
            // What has not been looked at may be where that was already.
            state.round.next = state.round.next.and(Some(FIRST));
            entries.close_up(|entry, place| {
                if let Some(due) = entry.get().listed() {
                    state.deadlines.remove(&(due, Stand { order, place }));
                    state.deadlines.insert((due, Stand { order, place: entry.get().place() }));
                }
            });
        }
    }

    /// Makes room under the limits of one function or of the cache: what has expired or is outdated goes first,
    /// then whose turn it is. False if nothing is left to go.
    fn evict(&self, state: &mut State, function: Option<&FunctionState>, now: Moment) -> bool {
        if self.drop_expired(state, now) || self.drop_outdated(state, LOOKS, now) > 0 {
            return true;
        }
        let orders = match function {
            None => 0..state.orders.len(),
            Some(function) => {
                let order = state.owners[function.owner as usize].order as usize;
                order..order + 1
            }
        };
        let next = orders
            .filter_map(|order| {
                let (tick, place) = state.orders[order].next_to_go()?;
                Some((tick, Stand { order: order as u32, place }))
            })
            .min();
        let Some((_, stand)) = next else { return false };
        state.orders[stand.order as usize].bury(stand.place);
        self.remember(state, stand, function);
        self.drop_entry(state, stand, Some(Reason::Evicted));
        true
    }

    /// Remembers an entry that is evicted, on account of the limits of a function or of the cache.
    fn remember(&self, state: &mut State, stand: Stand, function: Option<&FunctionState>) {
        let n_limited = state.orders.len() - 1;
        let (shadow, reuse, budget, max) = match function {
            None => (&mut state.shadow, self.reuse(), &self.budget, MAX_GHOSTS),
            Some(function) => {
                let shadow = &mut state.owners[function.owner as usize].shadow;
                (shadow, &function.reuse, &function.budget, MAX_GHOSTS / n_limited.max(1))
            }
        };
        let entry = state.orders[stand.order as usize].get(stand.place).map(EntryRef::get);
        let Some(entry) = entry else { return };
        let (stamps, weight) = (entry.stamps(), budget.share(entry.charge()));
        if stamps.is_some_and(|stamps| !stamps.are_few()) || !shadow.picks(entry.hash(), weight) {
            return;
        }
        let ghost = Ghost {
            hash: entry.hash(),
            owner: entry.owner(),
            weight,
            until: entry.deadline(),
            stamps: stamps.map(|stamps| Box::new(stamps.copy())),
        };
        shadow.note(ghost, max.max(1), 4 * WHOLE);
        reuse.set_size(shadow.size());
    }

    /// Drops an entry that has expired by now, if there is one.
    fn drop_expired(&self, state: &mut State, now: Moment) -> bool {
        while let Some(&(due, stand)) = state.deadlines.first()
            && due <= now
        {
            let entry = state.orders[stand.order as usize].get(stand.place);
            match entry.map(|entry| entry.get().due()) {
                // It was used since it was listed.
                Some(later) if later > now => {
                    state.deadlines.pop_first();
                    state.list(stand, later);
                }
                Some(_) => {
                    self.drop_entry(state, stand, Some(Reason::Expired));
                    return true;
                }
                None => {
                    state.deadlines.pop_first();
                }
            }
        }
        false
    }

    /// Looks at some entries, drops those that are outdated, and says how many that were. If nothing has been emitted
    /// since the last round over all entries began, nothing is looked at.
    fn drop_outdated(&self, state: &mut State, n_looks: u32, now: Moment) -> usize {
        if state.round.next.is_none() {
            state.begin_round();
        }
        let mut n_outdated = 0;
        for _ in 0..n_looks {
            let Some(stand) = state.round.next else { break };
            state.round.next = state.after(stand);
            let entry = state.orders[stand.order as usize].get(stand.place);
            if entry.is_some_and(|entry| !entry.get().is_current()) {
                n_outdated += usize::from(self.expire_entry(state, stand, now));
            }
        }
        n_outdated
    }

    /// Has an entry expire for another reason than its age. True if it is gone, because it may not be served any longer.
    fn expire_entry(&self, state: &mut State, stand: Stand, now: Moment) -> bool {
        let entry = state.orders[stand.order as usize].get(stand.place).map(EntryRef::get);
        let Some(entry) = entry else { return false };
        if entry.change_by_events() == Change::Hard || !entry.has_grace() {
            self.drop_entry(state, stand, Some(Reason::Invalidated));
            return true;
        }
        if entry.expire(now) {
            let (listed, due) = (entry.listed(), entry.due());
            if let Some(listed) = listed {
                state.deadlines.remove(&(listed, stand));
            }
            state.list(stand, due);
        }
        false
    }

    /// Takes an entry out of everything, gives back what it has held, and counts it if there is a reason.
    fn drop_entry(&self, state: &mut State, stand: Stand, reason: Option<Reason>) {
        let Some(entry) = state.orders[stand.order as usize].remove(stand.place) else { return };
        self.table.remove(&mut state.writer, &entry);
        if let Some(due) = entry.get().listed() {
            state.deadlines.remove(&(due, stand));
        }
        let owner = &*state.owners[entry.get().owner() as usize].state;
        let charge = entry.get().charge();
        entry.get().label().into_iter().for_each(|label| label.release(charge));
        owner.budget.release(charge);
        self.budget.release(charge);
        let used = entry.get().usage().tick();
        self.reuse().note_end(used, || self.budget.share(charge));
        if owner.is_limited() {
            owner.reuse.note_end(used, || owner.budget.share(charge));
        }
        if let Some(reason) = reason {
            owner.counters.note(reason.into());
            state.departures.note(entry.get().hash(), reason);
            if self.observers.is_any() {
                let function = owner.function;
                note_drop(&mut state.dropped, function, reason, charge);
            }
        }
        state.garbage_bytes += charge;
        state.throw_away(entry);
    }

    fn drop_all(&self, state: &mut State) {
        let buckets = self.table.clear(&mut state.writer);
        state.garbage.push(Garbage::Buckets(buckets));
        state.deadlines.clear();
        state.round = Round::default();
        for order in &mut state.orders {
            let all = std::mem::replace(order, Ranking::new(self.eviction));
            for entry in all.into_entries() {
                let owner = &state.owners[entry.get().owner() as usize].state;
                let charge = entry.get().charge();
                entry.get().label().into_iter().for_each(|label| label.release(charge));
                owner.budget.release(charge);
                self.budget.release(charge);
                owner.counters.note(Count::Invalidations);
                state.departures.note(entry.get().hash(), Reason::Invalidated);
                if self.observers.is_any() {
                    let function = owner.function;
                    note_drop(&mut state.dropped, function, Reason::Invalidated, charge);
                }
                state.garbage.push(Garbage::Entry(entry, owner.clone()));
            }
        }
    }

    /// Lets others in, tells observers what went, and gives back what was taken out of reach if that is much or
    /// `is_urgent`.
    fn unlock(&self, mut guard: MutexGuard<'_, State>, is_urgent: bool) {
        self.insights.departures.store(guard.departures.size(), Ordering::Relaxed);
        let state = &mut *guard;
        let is_due = is_urgent
            || self.is_private
            || state.garbage.len() >= MANY
            || state.garbage_bytes >= MUCH;
        let dropped = std::mem::take(&mut state.dropped);
        let garbage = if is_due { std::mem::take(&mut state.garbage) } else { Vec::new() };
        if is_due {
            state.garbage_bytes = 0;
        }
        drop(guard);
        if !garbage.is_empty() {
            limbo::give_back(garbage, self.is_private);
        }
        for Dropped { function, cause, entries, bytes } in dropped {
            self.observers.tell(&Notice::Dropped {
                function: function.name,
                cause,
                entries,
                bytes,
            });
        }
    }
}

/// Notes what observers are to be told, together with what went just before for the same reason.
fn note_drop(
    dropped: &mut Vec<Dropped>,
    function: &'static Function,
    reason: Reason,
    charge: usize,
) {
    let cause = match reason {
        Reason::Evicted => Cause::Evicted,
        Reason::Expired => Cause::Expired,
        _ => Cause::Invalidated,
    };
    match dropped.last_mut() {
        Some(last) if std::ptr::eq(last.function, function) && last.cause == cause => {
            last.entries += 1;
            last.bytes += charge;
        }
        _ => dropped.push(Dropped { function, cause, entries: 1, bytes: charge }),
    }
}

/// Why an entry goes that is not fresh.
fn reason(entry: Entry<'_>) -> Reason {
    if entry.is_current() { Reason::Expired } else { Reason::Invalidated }
}

impl State {
    /// Has all entries looked at, if something has been emitted since that was begun the last time.
    fn begin_round(&mut self) {
        let moved = events::moved();
        if self.round.moved != moved {
            self.round = Round { moved, next: Some(FIRST) };
        }
    }

    /// The stand to look at after another one.
    fn after(&self, Stand { order, place }: Stand) -> Option<Stand> {
        if place + 1 < self.orders[order as usize].end() {
            return Some(Stand { order, place: place + 1 });
        }
        ((order as usize) + 1 < self.orders.len()).then_some(Stand { order: order + 1, place: 0 })
    }

    fn stand_of(&self, entry: Entry<'_>) -> Stand {
        Stand { order: self.owners[entry.owner() as usize].order, place: entry.place() }
    }

    /// Makes the loads that run for a key worthless, and what would still be held for it.
    fn outdate(&mut self, key: KeyRef<'_>) {
        self.loads.outdate(key);
        self.shadow.forget(short(key.hash));
        self.owners[key.state.owner as usize].shadow.forget(short(key.hash));
    }

    /// Makes the loads that run for some functions worthless, and what would still be held of them.
    fn outdate_all(&mut self, is_meant: impl Fn(&FunctionState) -> bool) {
        self.loads.outdate_all(|key| is_meant(&key.state));
        let owners = &self.owners;
        self.shadow.retain(|ghost| !is_meant(&owners[ghost.owner as usize].state));
        for owner in &mut self.owners {
            if is_meant(&owner.state) {
                owner.shadow = Shadow::default();
            }
        }
    }

    /// Has an entry dropped when nobody reads it any more.
    fn throw_away(&mut self, entry: EntryRef) {
        let owner = self.owners[entry.get().owner() as usize].state.clone();
        self.garbage.push(Garbage::Entry(entry, owner));
    }

    /// Has an entry looked at when it is due.
    fn list(&mut self, stand: Stand, due: Moment) {
        if let Some(entry) = self.orders[stand.order as usize].get(stand.place) {
            entry.get().set_listed(due);
            self.deadlines.insert((due, stand));
        }
    }
}
