// errors: 6
use cache_core::cached;

#[cached(ttl = 5min, max_size = 10, skip(database), ttl = 5m, jitter = 101%, banana)]
fn price(id: u64, shop: u64) -> u64 {
    id + shop
}

fn main() {}
