//! Two floors that are no caches: a map behind a read-write lock, and a map for each thread.
//!
//! Neither forgets anything, counts anything or runs one body at a time.

use std::{
    cell::RefCell,
    sync::{Arc, LazyLock},
};

use hashbrown::HashMap;
use parking_lot::RwLock;

use super::{Class, Contestant, Function, TextRef};
use crate::work::{self, Order};

/// A map behind a lock that hits take for reading.
pub(crate) struct LockedMap;

type Locked<K, V> = LazyLock<RwLock<HashMap<K, V>>>;

impl Contestant for LockedMap {
    const NAME: &'static str = "floor-rwlock";
    const CLASS: Class = Class::Floor;

    fn lacks(function: Function) -> Option<&'static str> {
        (function == Function::Expiring).then_some("has no lifetimes")
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        static MAP: Locked<u64, u64> = LazyLock::new(RwLock::default);
        if let Some(number) = MAP.read().get(&key) {
            return *number;
        }
        let number = work::number(key);
        MAP.write().insert(key, number);
        number
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        static MAP: Locked<(String, u32), String> = LazyLock::new(RwLock::default);
        if let Some(text) = MAP.read().get(&TextRef(name, page)) {
            return text.clone();
        }
        let text = work::text(name, page);
        MAP.write().insert((name.to_owned(), page), text.clone());
        text
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        static MAP: Locked<(String, u32), Arc<str>> = LazyLock::new(RwLock::default);
        if let Some(text) = MAP.read().get(&TextRef(name, page)) {
            return text.clone();
        }
        let text = work::shared_text(name, page);
        MAP.write().insert((name.to_owned(), page), text.clone());
        text
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        static MAP: Locked<Order, u64> = LazyLock::new(RwLock::default);
        if let Some(price) = MAP.read().get(order) {
            return *price;
        }
        let price = work::price(order);
        MAP.write().insert(order.clone(), price);
        price
    }

    #[inline]
    async fn number_async(key: u64) -> u64 {
        static MAP: Locked<u64, u64> = LazyLock::new(RwLock::default);
        if let Some(number) = MAP.read().get(&key) {
            return *number;
        }
        let number = work::number_async(key).await;
        MAP.write().insert(key, number);
        number
    }

    #[inline]
    async fn slow(key: u64) -> u64 {
        static MAP: Locked<u64, u64> = LazyLock::new(RwLock::default);
        if let Some(number) = MAP.read().get(&key) {
            return *number;
        }
        let number = work::slow(key).await;
        MAP.write().insert(key, number);
        number
    }
}

/// A map for each thread.
pub(crate) struct LocalMap;

impl Contestant for LocalMap {
    const NAME: &'static str = "floor-local";
    const CLASS: Class = Class::Floor;

    fn lacks(function: Function) -> Option<&'static str> {
        match function {
            Function::Expiring => Some("has no lifetimes"),
            Function::NumberAsync | Function::Slow => Some("tasks move between threads"),
            _ => None,
        }
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        thread_local! {
            static MAP: RefCell<HashMap<u64, u64>> = RefCell::default();
        }
        if let Some(number) = MAP.with_borrow(|map| map.get(&key).copied()) {
            return number;
        }
        let number = work::number(key);
        MAP.with_borrow_mut(|map| map.insert(key, number));
        number
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        thread_local! {
            static MAP: RefCell<HashMap<(String, u32), String>> = RefCell::default();
        }
        if let Some(text) = MAP.with_borrow(|map| map.get(&TextRef(name, page)).cloned()) {
            return text;
        }
        let text = work::text(name, page);
        MAP.with_borrow_mut(|map| map.insert((name.to_owned(), page), text.clone()));
        text
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        thread_local! {
            static MAP: RefCell<HashMap<(String, u32), Arc<str>>> = RefCell::default();
        }
        if let Some(text) = MAP.with_borrow(|map| map.get(&TextRef(name, page)).cloned()) {
            return text;
        }
        let text = work::shared_text(name, page);
        MAP.with_borrow_mut(|map| map.insert((name.to_owned(), page), text.clone()));
        text
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        thread_local! {
            static MAP: RefCell<HashMap<Order, u64>> = RefCell::default();
        }
        if let Some(price) = MAP.with_borrow(|map| map.get(order).copied()) {
            return price;
        }
        let price = work::price(order);
        MAP.with_borrow_mut(|map| map.insert(order.clone(), price));
        price
    }
}
