// errors: 1
use cache_core::cached;

#[cached]
pub use std::time::Duration;

fn main() {}
