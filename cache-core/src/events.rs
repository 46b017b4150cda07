//! Events as generations: an event that somebody depends on is a counter, and emitting it is one step of that.
//!
//! A load notes the counters before its body runs, its entry keeps what was noted, and a look at the entry compares.
//! So emitting searches for no entry, reaches results that do not exist yet, and cannot drift from what is stored.
//!
//! An event is a [`Cell`] while somebody depends on it, and nothing before and after that: to emit what nobody depends
//! on is a look into a table. A cell moves with its family, so that all events of a type are one step as well; and each
//! event moves the cell of *any* event of its family.
//!
//! The calls of a function are a family too: those who depend on a call depend on what is done to it by hand.

#[cfg(feature = "tiers")]
mod told;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;

use hashbrown::HashTable;

use crate::event::{Event, Family, Method};
use crate::instance::{Instance, with_instance};
use crate::key::{KeyWriter, Start};
use crate::sync::{Arc, AtomicU64, AtomicUsize, Mutex, Ordering, Padded, shared};

shared! {
    /// Moves on after each cell that does, in any cache: as long as it stands still, so do all of them.
    static MOVED: Padded<AtomicU64> = Padded(AtomicU64::new(0));
}

/// How often some cell has moved.
#[inline]
pub(crate) fn moved() -> u64 {
    MOVED.load(Ordering::Acquire)
}

/// How what is emitted treats the results that depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Change {
    /// It does nothing to them.
    None,
    /// They have expired, and may be served in need.
    Soft,
    /// They must not be served any more.
    Hard,
}

impl Change {
    /// A cell that moves often has so many soft steps to a hard one, which more of them come to.
    const HARD: u64 = 1 << 16;

    /// How far a cell moves.
    fn step(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Soft => 1,
            Self::Hard => Self::HARD,
        }
    }

    /// What a cell went through that moved so far.
    fn of(distance: u64) -> Self {
        match distance {
            0 => Self::None,
            Self::HARD.. => Self::Hard,
            _ => Self::Soft,
        }
    }
}

/// Names an event, borrowing its bytes.
#[derive(Clone, Copy)]
pub(crate) struct Topic<'a> {
    pub(crate) family: Family,
    /// Tells the calls of instantiations of a generic function apart.
    pub(crate) instance: Option<Instance>,
    pub(crate) hash: u64,
    pub(crate) bytes: &'a [u8],
}

impl Topic<'_> {
    /// What it is called outside of the process.
    pub(crate) fn mark(&self) -> Mark {
        let bytes = with_instance(self.bytes, self.instance);
        Mark { family: self.family.name(), bytes: Some(bytes.into()) }
    }
}

/// What an event is called outside of the process, or any event of a family, where there are no bytes.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) family: String,
    pub(crate) bytes: Option<Box<[u8]>>,
}

impl Mark {
    /// All events of a family.
    pub(crate) fn all(family: Family) -> Self {
        Self { family: family.name(), bytes: None }
    }
}

/// Tells an event of a family from others in what processes tell each other, or any event, where there are no bytes.
/// Two that are the same drop more than is needed, never less.
pub(crate) type Digest = fn(family: &str, event: Option<&[u8]>) -> u64;

/// What some cell is for.
#[derive(Clone, Copy)]
enum Scope<'a> {
    One(Topic<'a>),
    /// Moves with each event of the family.
    Any(Family),
    /// Moves with nothing, and all others of the family with it.
    All(Family),
}

impl Scope<'_> {
    fn hash(&self) -> u64 {
        match self {
            Self::One(topic) => topic.hash,
            Self::Any(family) => family.hash(),
            Self::All(family) => !family.hash(),
        }
    }

    fn digest(&self, digest: Digest) -> u64 {
        match self {
            Self::One(topic) => {
                let bytes = with_instance(topic.bytes, topic.instance);
                digest(&topic.family.name(), Some(&bytes))
            }
            Self::Any(family) => digest(&family.name(), None),
            Self::All(family) => !digest(&family.name(), None),
        }
    }
}

/// An event, or many, that somebody depends on.
struct Cell {
    family: Family,
    part: Part,
    hash: u64,
    /// What other processes call it, if they are heard.
    digest: Option<u64>,
    /// How far it has moved by itself.
    generation: AtomicU64,
    /// What it moves with.
    wider: Option<CellRef>,
    n_holders: AtomicUsize,
    events: Arc<Events>,
}

