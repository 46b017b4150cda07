// errors: 1
use cache_core::cached;

#[cached(crate = "my_crate")]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
