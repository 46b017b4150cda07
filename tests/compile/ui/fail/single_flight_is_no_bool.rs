// errors: 1
use cache_core::cached;

#[cached(single_flight = maybe)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