enum Part {
    One { instance: Option<Instance>, bytes: Box<[u8]> },
    Any,
    All,
}

impl Cell {
    /// The bytes decide; the hash only found the place to look.
    fn is(&self, scope: &Scope<'_>) -> bool {
        match (scope, &self.part) {
            (Scope::One(topic), Part::One { instance, bytes }) => {
                self.family == topic.family
                    && *instance == topic.instance
                    && **bytes == *topic.bytes
            }
            (Scope::Any(family), Part::Any) | (Scope::All(family), Part::All) => {
                self.family == *family
            }
            _ => false,
        }
    }

    /// Changes with each move, and never to what it was before.
    fn generation(&self) -> u64 {
        let own = self.generation.load(Ordering::Acquire);
        own + self.wider.as_ref().map_or(0, |wider| wider.0.generation())
    }

    /// What it takes in memory, about.
    fn size(&self) -> usize {
        let bytes = match &self.part {
            Part::One { bytes, .. } => bytes.len(),
            Part::Any | Part::All => 0,
        };
        size_of::<Self>() + bytes + 4 * size_of::<usize>()
    }
}

/// One of the holders of a cell, with whom it goes.
struct CellRef(Arc<Cell>);

impl CellRef {
    fn new(cell: &Arc<Cell>) -> Self {
        cell.n_holders.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(cell))
    }
}

impl Clone for CellRef {
    fn clone(&self) -> Self {
        Self::new(&self.0)
    }
}

impl Drop for CellRef {
    fn drop(&mut self) {
        if self.0.n_holders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.events.let_go(&self.0);
        }
    }
}

/// An event as it was at some moment.
#[derive(Clone)]
pub(crate) struct Stamp {
    cell: CellRef,
    generation: u64,
}

impl Stamp {
    /// Whether the event has not been emitted since.
    pub(crate) fn is_current(&self) -> bool {
        self.change() == Change::None
    }

    fn change(&self) -> Change {
        Change::of(self.cell.0.generation().wrapping_sub(self.generation))
    }

    /// The same event as it is now.
    fn renewed(&self) -> Self {
        Self { cell: self.cell.clone(), generation: self.cell.0.generation() }
    }

    /// What it is called outside of the process.
    fn mark(&self) -> Mark {
        let cell = &self.cell.0;
        match &cell.part {
            Part::One { instance, bytes } => {
                let (family, instance) = (cell.family, *instance);
                Topic { family, instance, hash: cell.hash, bytes }.mark()
            }
            Part::Any | Part::All => Mark::all(cell.family),
        }
    }

    /// Whether it moves by what other processes tell alone, and is known to the tiers by another name.
    fn is_elsewhere(&self) -> bool {
        self.cell.0.family.is_elsewhere()
    }

    /// Whether it is a write to an endpoint.
    fn is_write(&self) -> bool {
        self.cell.0.family.is_endpoint()
    }

    /// Whether whatever moves another stamp from now on moves this one, too.
    fn covers(&self, other: &Self) -> bool {
        let (own, other) = (&self.cell.0, &other.cell.0);
        let is_wider = || {
            matches!(own.part, Part::Any)
                && own.family == other.family
                && Arc::ptr_eq(&own.events, &other.events)
        };
        Arc::ptr_eq(own, other) || is_wider()
    }
}

/// So many events a result tells apart. Beyond, those of a type become any event of it, and calls any call.
const MANY: usize = 32;

/// Adds a stamp to others.
pub(crate) fn add(stamps: &mut Vec<Stamp>, stamp: Stamp) {
    let is_known = |known: &Stamp| known.covers(&stamp) && known.is_current();
    if stamp.is_current() && stamps.iter().any(is_known) {
        return;
    }
    if stamps.len() < MANY {
        return stamps.push(stamp);
    }
    // Stamped first: what moves one of the others from now on moves this one.
    let any = stamp.cell.0.events.stamp_any(stamp.cell.0.family);
    stamps.push(stamp);
    stamps.retain(|stamp| !(any.covers(stamp) && stamp.is_current()));
    stamps.push(any);
}

/// What stamps are called outside of the process.
pub(crate) fn marks<'a>(stamps: impl Iterator<Item = &'a Stamp>) -> Vec<Mark> {
    stamps.filter(|stamp| !stamp.is_elsewhere()).map(Stamp::mark).collect()
}

