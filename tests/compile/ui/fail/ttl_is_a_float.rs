// errors: 1
use cache_core::cached;

#[cached(ttl = 1.5h)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
