// errors: 1
use cache_core::cached;

#[cached(timeout = 5s)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
