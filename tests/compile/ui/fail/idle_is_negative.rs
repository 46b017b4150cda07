// errors: 1
use cache_core::cached;

#[cached(idle = -1)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
