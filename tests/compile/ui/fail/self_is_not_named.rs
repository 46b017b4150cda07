// errors: 1
use cache_core::cached;

struct Catalog {
    id: u64,
}

impl Catalog {
    #[cached]
    fn price(&self, product: u64) -> u64 {
        self.id + product
    }
}

fn main() {}
