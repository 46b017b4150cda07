//! `#[memoize]`: a map for each thread by default, one for all with `SharedCache`, bounded with
//! `Capacity`.

use std::{sync::Arc, time::Duration};

use memoize::memoize;

use super::{Class, Contestant, Function, TTL_SECS, sized};
use crate::work::{self, Order};

/// `#[memoize]`: every thread has a map of its own, which grows for ever.
pub(crate) struct Memoize;

impl Contestant for Memoize {
    const NAME: &'static str = "memoize";
    const CLASS: Class = Class::Unbounded;

    fn lacks(function: Function) -> Option<&'static str> {
        no_async(function)
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        #[memoize]
        fn number(key: u64) -> u64 {
            work::number(key)
        }
        number(key)
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        #[memoize]
        fn text(name: String, page: u32) -> String {
            work::text(&name, page)
        }
        text(name.to_owned(), page)
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[memoize]
        fn shared_text(name: String, page: u32) -> Arc<str> {
            work::shared_text(&name, page)
        }
        shared_text(name.to_owned(), page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[memoize]
        fn price(order: Order) -> u64 {
            work::price(&order)
        }
        price(order.clone())
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[memoize(TimeToLive: Duration::from_secs(TTL_SECS))]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }
}

/// `#[memoize(SharedCache)]`: one map for all threads, which grows for ever.
pub(crate) struct MemoizeShared;

impl Contestant for MemoizeShared {
    const NAME: &'static str = "memoize-shared";
    const CLASS: Class = Class::Unbounded;

    fn lacks(function: Function) -> Option<&'static str> {
        no_async(function)
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        #[memoize(SharedCache)]
        fn number(key: u64) -> u64 {
            work::number(key)
        }
        number(key)
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        #[memoize(SharedCache)]
        fn text(name: String, page: u32) -> String {
            work::text(&name, page)
        }
        text(name.to_owned(), page)
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[memoize(SharedCache)]
        fn shared_text(name: String, page: u32) -> Arc<str> {
            work::shared_text(&name, page)
        }
        shared_text(name.to_owned(), page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[memoize(SharedCache)]
        fn price(order: Order) -> u64 {
            work::price(&order)
        }
        price(order.clone())
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[memoize(SharedCache, TimeToLive: Duration::from_secs(TTL_SECS))]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }
}

/// `#[memoize(SharedCache, Capacity: …)]`.
pub(crate) struct MemoizeCapacity;

impl Contestant for MemoizeCapacity {
    const NAME: &'static str = "memoize-cap";
    const CLASS: Class = Class::Bounded;

    fn lacks(function: Function) -> Option<&'static str> {
        no_async(function)
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        sized! {
            CAPACITY,
            #[memoize(Capacity: _, SharedCache)]
            fn number(key: u64) -> u64 { work::number(key) }
            (key)
        }
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        sized! {
            CAPACITY,
            #[memoize(Capacity: _, SharedCache)]
            fn text(name: String, page: u32) -> String {
                work::text(&name, page)
            }
            (name.to_owned(), page)
        }
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[memoize(Capacity: 10_000, SharedCache)]
        fn shared_text(name: String, page: u32) -> Arc<str> {
            work::shared_text(&name, page)
        }
        shared_text(name.to_owned(), page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[memoize(Capacity: 10_000, SharedCache)]
        fn price(order: Order) -> u64 {
            work::price(&order)
        }
        price(order.clone())
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[memoize(Capacity: 10_000, SharedCache, TimeToLive: Duration::from_secs(TTL_SECS))]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }
}

fn no_async(function: Function) -> Option<&'static str> {
    matches!(function, Function::NumberAsync | Function::Slow).then_some("has no async functions")
}
