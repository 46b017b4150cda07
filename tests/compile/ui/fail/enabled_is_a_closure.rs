// errors: 1
use cache_core::cached;

#[cached(enabled = |id| id > 7)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
