// errors: 1
use cache_core::cached;

struct Catalog;

impl Catalog {
    #[cached]
    const PRICE: u64 = 7;
}

fn main() {}
