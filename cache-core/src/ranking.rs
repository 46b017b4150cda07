//! Which entry is to go next, by the policy that the cache was made with.

use crate::entry::EntryRef;
use crate::order::{self, Order};
use crate::resistant::{self, Resistant};

/// Which entries go first when something has to.
///
/// What has expired or is outdated goes before all others in any case. The policy is that of the whole cache, and of the
/// limits of single functions as well.
///
/// ```
/// use cache_core::{Cache, Eviction};
///
/// # fn main() -> Result<(), cache_core::Error> {
/// Cache::builder().eviction(Eviction::ScanResistant).install()?;
/// assert_eq!(Cache::global().config().eviction, Eviction::ScanResistant);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Eviction {
    /// The least recently used entry goes first.
    #[default]
    Lru,
    /// Entries that were used often enough stay while many others are used once, or in turn.
    ///
    /// With LRU, a scan over more than fits empties the cache, and a loop over a little more than fits never hits.
    /// Here new entries are on probation; those that were used three times within some time stay, until others were
    /// within less. How much of the cache is on probation follows the workload: where LRU would have had more hits, it
    /// grows until there is next to no difference.
    ///
    /// What is remembered of keys that are gone makes an entry cost some 100 bytes more than with LRU.
    ///
    /// It is LIRS (Jiang and Zhang, 2002) with the amendment of LIRS2 (Zhong, Zhao and Jiang, 2021), on clocks as in
    /// CLOCK-Pro (Jiang, Chen and Zhang, 2005), with a probation queue as in S3-FIFO (Yang and others, 2023), whose size
    /// adapts as in ARC (Megiddo and Modha, 2003).
    ScanResistant,
}

impl Eviction {
    /// What it is called in the environment.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Lru => "lru",
            Self::ScanResistant => "scan_resistant",
        }
    }

    /// What an entry takes of the order.
    pub(crate) fn place(self) -> usize {
        match self {
            Self::Lru => order::PLACE,
            Self::ScanResistant => resistant::PLACE,
        }
    }
}

/// Entries, and in which order they are to go. It holds them.
pub(crate) enum Ranking {
    Lru(Order),
    ScanResistant(Box<Resistant>),
}

impl Ranking {
    pub(crate) fn new(eviction: Eviction) -> Self {
        match eviction {
            Eviction::Lru => Self::Lru(Order::default()),
            Eviction::ScanResistant => Self::ScanResistant(Box::default()),
        }
    }

    /// One past the highest place in use.
    pub(crate) fn end(&self) -> u32 {
        match self {
            Self::Lru(order) => order.end(),
            Self::ScanResistant(order) => order.end(),
        }
    }

    pub(crate) fn get(&self, place: u32) -> Option<&EntryRef> {
        match self {
            Self::Lru(order) => order.get(place),
            Self::ScanResistant(order) => order.get(place),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &EntryRef> {
        (0..self.end()).filter_map(|place| self.get(place))
    }

    pub(crate) fn into_entries(mut self) -> impl Iterator<Item = EntryRef> {
        (0..self.end()).filter_map(move |place| self.remove(place))
    }

    /// Adds an entry that is used now, and says where.
    pub(crate) fn insert(&mut self, entry: EntryRef, tick: u64) -> u32 {
        match self {
            Self::Lru(order) => order.insert(entry, tick),
            Self::ScanResistant(order) => order.insert(entry, tick),
        }
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<EntryRef> {
        match self {
            Self::Lru(order) => order.remove(place),
            Self::ScanResistant(order) => order.remove(place),
        }
    }

    /// Who is to go next: the tick of its last use, and its place.
    pub(crate) fn next_to_go(&mut self) -> Option<(u64, u32)> {
        match self {
            Self::Lru(order) => order.oldest(),
            Self::ScanResistant(order) => order.next_to_go(),
        }
    }

    /// Notes that an entry is about to be evicted.
    pub(crate) fn bury(&mut self, place: u32) {
        match self {
            Self::Lru(_) => {}
            Self::ScanResistant(order) => order.bury(place),
        }
    }

    /// Whether most places are empty, and many.
    pub(crate) fn is_sparse(&self) -> bool {
        match self {
            Self::Lru(order) => order.is_sparse(),
            Self::ScanResistant(order) => order.is_sparse(),
        }
    }

    /// Takes no more memory than what is left needs. `moved` is told who moves, and where from.
    pub(crate) fn close_up(&mut self, moved: impl FnMut(&EntryRef, u32)) {
        match self {
            Self::Lru(order) => order.close_up(moved),
            Self::ScanResistant(order) => order.close_up(moved),
        }
    }
}
