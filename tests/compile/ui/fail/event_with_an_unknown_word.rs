// errors: 1
use cache_core::Event;

#[derive(Event)]
#[event(name = "price")]
struct PriceChanged;

fn main() {}
