//! `#[cached]` of the crate cached: alone, with `max_size`, and with `sync_writes = "by_key"`.

use std::sync::Arc;

use cached::macros::cached;

use super::{Class, Contestant, Function, sized};
use crate::work::{self, Order};

/// `#[cached]`, which grows for ever, and `#[cached(ttl_secs = …)]`.
pub(crate) struct Cached;

impl Contestant for Cached {
    const NAME: &'static str = "cached";
    const CLASS: Class = Class::Unbounded;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        #[cached]
        fn number(key: u64) -> u64 {
            work::number(key)
        }
        number(key)
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        #[cached]
        fn text(name: &str, page: u32) -> String {
            work::text(name, page)
        }
        text(name, page)
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[cached]
        fn shared_text(name: &str, page: u32) -> Arc<str> {
            work::shared_text(name, page)
        }
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[cached]
        fn price(order: &Order) -> u64 {
            work::price(order)
        }
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[cached(ttl_secs = 3_600)]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        #[cached]
        async fn number_async(key: u64) -> u64 {
            work::number_async(key).await
        }
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        #[cached]
        async fn slow(key: u64) -> u64 {
            work::slow(key).await
        }
        slow(key)
    }
}

/// `#[cached(max_size = …)]`.
pub(crate) struct CachedMax;

impl Contestant for CachedMax {
    const NAME: &'static str = "cached-max";
    const CLASS: Class = Class::Bounded;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        sized! {
            CAPACITY,
            #[cached(max_size = _)]
            fn number(key: u64) -> u64 { work::number(key) }
            (key)
        }
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        sized! {
            CAPACITY,
            #[cached(max_size = _)]
            fn text(name: &str, page: u32) -> String { work::text(name, page) }
            (name, page)
        }
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[cached(max_size = 10_000)]
        fn shared_text(name: &str, page: u32) -> Arc<str> {
            work::shared_text(name, page)
        }
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[cached(max_size = 10_000)]
        fn price(order: &Order) -> u64 {
            work::price(order)
        }
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[cached(max_size = 10_000, ttl_secs = 3_600)]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        #[cached(max_size = 10_000)]
        async fn number_async(key: u64) -> u64 {
            work::number_async(key).await
        }
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        #[cached(max_size = 10_000)]
        async fn slow(key: u64) -> u64 {
            work::slow(key).await
        }
        slow(key)
    }
}

/// `#[cached(max_size = …, sync_writes = "by_key")]`: one body per key at a time.
pub(crate) struct CachedByKey;

impl Contestant for CachedByKey {
    const NAME: &'static str = "cached-by-key";
    const CLASS: Class = Class::Bounded;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        sized! {
            CAPACITY,
            #[cached(max_size = _, sync_writes = "by_key")]
            fn number(key: u64) -> u64 { work::number(key) }
            (key)
        }
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        sized! {
            CAPACITY,
            #[cached(max_size = _, sync_writes = "by_key")]
            fn text(name: &str, page: u32) -> String { work::text(name, page) }
            (name, page)
        }
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[cached(max_size = 10_000, sync_writes = "by_key")]
        fn shared_text(name: &str, page: u32) -> Arc<str> {
            work::shared_text(name, page)
        }
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[cached(max_size = 10_000, sync_writes = "by_key")]
        fn price(order: &Order) -> u64 {
            work::price(order)
        }
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[cached(max_size = 10_000, ttl_secs = 3_600, sync_writes = "by_key")]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        #[cached(max_size = 10_000, sync_writes = "by_key")]
        async fn number_async(key: u64) -> u64 {
            work::number_async(key).await
        }
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        #[cached(max_size = 10_000, sync_writes = "by_key")]
        async fn slow(key: u64) -> u64 {
            work::slow(key).await
        }
        slow(key)
    }
}
