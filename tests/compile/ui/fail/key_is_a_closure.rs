// errors: 1
use cache_core::cached;

#[cached(key = |id| id)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
