// errors: 1
use cache_core::cached;

#[cached(skip)]
fn price(id: u64, shop: u64) -> u64 {
    id + shop
}

fn main() {}
