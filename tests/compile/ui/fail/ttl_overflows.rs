// errors: 1
use cache_core::cached;

#[cached(ttl = 18446744073709551615d)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
