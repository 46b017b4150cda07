// errors: 1
use cache_core::cached;

#[cached(max_bytes = 18446744073709551615KB)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
