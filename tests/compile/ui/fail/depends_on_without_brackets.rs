// errors: 1
use cache_core::cached;

#[cached]
fn tax(price: u64) -> u64 {
    price / 5
}

#[cached(depends_on = tax)]
fn price(id: u64) -> u64 {
    id + tax(id)
}

fn main() {}
