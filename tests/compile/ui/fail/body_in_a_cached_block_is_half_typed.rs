// errors: 1
use cache_core::cached;

struct Catalog;

#[cached]
impl Catalog {
    #[cached(skip(self), handle = Price)]
    fn price(&self, id: u64) -> u64 {
        id.
    }
}

fn main() {
    Price::clear();
    let _: u64 = Catalog.price(7);
}
