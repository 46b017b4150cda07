// errors: 1
use cache_core::cached;

#[cached]
static PRICE: u64 = 7;

fn main() {}
