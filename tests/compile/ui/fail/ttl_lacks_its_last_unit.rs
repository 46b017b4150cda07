// errors: 1
use cache_core::cached;

#[cached(ttl = 1h30)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
