//! `#[cache]` of cachelito and `#[cache_async]` of cachelito-async.

use std::sync::Arc;

use cachelito::cache;
use cachelito_async::cache_async;

use super::{Class, Contestant, Function, SMALL, sized};
use crate::work::{self, Order};

/// `#[cache]`, bounded where a workload needs a bound.
pub(crate) struct Cachelito;

impl Contestant for Cachelito {
    const NAME: &'static str = "cachelito";
    const CLASS: Class = Class::Bounded;

    fn lacks(function: Function) -> Option<&'static str> {
        matches!(function, Function::NumberAsync | Function::Slow)
            .then_some("its async functions are another crate's")
    }

    fn refuses(capacity: usize) -> Option<&'static str> {
        too_slow(capacity)
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        sized! {
            CAPACITY,
            #[cache(limit = _)]
            fn number(key: u64) -> u64 { work::number(key) }
            (key)
        }
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        #[cache(limit = 10_000)]
        fn text(name: &str, page: u32) -> String {
            work::text(name, page)
        }
        text(name, page)
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        #[cache(limit = 10_000)]
        fn shared_text(name: &str, page: u32) -> Arc<str> {
            work::shared_text(name, page)
        }
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        #[cache(limit = 10_000)]
        fn price(order: &Order) -> u64 {
            work::price(order)
        }
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        #[cache(limit = 10_000, ttl = 3_600)]
        fn expiring(key: u64) -> u64 {
            work::number(key)
        }
        expiring(key)
    }
}

impl cachelito_core::DefaultCacheableKey for Order {}

/// `#[cache_async]`.
pub(crate) struct CachelitoAsync;

impl Contestant for CachelitoAsync {
    const NAME: &'static str = "cachelito-async";
    const CLASS: Class = Class::Bounded;

    fn lacks(function: Function) -> Option<&'static str> {
        (!matches!(function, Function::NumberAsync | Function::Slow))
            .then_some("is for async functions")
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        #[cache_async(limit = 10_000)]
        async fn number_async(key: u64) -> u64 {
            work::number_async(key).await
        }
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        #[cache_async(limit = 10_000)]
        async fn slow(key: u64) -> u64 {
            work::slow(key).await
        }
        slow(key)
    }
}

fn too_slow(capacity: usize) -> Option<&'static str> {
    (capacity > SMALL).then_some("an insert looks at every key, so that filling it takes minutes")
}
