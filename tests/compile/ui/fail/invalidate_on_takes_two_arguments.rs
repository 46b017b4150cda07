// errors: 1
use cache_core::cached;

#[cached(invalidate_on = |value, id| [("price", *value)])]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
