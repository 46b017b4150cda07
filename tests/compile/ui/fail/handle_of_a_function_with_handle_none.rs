// errors: 1
use cache_core::cached;

#[cached(handle = none)]
fn price(id: u64) -> u64 {
    id
}

fn main() {
    price::clear();
}
