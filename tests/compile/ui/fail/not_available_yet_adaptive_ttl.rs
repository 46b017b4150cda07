// errors: 1
use cache_core::cached;

#[cached(adaptive_ttl = 1m..1h)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
