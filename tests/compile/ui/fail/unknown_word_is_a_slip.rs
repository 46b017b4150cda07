// errors: 1
use cache_core::cached;

#[cached(max_entires = 100)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
