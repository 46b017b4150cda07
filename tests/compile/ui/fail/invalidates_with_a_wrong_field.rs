// errors: 1
use cache_core::{Event, invalidates};

#[derive(Event)]
struct PriceChanged {
    id: u64,
}

#[invalidates(PriceChanged { idd: id })]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
