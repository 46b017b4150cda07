// errors: 1
use cache_core::cached;

#[cached(max_memory = "64MB")]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