/// Whether who depends on these hears of the writes to an endpoint, if of those to any.
pub(crate) fn hear(stamps: &[Stamp], endpoint: Family) -> bool {
    let mut writes = stamps.iter().filter(|stamp| stamp.is_write()).peekable();
    writes.peek().is_none() || writes.any(|stamp| stamp.cell.0.family == endpoint)
}

/// The events that a stored result depends on, as they were before it was computed.
pub(crate) struct Stamps {
    /// What [`moved`] was when all of them were last seen to be current.
    seen: AtomicU64,
    stamps: Box<[Stamp]>,
}

impl Stamps {
    pub(crate) fn new(stamps: Vec<Stamp>) -> Option<Self> {
        let stamps = stamps.into_boxed_slice();
        (!stamps.is_empty()).then(|| Self { seen: AtomicU64::new(u64::MAX), stamps })
    }

    /// Whether a copy of them is worth its memory.
    pub(crate) fn are_few(&self) -> bool {
        self.stamps.len() <= 4
    }

    pub(crate) fn copy(&self) -> Self {
        Self { seen: AtomicU64::new(u64::MAX), stamps: self.stamps.clone() }
    }

    /// Whether none of them has been emitted since. Mostly one comparison, however many there are.
    #[inline]
    pub(crate) fn are_current(&self) -> bool {
        // Before the cells are: whatever has moved by now is seen there.
        let moved = moved();
        self.were_current(moved) || self.look(moved)
    }

    /// Whether nothing at all has been emitted since they were last seen to be current.
    #[inline]
    pub(crate) fn are_clearly_current(&self) -> bool {
        self.were_current(moved())
    }

    #[inline]
    fn were_current(&self, moved: u64) -> bool {
        self.seen.load(Ordering::Relaxed) == moved
    }

    #[inline(never)]
    fn look(&self, moved: u64) -> bool {
        let are_current = self.stamps.iter().all(Stamp::is_current);
        if are_current {
            self.seen.store(moved, Ordering::Relaxed);
        }
        are_current
    }

    /// What has been done to the result since.
    pub(crate) fn change(&self) -> Change {
        if self.are_current() {
            return Change::None;
        }
        self.stamps.iter().map(Stamp::change).max().unwrap_or(Change::None)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Stamp> {
        self.stamps.iter()
    }

    /// What they are called outside of the process.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        marks(self.iter())
    }

    /// Whether a request to an endpoint may be answered by the result.
    pub(crate) fn hear(&self, endpoint: Family) -> bool {
        hear(&self.stamps, endpoint)
    }

    /// The writes among them, as they are now.
    pub(crate) fn writes(&self) -> impl Iterator<Item = Stamp> {
        self.stamps.iter().filter(|stamp| stamp.is_write()).map(Stamp::renewed)
    }

    /// What they take in memory. A cell is shared by those who hold it, of which one is a load that is about to end.
    pub(crate) fn size(&self) -> usize {
        let cells = self.stamps.iter().map(|stamp| {
            let cell = &stamp.cell.0;
            let n_others = cell.n_holders.load(Ordering::Relaxed).saturating_sub(1);
            cell.size() / n_others.max(1)
        });
        size_of_val(&*self.stamps) + cells.sum::<usize>()
    }
}

/// The events of one cache.
#[derive(Default)]
pub(crate) struct Events {
    state: Mutex<State>,
    /// How many events of a type have been emitted.
    n_emitted: AtomicU64,
    /// What has been emitted so far, and what results depended on.
    emitted: Titles,
    heard: Titles,
    /// How other processes tell events apart, if they are heard.
    digest: OnceLock<Digest>,
}

#[derive(Default)]
struct State {
    cells: HashTable<Arc<Cell>>,
    /// The same by what other processes call them, of whom those that are heard have one name for several.
    told: HashTable<Arc<Cell>>,
    watched: Watched,
}

impl State {
    fn find(&self, scope: &Scope<'_>) -> Option<&Arc<Cell>> {
        self.cells.find(scope.hash(), |cell| cell.is(scope))
    }

    /// Moves cells on, with that of everything; false if there are none.
    fn move_on<'a>(&'a self, cells: impl Iterator<Item = &'a Arc<Cell>>, change: Change) -> bool {
        let mut has_moved = false;
        for cell in cells.chain(self.find(&Scope::Any(Family::everything()))) {
            cell.generation.fetch_add(change.step(), Ordering::AcqRel);
            has_moved = true;
        }
        has_moved
    }
}

