// errors: 1
use cache_core::cached;

struct PriceChanged;

#[cached(invalidate_on = [PriceChanged])]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
