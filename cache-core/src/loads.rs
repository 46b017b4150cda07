//! The register of running loads, which makes an invalidation reach results that do not exist yet.
//!
//! Whoever invalidates a key outdates its loads, and an outdated load is neither stored nor joined.

use hashbrown::HashTable;
use hashbrown::hash_table::Entry as Place;

use crate::clock::Moment;
use crate::flight::{Flight, Follower};
use crate::function::FunctionState;
use crate::identity::{Key, KeyRef};
use crate::sources::Standing;
use crate::sync::{Arc, Ref};
use crate::waits::LoadId;

/// The loads that run for one key.
struct Loads {
    key: Key,
    first: Option<Running>,
    /// Loads beside the first one: it was outdated, or wants no company.
    others: Vec<Running>,
    /// The load that others may wait for.
    open: Option<LoadId>,
}

/// A load that runs.
struct Running {
    id: LoadId,
    is_outdated: bool,
    /// What followers wait for, if there are any.
    flight: Option<Arc<Flight>>,
}

impl Loads {
    fn running(&mut self) -> impl Iterator<Item = &mut Running> {
        self.first.iter_mut().chain(&mut self.others)
    }

    fn outdate(&mut self) {
        self.open = None;
        self.running().for_each(|load| load.is_outdated = true);
    }
}

/// What a load is prepared for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    /// Being alone: what others wait for is made when the first one does.
    Welcome,
    /// Others who wait, or who ask what it is computed from: what they ask is there from the beginning.
    Expected,
}

/// How a load has ended.
pub(crate) struct Ended {
    /// Whether its result may be stored.
    pub(crate) is_current: bool,
    /// Those who wait for it. Nobody joins them any more.
    pub(crate) flight: Option<Arc<Flight>>,
}

/// The loads that run, by key.
#[derive(Default)]
pub(crate) struct Register(HashTable<Loads>);

impl Register {
    fn find(&mut self, key: KeyRef<'_>) -> Option<&mut Loads> {
        self.0.find_mut(key.hash, |loads| loads.key.is(key))
    }

    /// Makes the loads that run for a key worthless.
    pub(crate) fn outdate(&mut self, key: KeyRef<'_>) {
        if let Some(loads) = self.find(key) {
            loads.outdate();
        }
    }

    /// Makes the loads of all keys that `is_meant` picks worthless.
    pub(crate) fn outdate_all(&mut self, is_meant: impl Fn(&Key) -> bool) {
        self.0.iter_mut().filter(|loads| is_meant(&loads.key)).for_each(Loads::outdate);
    }

    /// Joins the load that runs for a key, if there is one that may be joined.
    pub(crate) fn join(
        &mut self,
        key: KeyRef<'_>,
        now: impl FnOnce() -> Moment,
    ) -> Option<Follower> {
        if self.0.is_empty() {
            return None;
        }
        let loads = self.find(key)?;
        let open = loads.open?;
        let load = loads.running().find(|load| load.id == open)?;
        let flight = load.flight.get_or_insert_with(|| Flight::new(open));
        match flight.standing(now) {
            Standing::Current => Follower::join(flight),
            Standing::Unknown => None,
            Standing::Outdated => {
                loads.outdate();
                None
            }
        }
    }

    /// What others wait for of a load that runs, made now if nobody does yet.
    pub(crate) fn flight(&mut self, hash: u64, id: LoadId) -> Option<Arc<Flight>> {
        let mut loads = self.0.iter_hash_mut(hash).flat_map(Loads::running);
        let load = loads.find(|load| load.id == id)?;
        Some(Arc::clone(load.flight.get_or_insert_with(|| Flight::new(id))))
    }

    /// Registers a load, which others may join if it `is_open`. `state` is that of the key's function.
    pub(crate) fn begin(
        &mut self,
        key: KeyRef<'_>,
        state: &Ref<FunctionState>,
        company: Company,
        is_open: bool,
    ) -> (LoadId, Option<Arc<Flight>>) {
        let is_same = |loads: &Loads| loads.key.is(key);
        let loads = match self.0.entry(key.hash, is_same, |loads| loads.key.hash) {
            Place::Occupied(loads) => loads.into_mut(),
            Place::Vacant(place) => {
                let key = key.to_owned(state.clone());
                let loads = Loads { key, first: None, others: Vec::new(), open: None };
                place.insert(loads).into_mut()
            }
        };
        let id = LoadId::new();
        let flight = (company == Company::Expected).then(|| Flight::new(id));
        let load = Running { id, is_outdated: false, flight: flight.clone() };
        if is_open {
            loads.open = Some(id);
        }
        match loads.first {
            None => loads.first = Some(load),
            Some(_) => loads.others.push(load),
        }
        (id, flight)
    }

    /// Takes a load off the register.
    pub(crate) fn end(&mut self, key: KeyRef<'_>, id: LoadId) -> Ended {
        let nothing = Ended { is_current: false, flight: None };
        let Ok(mut place) = self.0.find_entry(key.hash, |loads| loads.key.is(key)) else {
            return nothing;
        };
        let loads = place.get_mut();
        loads.open.take_if(|open| *open == id);
        let load = match loads.first.take_if(|load| load.id == id) {
            Some(load) => Some(load),
            None => {
                let idx = loads.others.iter().position(|load| load.id == id);
                idx.map(|idx| loads.others.swap_remove(idx))
            }
        };
        if loads.first.is_none() && loads.others.is_empty() {
            place.remove();
        }
        load.map_or(nothing, |load| Ended { is_current: !load.is_outdated, flight: load.flight })
    }
}
