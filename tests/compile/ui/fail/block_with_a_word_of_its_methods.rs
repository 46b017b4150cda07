// errors: 1
use cache_core::cached;

struct Catalog;

#[cached(ttl = 5m)]
impl Catalog {
    #[cached(skip(self))]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
