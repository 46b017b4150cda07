// errors: 1
use cache_core::cached;

#[cached(ttl = |id, value| lifetime(id, value))]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