fn digest_of(cell: &Arc<Cell>) -> u64 {
    cell.digest.unwrap_or_default()
}

/// Gives back what many cells needed that are not there any more.
fn shrink(cells: &mut HashTable<Arc<Cell>>, hash: impl Fn(&Arc<Cell>) -> u64) {
    if cells.capacity() > 64 && cells.len() < cells.capacity() / 8 {
        cells.shrink_to(2 * cells.len(), hash);
    }
}

impl Events {
    /// An event of a type as it is now. `None` if it cannot be told from others.
    pub(crate) fn stamp<E: Event + ?Sized>(self: &Arc<Self>, event: &E) -> Option<Stamp> {
        self.heard.note(event.title());
        with_topic(event, |topic| self.stamp_topic(topic))
    }

    /// What has a name as it is now. `None` if it cannot be told from others.
    pub(crate) fn stamp_named(self: &Arc<Self>, named: &Named) -> Option<Stamp> {
        named.topic().map(|topic| self.stamp_topic(topic))
    }

    /// An event as it is now.
    pub(crate) fn stamp_topic(self: &Arc<Self>, topic: Topic<'_>) -> Stamp {
        self.stamp_scope(&mut self.state.lock(), Scope::One(topic))
    }

    /// Whatever is emitted, and whatever is done to a call by hand, as it is now.
    pub(crate) fn stamp_everything(self: &Arc<Self>) -> Stamp {
        self.stamp_any(Family::everything())
    }

    /// Any event of a family as it is now.
    pub(crate) fn stamp_any(self: &Arc<Self>, family: Family) -> Stamp {
        self.stamp_scope(&mut self.state.lock(), Scope::Any(family))
    }

    // No reference to a cell may be dropped here, for that takes the lock.
    fn stamp_scope(self: &Arc<Self>, state: &mut State, scope: Scope<'_>) -> Stamp {
        let cell = self.cell(state, scope);
        let generation = cell.0.generation();
        Stamp { cell, generation }
    }

    fn cell(self: &Arc<Self>, state: &mut State, scope: Scope<'_>) -> CellRef {
        if let Some(cell) = state.find(&scope) {
            return CellRef::new(cell);
        }
        let (family, part) = match scope {
            Scope::One(Topic { family, instance, bytes, .. }) => {
                (family, Part::One { instance, bytes: bytes.into() })
            }
            Scope::Any(family) => (family, Part::Any),
            Scope::All(family) => (family, Part::All),
        };
        let wider = match part {
            Part::One { .. } | Part::Any => Some(self.cell(state, Scope::All(family))),
            Part::All => None,
        };
        // Nobody tells of everything by its name.
        let digest = self.digest.get().filter(|_| family != Family::everything());
        let cell = Arc::new(Cell {
            family,
            part,
            hash: scope.hash(),
            digest: digest.map(|digest| scope.digest(*digest)),
            generation: AtomicU64::new(0),
            wider,
            n_holders: AtomicUsize::new(0),
            events: Arc::clone(self),
        });
        let held = CellRef::new(&cell);
        if let Some(digest) = cell.digest {
            state.told.insert_unique(digest, Arc::clone(&cell), digest_of);
        }
        state.cells.insert_unique(cell.hash, cell, |cell| cell.hash);
        held
    }

    /// Forgets a cell, unless it is held again.
    fn let_go(&self, cell: &Arc<Cell>) {
        let mut state = self.state.lock();
        let is_it = |known: &Arc<Cell>| Arc::ptr_eq(known, cell);
        let gone = match state.cells.find_entry(cell.hash, is_it) {
            Ok(place) if cell.n_holders.load(Ordering::Acquire) == 0 => Some(place.remove().0),
            _ => None,
        };
        let told = gone
            .as_ref()
            .and_then(|gone| gone.digest)
            .and_then(|digest| Some(state.told.find_entry(digest, is_it).ok()?.remove().0));
        shrink(&mut state.cells, |cell| cell.hash);
        shrink(&mut state.told, digest_of);
        drop(state);
        // It may have been the last to hold a wider one.
        drop((gone, told));
    }

