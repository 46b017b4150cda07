// errors: 1
use cache_core::cached;

#[cached(by_key)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
