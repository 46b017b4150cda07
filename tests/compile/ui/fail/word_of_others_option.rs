// errors: 1
use cache_core::cached;

#[cached(option = true)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
