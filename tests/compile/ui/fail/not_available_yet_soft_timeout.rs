// errors: 1
use cache_core::cached;

#[cached(soft_timeout = 1s)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