    /// Emits an event of a type; true if somebody depends on it. One that cannot be told from others is all of them.
    pub(crate) fn emit<E: Event + ?Sized>(&self, event: &E, change: Change) -> bool {
        self.emitted.note(event.title());
        with_topic(event, |topic| self.emit_topic(topic, change))
            .unwrap_or_else(|| self.emit_all(E::family(), change))
    }

    /// Emits what has a name; true if somebody depends on it.
    pub(crate) fn emit_named(&self, named: &Named) -> bool {
        self.emitted.note(named.title.clone());
        match named.topic() {
            None => self.emit_all(named.family, Change::Hard),
            Some(topic) => self.emit_topic(topic, Change::Hard),
        }
    }

    /// Emits an event; true if somebody depends on it.
    pub(crate) fn emit_topic(&self, topic: Topic<'_>, change: Change) -> bool {
        self.step(topic.family, &[Scope::One(topic), Scope::Any(topic.family)], change)
    }

    /// Emits all events of a family; true if somebody depends on one.
    pub(crate) fn emit_all(&self, family: Family, change: Change) -> bool {
        self.step(family, &[Scope::All(family)], change)
    }

    fn step(&self, family: Family, scopes: &[Scope<'_>], change: Change) -> bool {
        let mut state = self.state.lock();
        if !family.is_function() {
            let n_emitted = self.n_emitted.fetch_add(1, Ordering::SeqCst) + 1;
            state.watched.note(scopes.iter().map(Scope::hash), n_emitted);
        }
        let has_moved = state.move_on(scopes.iter().filter_map(|scope| state.find(scope)), change);
        drop(state);
        if has_moved {
            // After the cells: who sees this sees them.
            MOVED.fetch_add(1, Ordering::AcqRel);
        }
        has_moved
    }

    /// Remembers what is emitted from now on, for a load that learns from its result what that depends on.
    pub(crate) fn watch(self: &Arc<Self>) -> Watch {
        let mut state = self.state.lock();
        state.watched.n_watches += 1;
        Watch { since: self.n_emitted.load(Ordering::SeqCst), events: Arc::clone(self) }
    }

    /// Takes an event of that name to be emitted some day.
    pub(crate) fn announce<E: Event + ?Sized>(&self, event: &E) {
        self.emitted.note(event.title());
    }

    /// What has been emitted so far, and what results depended on.
    pub(crate) fn titles(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        (self.emitted.all(), self.heard.all())
    }
}

/// What events are called that were seen. There are as many as there are types, and some texts.
#[derive(Default)]
struct Titles(Mutex<BTreeSet<Cow<'static, str>>>);

impl Titles {
    /// Texts may be without number.
    const MANY: usize = 1024;

    fn note(&self, title: Cow<'static, str>) {
        let mut titles = self.0.lock();
        if titles.len() < Self::MANY && !titles.contains(&title) {
            titles.insert(title);
        }
    }

    fn all(&self) -> BTreeSet<String> {
        self.0.lock().iter().map(|title| title.clone().into_owned()).collect()
    }
}

/// An event to be emitted later, or all of a type.
pub(crate) struct Named {
    family: Family,
    /// Its hash and its bytes.
    event: Option<(u64, Box<[u8]>)>,
    title: Cow<'static, str>,
}

impl Named {
    pub(crate) fn title(&self) -> &str {
        &self.title
    }

    pub(crate) fn new<E: Event + ?Sized>(event: &E) -> Self {
        Self::in_family(E::family(), event)
    }

    /// An event as one of another family than its own.
    pub(crate) fn in_family<E: Event + ?Sized>(family: Family, event: &E) -> Self {
        let title = event.title();
        let event = with_topic_in(family, event, |topic| (topic.hash, topic.bytes.into()));
        Self { family, event, title }
    }

    /// The writes to an endpoint that an event names, if it names one.
    pub(crate) fn writes<E: Event + ?Sized>(
        endpoint: Family,
        event: &E,
    ) -> impl Iterator<Item = Self> {
        let method = event.method();
        let named = method.map(|_| Self::in_family(endpoint, event));
        // Whose write it is may not be known, and it may be the user's.
        let by_nobody = match method {
            Some(Method::OneUser(method)) => Some(Self::by_nobody(endpoint, method)),
            _ => None,
        };
        named.into_iter().chain(by_nobody)
    }

    /// A write to an endpoint that was not made by any user who is known.
    pub(crate) fn by_nobody(endpoint: Family, method: &str) -> Self {
        Self::in_family(endpoint, &(method,))
    }

    /// What it is called outside of the process.
    pub(crate) fn mark(&self) -> Mark {
        self.topic().map_or_else(|| Mark::all(self.family), |topic| topic.mark())
    }

    fn topic(&self) -> Option<Topic<'_>> {
        let (hash, bytes) = self.event.as_ref()?;
        Some(Topic { family: self.family, instance: None, hash: *hash, bytes })
    }

    pub(crate) fn all<E: Event + ?Sized>() -> Self {
        let title = Cow::Borrowed(E::TITLE.unwrap_or_default());
        Self { family: E::family(), event: None, title }
    }
}

/// Runs `work` with the name of an event, if it has one.
fn with_topic<E: Event + ?Sized, R>(event: &E, work: impl FnOnce(Topic<'_>) -> R) -> Option<R> {
    with_topic_in(E::family(), event, work)
}

/// Runs `work` with the name of an event as one of a family, if it has one.
fn with_topic_in<E: Event + ?Sized, R>(
    family: Family,
    event: &E,
    work: impl FnOnce(Topic<'_>) -> R,
) -> Option<R> {
    let mut key = KeyWriter::new(Start::new(family.hash()));
    event.write_to(&mut key);
    let (bytes, hash) = key.finish().ok()?;
    Some(work(Topic { family, instance: None, hash, bytes }))
}

/// How many events are remembered for those who watch.
const MANY_EMITTED: usize = 1 << 16;

/// What has been emitted while somebody watches.
#[derive(Default)]
struct Watched {
    n_watches: usize,
    /// When each was emitted last, by its hash, or its digest where another process has told: a mistaken one is taken to be emitted, which is only a load too many.
    emitted: HashMap<u64, u64>,
    /// What was emitted up to then is not known any more.
    forgotten: u64,
}

impl Watched {
    fn note(&mut self, hashes: impl Iterator<Item = u64>, n_emitted: u64) {
        if self.n_watches == 0 {
            return;
        }
        if self.emitted.len() >= MANY_EMITTED {
            self.emitted.clear();
            self.forgotten = n_emitted;
        }
        for hash in hashes {
            self.emitted.insert(hash, n_emitted);
        }
    }
}

/// Remembers, until it is dropped, what is emitted.
pub(crate) struct Watch {
    since: u64,
    events: Arc<Events>,
}

impl Watch {
    /// An event as it is now; `None` if it was emitted meanwhile, or may have been.
    pub(crate) fn stamp<E: Event + ?Sized>(&self, event: &E) -> Option<Stamp> {
        self.events.heard.note(event.title());
        with_topic(event, |topic| self.stamp_scope(Scope::One(topic))).flatten()
    }

    /// What has a name as it is now; `None` if it was emitted meanwhile, or may have been.
    pub(crate) fn stamp_named(&self, named: &Named) -> Option<Stamp> {
        named.topic().and_then(|topic| self.stamp_scope(Scope::One(topic)))
    }

    /// Any event of a family as it is now; `None` if one was emitted meanwhile, or may have been.
    pub(crate) fn stamp_any(&self, family: Family) -> Option<Stamp> {
        self.stamp_scope(Scope::Any(family))
    }

    fn stamp_scope(&self, scope: Scope<'_>) -> Option<Stamp> {
        let family = match scope {
            Scope::One(topic) => topic.family,
            Scope::Any(family) | Scope::All(family) => family,
        };
        let mut state = self.events.state.lock();
        let last = |hash: u64| state.watched.emitted.get(&hash).copied();
        let digest = self.events.digest.get();
        let last = [scope, Scope::All(family)]
            .iter()
            .flat_map(|scope| [Some(scope.hash()), digest.map(|digest| scope.digest(*digest))])
            .filter_map(|hash| last(hash?))
            .max()
            .unwrap_or(0);
        let is_current = last.max(state.watched.forgotten) <= self.since;
        is_current.then(|| self.events.stamp_scope(&mut state, scope))
    }

    /// Whether nothing at all has been emitted meanwhile.
    pub(crate) fn is_quiet(&self) -> bool {
        self.events.n_emitted.load(Ordering::SeqCst) == self.since
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut state = self.events.state.lock();
        state.watched.n_watches -= 1;
        if state.watched.n_watches == 0 {
            state.watched.emitted = HashMap::new();
        }
    }
}
