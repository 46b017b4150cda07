// errors: 1
use cache_core::cached;

#[cached(redis(ttl = 1h))]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
