// errors: 1
use cache_core::cached;

#[cached(size = |value| value.to_string())]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
