// errors: 1
use cache_core::{Event, cached};

#[derive(Event)]
struct PriceChanged {
    id: u64,
}

#[cached(invalidate_on = [PriceChanged { idd: id }])]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
