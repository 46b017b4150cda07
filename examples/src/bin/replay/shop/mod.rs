//! A web shop whose product pages are worth caching.
//!
//! Everything about a product follows from its id, so that any trace can be served and every run
//! renders the same pages.

mod catalogue;
mod page;

pub(crate) use page::render;
