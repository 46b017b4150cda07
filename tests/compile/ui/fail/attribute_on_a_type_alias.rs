// errors: 1
use cache_core::cached;

#[cached]
type Price = u64;

fn main() {}
