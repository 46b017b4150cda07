//! The functions that contestants memoize, and how often their bodies ran.
//!
//! Bodies are nearly free, so that a miss shows what the cache costs. What they return tells a right
//! answer from a wrong one.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde::Serialize;

/// How long the body of [`slow`] takes.
pub(crate) const SLOW: Duration = Duration::from_millis(5);

thread_local! {
    /// Bodies of this thread. Not atomic, because a locked instruction would be a good part of what a
    /// miss costs.
    static RAN: Cell<u64> = const { Cell::new(0) };
}

/// Bodies of async functions, which run wherever they are polled.
static ASYNC_RAN: AtomicU64 = AtomicU64::new(0);

/// An argument of five fields, two of them on the heap.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
pub(crate) struct Order {
    pub(crate) id: u64,
    pub(crate) customer: String,
    pub(crate) items: Vec<u32>,
    pub(crate) discount: Option<u16>,
    pub(crate) express: bool,
}

/// How many bodies ran on this thread, and how many async ones anywhere.
pub(crate) fn bodies() -> u64 {
    ASYNC_RAN.load(Ordering::SeqCst) + RAN.get()
}

fn ran() {
    RAN.set(RAN.get() + 1);
}

/// A number for a number.
pub(crate) fn number(key: u64) -> u64 {
    ran();
    answer(key)
}

/// What [`number`] returns, without running it.
pub(crate) fn answer(key: u64) -> u64 {
    key.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A hundred bytes of text about a page.
pub(crate) fn text(name: &str, page: u32) -> String {
    ran();
    format!("{name:>88}, {page:>10}")
}

/// The same text in a shared allocation.
pub(crate) fn shared_text(name: &str, page: u32) -> Arc<str> {
    text(name, page).into()
}

/// A number for an order.
pub(crate) fn price(order: &Order) -> u64 {
    ran();
    order.items.iter().map(|item| u64::from(*item)).sum::<u64>() + order.id
}

/// A number for a number, from an async function.
pub(crate) async fn number_async(key: u64) -> u64 {
    ASYNC_RAN.fetch_add(1, Ordering::SeqCst);
    answer(key)
}

/// A number for a number, after a while.
pub(crate) async fn slow(key: u64) -> u64 {
    ASYNC_RAN.fetch_add(1, Ordering::SeqCst);
    tokio::time::sleep(SLOW).await;
    answer(key)
}
