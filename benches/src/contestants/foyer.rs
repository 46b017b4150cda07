//! Hand-written memoization over foyer's cache in memory.

use std::{
    convert::Infallible,
    sync::{Arc, LazyLock},
};

use foyer::{Cache, CacheBuilder};

use super::{Class, Contestant, Function, TextRef, capacity};
use crate::work::{self, Order};

pub(crate) struct Foyer;

impl Contestant for Foyer {
    const NAME: &'static str = "foyer";
    const CLASS: Class = Class::Bounded;

    fn lacks(function: Function) -> Option<&'static str> {
        (function == Function::Expiring).then_some("has no lifetimes")
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> =
            LazyLock::new(|| CacheBuilder::new(capacity()).build());
        match CACHE.get(&key) {
            Some(entry) => *entry.value(),
            None => *CACHE.insert(key, work::number(key)).value(),
        }
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        static CACHE: LazyLock<Cache<(String, u32), String>> =
            LazyLock::new(|| CacheBuilder::new(capacity()).build());
        match CACHE.get(&TextRef(name, page)) {
            Some(entry) => entry.value().clone(),
            None => CACHE.insert((name.to_owned(), page), work::text(name, page)).value().clone(),
        }
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        static CACHE: LazyLock<Cache<(String, u32), Arc<str>>> =
            LazyLock::new(|| CacheBuilder::new(capacity()).build());
        match CACHE.get(&TextRef(name, page)) {
            Some(entry) => entry.value().clone(),
            None => {
                CACHE.insert((name.to_owned(), page), work::shared_text(name, page)).value().clone()
            }
        }
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        static CACHE: LazyLock<Cache<Order, u64>> =
            LazyLock::new(|| CacheBuilder::new(capacity()).build());
        match CACHE.get(order) {
            Some(entry) => *entry.value(),
            None => *CACHE.insert(order.clone(), work::price(order)).value(),
        }
    }

    #[inline]
    async fn number_async(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> =
            LazyLock::new(|| CacheBuilder::new(capacity()).build());
        let load = move || async move { Ok::<_, Infallible>(work::number_async(key).await) };
        *CACHE.get_or_fetch(&key, load).await.expect("the body never fails").value()
    }

    #[inline]
    async fn slow(key: u64) -> u64 {
        static CACHE: LazyLock<Cache<u64, u64>> =
            LazyLock::new(|| CacheBuilder::new(capacity()).build());
        let load = move || async move { Ok::<_, Infallible>(work::slow(key).await) };
        *CACHE.get_or_fetch(&key, load).await.expect("the body never fails").value()
    }
}
