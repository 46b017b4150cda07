// errors: 1
use cache_core::cached;

#[cached(frequency_weight = 0.3)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
