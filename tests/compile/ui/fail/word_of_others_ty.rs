// errors: 1
use cache_core::cached;

#[cached(ty = "Cached<u64, u64>")]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
