//! Changes of a tier that have yet to be made: the last one of each key, and what it takes to lose none.
//!
//! A change that there is no room for is not forgotten but becomes a coarser one: a value becomes the removal of
//! the older value, and removals become the clearing of their function.

use std::collections::{HashMap, VecDeque};

use crate::backend::{BackendKey, Scope, Told, Value};
use crate::task::Sender;

/// So many changes are made at a time.
const MAX_RUNNING: usize = 16;

/// A value is tried so often.
const N_TRIES: u32 = 2;

/// So many changes are told in one message. More of them are any change.
const MAX_TOLD: usize = 1_024;

/// What becomes of a key.
#[derive(Clone, Debug)]
pub(super) enum Change {
    Set(Value),
    Delete,
}

impl Change {
    fn len(&self) -> usize {
        match self {
            Self::Set(value) => value.as_bytes().len(),
            Self::Delete => 0,
        }
    }
}

/// Something to be done now.
#[derive(Debug)]
pub(super) enum Work {
    Change { key: BackendKey, change: Change, version: u64 },
    Clear(Scope),
    Tell(Vec<Told>),
}

/// Is dropped when what its holder waits for is done.
pub(super) type Done = Sender<()>;

pub(super) struct Queue {
    slots: HashMap<BackendKey, Slot>,
    /// The keys of the slots that are not running, each once.
    waiting: VecDeque<BackendKey>,
    /// Before any change is begun.
    clears: VecDeque<Clear>,
    /// The first of them is running.
    is_clearing: bool,
    /// What others are to be told when what was removed before is gone. Only the last one grows, and never the first.
    messages: VecDeque<Message>,
    /// The first of them is running.
    is_telling: bool,
    /// Changes and a message, or the first clear alone.
    n_running: usize,
    /// What the values take.
    bytes: usize,
    /// Where versions come from.
    n_changes: u64,
    /// How many changes became coarser.
    n_coarsened: u64,
    pub(super) max_len: usize,
    pub(super) max_bytes: usize,
    /// Those who wait until there is nothing left.
    idle: Vec<Done>,
}

struct Slot {
    /// Nothing, if it has been overtaken while it is running.
    change: Option<Change>,
    /// Tells whether the change is still the one that was begun.
    version: u64,
    /// The first removal that has not been made.
    removal: Option<u64>,
    is_running: bool,
    n_tries: u32,
    done: Vec<Done>,
}

struct Clear {
    scope: Scope,
    /// The first removal that it is.
    removal: u64,
    done: Vec<Done>,
}

struct Message {
    told: Vec<Told>,
    /// The last removal that comes before it.
    removal: u64,
    done: Vec<Done>,
}

