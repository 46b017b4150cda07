// errors: 1
use cache_core::cached;

#[cached(stale = 1m)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
