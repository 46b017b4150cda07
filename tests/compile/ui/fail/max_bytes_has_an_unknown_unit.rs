// errors: 1
use cache_core::cached;

#[cached(max_bytes = 64M)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
