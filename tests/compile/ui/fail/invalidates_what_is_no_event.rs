// errors: 1
use cache_core::invalidates;

#[invalidates(id)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
