// errors: 1
use cache_core::cached;

#[cached(60)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