impl Queue {
    pub(super) fn new(max_len: usize, max_bytes: usize) -> Self {
        Self {
            slots: HashMap::new(),
            waiting: VecDeque::new(),
            clears: VecDeque::new(),
            is_clearing: false,
            messages: VecDeque::new(),
            is_telling: false,
            n_running: 0,
            bytes: 0,
            n_changes: 0,
            n_coarsened: 0,
            max_len,
            max_bytes,
            idle: Vec::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() + self.clears.len() + self.messages.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn n_coarsened(&self) -> u64 {
        self.n_coarsened
    }

    /// What the tier will hold for a key, if that is known here.
    pub(super) fn upcoming(&self, key: &BackendKey) -> Option<Change> {
        match self.slots.get(key).and_then(|slot| slot.change.clone()) {
            // A clear that came later would have taken the change away.
            Some(change) => Some(change),
            None => {
                self.clears.iter().any(|clear| clear.scope.contains(key)).then_some(Change::Delete)
            }
        }
    }

    /// Notes the last change of a key, in the place of those before it.
    pub(super) fn change(&mut self, key: &BackendKey, change: Change, done: Option<Done>) {
        if !self.slots.contains_key(key) && self.slots.len() >= self.max_len {
            self.n_coarsened += 1;
            return self.clear(key.function_scope(), done);
        }
        let is_too_large = change.len() > self.max_bytes;
        let change = if is_too_large { Change::Delete } else { change };
        self.n_coarsened += u64::from(is_too_large);
        self.n_changes += 1;
        let version = self.n_changes;
        let removal = matches!(change, Change::Delete).then_some(version);
        self.bytes += change.len();
        match self.slots.get_mut(key) {
            Some(slot) => {
                self.bytes -= slot.change.as_ref().map_or(0, Change::len);
                slot.change = Some(change);
                slot.version = version;
                slot.removal = slot.removal.or(removal);
                slot.n_tries = 0;
                slot.done.extend(done);
            }
            None => {
                self.waiting.push_back(key.clone());
                let done = done.into_iter().collect();
                let (change, is_running) = (Some(change), false);
                let slot = Slot { change, version, removal, is_running, n_tries: 0, done };
                self.slots.insert(key.clone(), slot);
            }
        }
        self.keep_limit();
    }

    /// Notes that a scope is to be cleared, in the place of what was to be changed in it before.
    pub(super) fn clear(&mut self, scope: Scope, done: Option<Done>) {
        let mut done = Vec::from_iter(done);
        self.n_changes += 1;
        let mut removal = self.n_changes;
        for (_, slot) in self.slots.iter_mut().filter(|(key, _)| scope.contains(key)) {
            self.bytes -= slot.change.take().map_or(0, |change| change.len());
            slot.version = self.n_changes;
            removal = removal.min(slot.removal.take().unwrap_or(removal));
            done.append(&mut slot.done);
        }
        self.slots.retain(|_, slot| slot.is_running || slot.change.is_some());
        self.waiting.retain(|key| self.slots.contains_key(key));
        // One that is running may not reach what was noted after it began.
        let n_running = usize::from(self.is_clearing);
        match self.clears.iter_mut().skip(n_running).find(|clear| clear.scope == scope) {
            Some(clear) => {
                clear.removal = clear.removal.min(removal);
                clear.done.append(&mut done);
            }
            None => self.clears.push_back(Clear { scope, removal, done }),
        }
    }

    /// Notes what others are to be told when everything is gone that was removed before.
    pub(super) fn tell(&mut self, told: Vec<Told>, done: Option<Done>) {
        if self.messages.len() < 2 {
            self.messages.push_back(Message { told: Vec::new(), removal: 0, done: Vec::new() });
        }
        let message = self.messages.back_mut().expect("there is one");
        message.told.extend(told);
        if message.told.len() > MAX_TOLD {
            self.n_coarsened += 1;
            message.told = vec![Told::Everything];
        }
        message.removal = self.n_changes;
        message.done.extend(done);
    }

    /// Whether the first message can be sent.
    fn can_tell(&self) -> bool {
        let Some(message) = self.messages.front().filter(|_| !self.is_telling) else {
            return false;
        };
        let is_before = |removal: u64| removal <= message.removal;
        !self.clears.iter().any(|clear| is_before(clear.removal))
            && !self.slots.values().any(|slot| slot.removal.is_some_and(is_before))
    }

    /// Whether something can be begun.
    pub(super) fn is_ready(&self) -> bool {
        if self.clears.is_empty() {
            self.can_tell() || !self.waiting.is_empty() && self.n_running < MAX_RUNNING
        } else {
            // A change that is running must not arrive after the clear.
            self.n_running == 0
        }
    }

    /// Begins what comes next.
    pub(super) fn begin(&mut self) -> Option<Work> {
        if !self.is_ready() {
            return None;
        }
        self.n_running += 1;
        if let Some(clear) = self.clears.front() {
            self.is_clearing = true;
            return Some(Work::Clear(clear.scope.clone()));
        }
        if self.can_tell() {
            self.is_telling = true;
            return self.messages.front().map(|message| Work::Tell(message.told.clone()));
        }
        let key = self.waiting.pop_front()?;
        let slot = self.slots.get_mut(&key)?;
        slot.is_running = true;
        slot.n_tries += 1;
        let change = slot.change.clone()?;
        Some(Work::Change { key, change, version: slot.version })
    }

    /// Ends what was begun. What did not succeed is tried again.
    ///
    /// Those who waited for it are returned, to be dropped where no lock is held.
    pub(super) fn end(&mut self, work: Work, succeeded: bool) -> Vec<Done> {
        self.n_running -= 1;
        let mut done = match work {
            Work::Clear(_) => self.end_clear(succeeded),
            Work::Tell(_) => self.end_tell(succeeded),
            Work::Change { key, version, .. } => self.end_change(key, version, succeeded),
        };
        if self.len() == 0 {
            done.append(&mut self.idle);
        }
        done
    }

    fn end_clear(&mut self, succeeded: bool) -> Vec<Done> {
        self.is_clearing = false;
        let clear = if succeeded { self.clears.pop_front() } else { None };
        clear.map_or_else(Vec::new, |clear| clear.done)
    }

    fn end_tell(&mut self, succeeded: bool) -> Vec<Done> {
        self.is_telling = false;
        let message = if succeeded { self.messages.pop_front() } else { None };
        message.map_or_else(Vec::new, |message| message.done)
    }

    fn end_change(&mut self, key: BackendKey, version: u64, succeeded: bool) -> Vec<Done> {
        let Some(slot) = self.slots.get_mut(&key) else { return Vec::new() };
        slot.is_running = false;
        let is_last = slot.version == version;
        if succeeded {
            // What was noted while this ran may be a removal, too.
            slot.removal = slot.removal.filter(|_| !is_last).map(|_| slot.version);
        }
        if slot.change.is_none() || (is_last && succeeded) {
            let slot = self.slots.remove(&key);
            return slot.map_or_else(Vec::new, |slot| {
                self.bytes -= slot.change.map_or(0, |change| change.len());
                slot.done
            });
        }
        if is_last && slot.n_tries >= N_TRIES {
            // The tier may not want this value; the older one must go all the same.
            self.coarsen(&key);
        }
        self.waiting.push_back(key);
        Vec::new()
    }

    /// Keeps somebody waiting until nothing is left to do. If that is now, `done` comes back.
    pub(super) fn wait_until_idle(&mut self, done: Done) -> Option<Done> {
        if self.len() == 0 {
            return Some(done);
        }
        self.idle.push(done);
        None
    }

    /// Lets values go, the oldest first, until the others are within the limit.
    fn keep_limit(&mut self) {
        let mut idx = 0;
        while self.bytes > self.max_bytes
            && let Some(key) = self.waiting.get(idx).cloned()
        {
            self.coarsen(&key);
            idx += 1;
        }
    }

    /// Makes the removal of the older value out of a value.
    fn coarsen(&mut self, key: &BackendKey) {
        if let Some(slot) = self.slots.get_mut(key)
            && let Some(change @ Change::Set(_)) = &mut slot.change
        {
            self.bytes -= change.len();
            *change = Change::Delete;
            self.n_changes += 1;
            slot.version = self.n_changes;
            self.n_coarsened += 1;
        }
    }
}
