// errors: 1
use cache_core::cached;

#[cached(events = ["price_changed"])]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
