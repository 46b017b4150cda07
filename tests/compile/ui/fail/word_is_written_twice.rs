// errors: 1
use cache_core::cached;

#[cached(ttl = 5m, max_entries = 10, ttl = 6m)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
