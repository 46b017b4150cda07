// errors: 1
use cache_core::cached;

#[cached(refresh_if = id)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
