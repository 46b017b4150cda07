// errors: 1
use cache_core::cached;

struct Catalog;

impl Catalog {
    #[cached(skip(self), handle = Price)]
    fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
