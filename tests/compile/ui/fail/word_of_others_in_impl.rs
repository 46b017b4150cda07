// errors: 1
use cache_core::cached;

#[cached(in_impl = true)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
