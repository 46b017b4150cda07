// errors: 1
use cache_core::Event;

struct Id(u64);

#[derive(Event)]
struct PriceChanged {
    id: Id,
}

fn main() {}
