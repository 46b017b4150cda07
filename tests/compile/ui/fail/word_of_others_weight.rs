// errors: 1
use cache_core::cached;

#[cached(weight = 8)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
