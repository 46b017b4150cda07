//! Hand-written memoization over the `lru` crate behind one mutex.

use std::{
    hash::Hash,
    num::NonZeroUsize,
    sync::{Arc, LazyLock},
};

use lru::LruCache;
use parking_lot::Mutex;

use super::{Class, Contestant, Function, capacity};
use crate::work::{self, Order};

pub(crate) struct MutexLru;

type Cache<K, V> = LazyLock<Mutex<LruCache<K, V>>>;

impl Contestant for MutexLru {
    const NAME: &'static str = "mutex-lru";
    const CLASS: Class = Class::Bounded;

    fn lacks(function: Function) -> Option<&'static str> {
        (function == Function::Expiring).then_some("has no lifetimes")
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        static CACHE: Cache<u64, u64> = LazyLock::new(new);
        get_or(&CACHE, key, |key| work::number(*key))
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        static CACHE: Cache<(String, u32), String> = LazyLock::new(new);
        get_or(&CACHE, (name.to_owned(), page), |(name, page)| work::text(name, *page))
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        static CACHE: Cache<(String, u32), Arc<str>> = LazyLock::new(new);
        get_or(&CACHE, (name.to_owned(), page), |(name, page)| work::shared_text(name, *page))
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        static CACHE: Cache<Order, u64> = LazyLock::new(new);
        if let Some(price) = CACHE.lock().get(order) {
            return *price;
        }
        let price = work::price(order);
        CACHE.lock().put(order.clone(), price);
        price
    }

    #[inline]
    async fn number_async(key: u64) -> u64 {
        static CACHE: Cache<u64, u64> = LazyLock::new(new);
        if let Some(number) = CACHE.lock().get(&key) {
            return *number;
        }
        let number = work::number_async(key).await;
        CACHE.lock().put(key, number);
        number
    }

    #[inline]
    async fn slow(key: u64) -> u64 {
        static CACHE: Cache<u64, u64> = LazyLock::new(new);
        if let Some(number) = CACHE.lock().get(&key) {
            return *number;
        }
        let number = work::slow(key).await;
        CACHE.lock().put(key, number);
        number
    }
}

fn new<K: Eq + Hash, V>() -> Mutex<LruCache<K, V>> {
    Mutex::new(LruCache::new(NonZeroUsize::new(capacity()).expect("no capacity is zero")))
}

/// The lock is not held while the body runs.
#[inline]
fn get_or<K: Eq + Hash, V: Clone>(
    cache: &Mutex<LruCache<K, V>>,
    key: K,
    body: impl FnOnce(&K) -> V,
) -> V {
    if let Some(value) = cache.lock().get(&key) {
        return value.clone();
    }
    let value = body(&key);
    cache.lock().put(key, value.clone());
    value
}
