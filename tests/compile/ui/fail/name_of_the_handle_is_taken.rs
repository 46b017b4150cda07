// errors: 1
use cache_core::cached;

mod price {}

#[cached]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
