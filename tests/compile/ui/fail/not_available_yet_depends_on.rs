// errors: 1
use cache_core::cached;

#[cached(depends_on = [shop])]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
