// errors: 1
use cache_core::cached;

#[cached(max_entries = -1)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
