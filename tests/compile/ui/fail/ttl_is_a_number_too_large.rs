// errors: 1
use cache_core::cached;

#[cached(ttl = 99999999999999999999999999s)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
