//! `#[concurrent_cached]` of the crate cached, alone and with `max_size`.

use std::sync::Arc;

use cached::macros::concurrent_cached;

use super::{Class, Contestant, Function, sized};
use crate::work::{self, Order};

/// `#[concurrent_cached]`, which grows for ever.
pub(crate) struct ConcurrentCached;

impl Contestant for ConcurrentCached {
    const NAME: &'static str = "concurrent";
    const CLASS: Class = Class::Unbounded;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        #[concurrent_cached]
        fn number(key: u64) -> u64 {
            work::number(key)
        }
        number(key)
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        #[concurrent_cached]
        fn text(name: &str, page: u32) -> String {
            work::text(name, page)
        }
        text(name, page)
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[concurrent_cached]
        fn shared_text(name: &str, page: u32) -> Arc<str> {
            work::shared_text(name, page)
        }
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[concurrent_cached]
        fn price(order: &Order) -> u64 {
            work::price(order)
        }
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[concurrent_cached(ttl_secs = 3_600)]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        #[concurrent_cached]
        async fn number_async(key: u64) -> u64 {
            work::number_async(key).await
        }
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        #[concurrent_cached]
        async fn slow(key: u64) -> u64 {
            work::slow(key).await
        }
        slow(key)
    }
}

/// `#[concurrent_cached(max_size = …)]`.
pub(crate) struct ConcurrentCachedMax;

impl Contestant for ConcurrentCachedMax {
    const NAME: &'static str = "concurrent-max";
    const CLASS: Class = Class::Bounded;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        sized! {
            CAPACITY,
            #[concurrent_cached(max_size = _)]
            fn number(key: u64) -> u64 { work::number(key) }
            (key)
        }
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        sized! {
            CAPACITY,
            #[concurrent_cached(max_size = _)]
            fn text(name: &str, page: u32) -> String { work::text(name, page) }
            (name, page)
        }
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[concurrent_cached(max_size = 10_000)]
        fn shared_text(name: &str, page: u32) -> Arc<str> {
            work::shared_text(name, page)
        }
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[concurrent_cached(max_size = 10_000)]
        fn price(order: &Order) -> u64 {
            work::price(order)
        }
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[concurrent_cached(max_size = 10_000, ttl_secs = 3_600)]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        #[concurrent_cached(max_size = 10_000)]
        async fn number_async(key: u64) -> u64 {
            work::number_async(key).await
        }
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        #[concurrent_cached(max_size = 10_000)]
        async fn slow(key: u64) -> u64 {
            work::slow(key).await
        }
        slow(key)
    }
}
