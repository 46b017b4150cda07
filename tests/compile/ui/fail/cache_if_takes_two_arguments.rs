// errors: 1
use cache_core::cached;

#[cached(cache_if = |id, value| id == value)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
