//! This project, with its default settings: bounded, accounted, single flight and statistics on.

use std::sync::Arc;

use cache_core::{Cache, cached, emit};

use super::{Class, Contestant, Function, sized};
use crate::work::{self, Order};

/// More than any workload needs, so that the number of entries is what limits it.
const MAX_BYTES: usize = 4 << 30;

/// One limit for all functions, which is how the cache is meant to be used.
pub(crate) struct CacheCore;

impl Contestant for CacheCore {
    const NAME: &'static str = "cache-core";
    const CLASS: Class = Class::Ours;

    fn lacks(_function: Function) -> Option<&'static str> {
        None
    }

    fn set_up(capacity: usize) {
        install(Some(capacity));
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        number(key)
    }

    #[inline]
    fn text<const CAPACITY: usize>(name: &str, page: u32) -> String {
        text(name, page)
    }

    #[inline]
    fn shared_text(name: &str, page: u32) -> Arc<str> {
        shared_text(name, page)
    }

    #[inline]
    fn price(order: &Order) -> u64 {
        price(order)
    }

    #[inline]
    fn expiring(key: u64) -> u64 {
        expiring(key)
    }

    #[inline]
    fn depending(key: u64) -> u64 {
        depending(key)
    }

    #[inline]
    fn depending_on_three(key: u64) -> u64 {
        depending_on_three(key)
    }

    fn of_user(user: u64, key: u64) -> u64 {
        of_user(user, key)
    }

    fn emit(user: u64) {
        emit(("user", user));
    }

    #[inline]
    fn number_async(key: u64) -> impl Future<Output = u64> + Send {
        number_async(key)
    }

    #[inline]
    fn slow(key: u64) -> impl Future<Output = u64> + Send {
        slow(key)
    }
}

/// A limit on each function.
pub(crate) struct CacheCoreLimited;

impl Contestant for CacheCoreLimited {
    const NAME: &'static str = "cache-core-limit";
    const CLASS: Class = Class::Ours;

    fn lacks(function: Function) -> Option<&'static str> {
        (function != Function::Number).then_some("differs from cache-core in its limit only")
    }

    fn set_up(_capacity: usize) {
        install(None);
    }

    #[inline]
    fn number<const CAPACITY: usize>(key: u64) -> u64 {
        sized! {
            CAPACITY,
            #[cached(max_entries = _)]
            fn limited(key: u64) -> u64 { work::number(key) }
            (key)
        }
    }
}

fn install(max_entries: Option<usize>) {
    Cache::builder()
        .max_bytes(MAX_BYTES)
        .max_entries(max_entries)
        .install()
        .expect("nothing has used the cache");
}

#[cached]
fn number(key: u64) -> u64 {
    work::number(key)
}

#[cached]
fn text(name: &str, page: u32) -> String {
    work::text(name, page)
}

#[cached]
fn shared_text(name: &str, page: u32) -> Arc<str> {
    work::shared_text(name, page)
}

#[cached]
fn price(order: &Order) -> u64 {
    work::price(order)
}

#[cached(ttl = 1h, invalidate_on = [("number", key)])]
fn expiring(key: u64) -> u64 {
    work::number(key)
}

#[cached(invalidate_on = [("number", key)])]
fn depending(key: u64) -> u64 {
    work::number(key)
}

#[cached(invalidate_on = [("user", user)])]
fn of_user(user: u64, key: u64) -> u64 {
    work::number(key ^ user)
}

#[cached(invalidate_on = [("number", key), ("half", key / 2), "numbers"])]
fn depending_on_three(key: u64) -> u64 {
    work::number(key)
}

#[cached]
async fn number_async(key: u64) -> u64 {
    work::number_async(key).await
}

#[cached]
async fn slow(key: u64) -> u64 {
    work::slow(key).await
}
