// errors: 1
use cache_core::cached;

#[cached(skip(self))]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
