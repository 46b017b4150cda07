// errors: 1
use cache_core::cached;

struct Catalog;

#[cached]
impl Catalog {
    fn price(&self, id: u64) -> u64 {
        id
    }
}

fn main() {}
