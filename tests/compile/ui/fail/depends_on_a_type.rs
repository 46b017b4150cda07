// errors: 1
use cache_core::cached;

struct Tax;

#[cached(depends_on = [Tax])]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
