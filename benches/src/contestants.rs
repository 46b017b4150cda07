//! Everybody who takes part, behind one trait.
//!
//! A contestant memoizes the functions of [`work`](crate::work) through its public interface, the way
//! its documentation recommends. Nothing is called through a pointer: every workload is compiled for
//! every contestant.

mod cache_core;
mod cached;
mod cachelito;
mod concurrent_cached;
mod floor;
mod foyer;
mod lru;
mod memoize;
mod moka;
mod quick_cache;

use std::{
    future::{Future, ready},
    sync::{Arc, OnceLock},
};

use crate::work::Order;

/// The capacity behind most workloads: enough for the 1,000 keys of a hit, full for misses.
pub(crate) const SMALL: usize = 10_000;
/// The capacity for a million keys of which some are wanted more often.
pub(crate) const ZIPF: usize = 100_000;
/// Holds 100,000 keys even where a capacity is divided among shards.
pub(crate) const LARGE: usize = 125_000;
/// A million, for the bytes that an entry takes.
pub(crate) const MEMORY: usize = 1_000_000;
/// Holds a million keys even where a capacity is divided among shards.
pub(crate) const HUGE: usize = 1_125_000;

/// How long the entries of [`Contestant::expiring`] live: longer than any run.
const TTL_SECS: u64 = 3_600;

/// The capacity for this process, set before the first call.
static CAPACITY: OnceLock<usize> = OnceLock::new();

/// What a contestant is asked to memoize.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Function {
    Number,
    Text,
    SharedText,
    Price,
    Expiring,
    Depending,
    DependingOnThree,
    NumberAsync,
    Slow,
}

/// What kind of thing a contestant is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Class {
    /// This project.
    Ours,
    /// A peer that all threads share and that keeps within a capacity.
    Bounded,
    /// A peer that grows for ever or that each thread has for itself.
    Unbounded,
    /// No cache, but what the machine allows.
    Floor,
}

impl Class {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Class::Ours => "this project",
            Class::Bounded => "bounded and shared",
            Class::Unbounded => "unbounded, or per thread",
            Class::Floor => "no cache: a floor",
        }
    }
}

/// One way to memoize a function.
///
/// `CAPACITY` is that of the process, once more as a constant, because most attributes take a literal.
/// A function that [`Contestant::lacks`] is never called.
pub(crate) trait Contestant: 'static {
    const NAME: &'static str;
    const CLASS: Class;

    /// Why a function is left out, if it is.
    fn lacks(function: Function) -> Option<&'static str>;

    /// Why a capacity is left out, if it is.
    fn refuses(_capacity: usize) -> Option<&'static str> {
        None
    }

    /// Prepares the process, before the first call.
    fn set_up(_capacity: usize) {}

    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        lacking(key)
    }

    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        lacking((name, page))
    }

    fn shared_text(name: &str, page: u32) -> Arc<str> {
        lacking((name, page))
    }

    fn price(order: &Order) -> u64 {
        lacking(order)
    }

    /// A number for a number, for [`TTL_SECS`] seconds.
    fn expiring(key: u64) -> u64 {
        lacking(key)
    }

    /// A number for a number, until an event.
    fn depending(key: u64) -> u64 {
        lacking(key)
    }

    /// A number for a number, until one of three events.
    fn depending_on_three(key: u64) -> u64 {
        lacking(key)
    }

    /// A number of a user, until [`Contestant::emit`] says that the user has changed.
    fn of_user(user: u64, key: u64) -> u64 {
        lacking((user, key))
    }

    /// Says that a user has changed.
    fn emit(user: u64) {
        lacking(user)
    }

    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        ready(lacking(key))
    }

    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        ready(lacking(key))
    }
}

/// Something to do with a contestant, whichever it is.
pub(crate) trait Visitor {
    type Output;

    fn visit<C: Contestant>(&mut self) -> Self::Output;
}

macro_rules! contestants {
    ($($contestant:ty),* $(,)?) => {
        /// Visits the contestant of that name.
        pub(crate) fn visit<V: Visitor>(name: &str, mut visitor: V) -> Option<V::Output> {
            match name {
                $(<$contestant>::NAME => Some(visitor.visit::<$contestant>()),)*
                _ => None,
            }
        }

        /// Visits all contestants, in the order of the report.
        pub(crate) fn visit_all<V: Visitor>(mut visitor: V) -> Vec<V::Output> {
            vec![$(visitor.visit::<$contestant>()),*]
        }
    };
}

contestants![
    cache_core::CacheCore,
    cache_core::CacheCoreLimited,
    quick_cache::QuickCache,
    lru::MutexLru,
    moka::Moka,
    foyer::Foyer,
    cached::Cached,
    cached::CachedMax,
    cached::CachedByKey,
    concurrent_cached::ConcurrentCached,
    concurrent_cached::ConcurrentCachedMax,
    memoize::Memoize,
    memoize::MemoizeShared,
    memoize::MemoizeCapacity,
    cachelito::Cachelito,
    cachelito::CachelitoAsync,
    floor::LockedMap,
    floor::LocalMap,
];

/// Fixes the capacity of this process.
pub(crate) fn set_capacity(capacity: usize) {
    CAPACITY.set(capacity).expect("a process measures one workload");
}

fn capacity() -> usize {
    *CAPACITY.get().expect("the capacity is set before the first call")
}

fn lacking<T>(_arguments: impl Sized) -> T {
    unreachable!("the contestant lacks this function")
}

/// A borrowed `(String, u32)`, so that a lookup needs no owned one where a cache takes an `Equivalent`.
#[derive(Hash)]
struct TextRef<'a>(&'a str, u32);

impl hashbrown::Equivalent<(String, u32)> for TextRef<'_> {
    fn equivalent(&self, key: &(String, u32)) -> bool {
        self.0 == key.0 && self.1 == key.1
    }
}

/// Calls a function whose attribute needs the capacity as a literal: one copy for each capacity.
///
/// The place of the capacity in the attribute is marked with `_`; what stands behind the function are
/// the arguments of the call.
macro_rules! sized {
    (
        $capacity:ident,
        #[$attribute:ident($limit:ident $is:tt _ $(, $($rest:tt)*)?)]
        fn $name:ident($($parameters:tt)*) -> $output:ty $body:block
        ($($value:expr),*)
    ) => {
        match $capacity {
            crate::contestants::SMALL => {
                #[$attribute($limit $is 10_000 $(, $($rest)*)?)]
                fn $name($($parameters)*) -> $output $body
                $name($($value),*)
            }
            crate::contestants::ZIPF => {
                #[$attribute($limit $is 100_000 $(, $($rest)*)?)]
                fn $name($($parameters)*) -> $output $body
                $name($($value),*)
            }
            crate::contestants::LARGE => {
                #[$attribute($limit $is 125_000 $(, $($rest)*)?)]
                fn $name($($parameters)*) -> $output $body
                $name($($value),*)
            }
            crate::contestants::MEMORY => {
                #[$attribute($limit $is 1_000_000 $(, $($rest)*)?)]
                fn $name($($parameters)*) -> $output $body
                $name($($value),*)
            }
            crate::contestants::HUGE => {
                #[$attribute($limit $is 1_125_000 $(, $($rest)*)?)]
                fn $name($($parameters)*) -> $output $body
                $name($($value),*)
            }
            _ => unreachable!("no workload has this capacity"),
        }
    };
}
use sized;
