//! Hand-written memoization over quick_cache.

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
};

use quick_cache::sync::Cache;

use super::{Class, Contestant, Function, TextRef, capacity};
use crate::work::{self, Order};

pub(crate) struct QuickCache;

impl Contestant for QuickCache {
    const NAME: &'static str = "quick_cache";
    const CLASS: Class = Class::Bounded;

    fn lacks(function: Function) -> Option<&'static str> {
        (function == Function::Expiring).then_some("has no lifetimes")
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::new(capacity()));
        always(CACHE.get_or_insert_with(&key, || Ok(work::number(key))))
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        static CACHE: LazyLock<Cache<(String, u32), String>> =
            LazyLock::new(|| Cache::new(capacity()));
        match CACHE.get(&TextRef(name, page)) {
            Some(text) => text,
            None => always(
                CACHE.get_or_insert_with(&(name.to_owned(), page), || Ok(work::text(name, page))),
            ),
        }
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        static CACHE: LazyLock<Cache<(String, u32), Arc<str>>> =
            LazyLock::new(|| Cache::new(capacity()));
        match CACHE.get(&TextRef(name, page)) {
            Some(text) => text,
            None => always(CACHE.get_or_insert_with(&(name.to_owned(), page), || {
                Ok(work::shared_text(name, page))
            })),
        }
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        static CACHE: LazyLock<Cache<Order, u64>> = LazyLock::new(|| Cache::new(capacity()));
        always(CACHE.get_or_insert_with(order, || Ok(work::price(order))))
    }

    #[inline]
    async fn number_async(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::new(capacity()));
        let load = async { Ok(work::number_async(key).await) };
        always(CACHE.get_or_insert_async(&key, load).await)
    }

    #[inline]
    async fn slow(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> = LazyLock::new(|| Cache::new(capacity()));
        always(CACHE.get_or_insert_async(&key, async { Ok(work::slow(key).await) }).await)
    }
}

fn always<T>(result: Result<T, Infallible>) -> T {
    let Ok(value) = result;
    value
}
