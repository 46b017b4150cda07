// errors: 1
use cache_core::cached;

#[cached]
const PRICE: u64 = 7;

fn main() {}
