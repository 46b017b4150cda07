// errors: 1
use cache_core::cached;

#[cached(size = || 8)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
