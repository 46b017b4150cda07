// errors: 1
use cache_core::cached;

#[cached]
fn price(id: u64) -> u64 {
    id + tax
}

fn main() {}
