// errors: 1
use cache_core::cached;

#[cached(ttl = |price| *price)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
