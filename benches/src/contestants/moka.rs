//! Hand-written memoization over moka, with its `get_with` family: one body per key at a time.

use std::{
    hash::Hash,
    sync::{Arc, LazyLock},
    time::Duration,
};

use moka::{future, sync::Cache};

use super::{Class, Contestant, Function, TTL_SECS, TextRef, capacity};
use crate::work::{self, Order};

pub(crate) struct Moka;

impl Contestant for Moka {
    const NAME: &'static str = "moka";
    const CLASS: Class = Class::Bounded;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(new);
        CACHE.get_with_by_ref(&key, || work::number(key))
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        static CACHE: LazyLock<Cache<(String, u32), String>> = LazyLock::new(new);
        CACHE
            .get(&TextRef(name, page))
            .unwrap_or_else(|| CACHE.get_with((name.to_owned(), page), || work::text(name, page)))
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        static CACHE: LazyLock<Cache<(String, u32), Arc<str>>> = LazyLock::new(new);
        CACHE.get(&TextRef(name, page)).unwrap_or_else(|| {
            CACHE.get_with((name.to_owned(), page), || work::shared_text(name, page))
        })
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        static CACHE: LazyLock<Cache<Order, u64>> = LazyLock::new(new);
        CACHE.get_with_by_ref(order, || work::price(order))
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| {
            Cache::builder()
                .max_capacity(capacity() as u64)
                .time_to_live(Duration::from_secs(TTL_SECS))
                .build()
        });
        CACHE.get_with_by_ref(&key, || work::number(key))
    }

    #[inline]
    async fn number_async(key: u64) -> u64 {
        static CACHE: LazyLock<future::Cache<u64, u64>> = LazyLock::new(new_future);
        CACHE.get_with_by_ref(&key, work::number_async(key)).await
    }

    #[inline]
    async fn slow(key: u64) -> u64 {
        static CACHE: LazyLock<future::Cache<u64, u64>> = LazyLock::new(new_future);
        CACHE.get_with_by_ref(&key, work::slow(key)).await
    }
}

fn new<K, V>() -> Cache<K, V>
where
    K: Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    Cache::new(capacity() as u64)
}

fn new_future() -> future::Cache<u64, u64> {
    future::Cache::new(capacity() as u64)
}
