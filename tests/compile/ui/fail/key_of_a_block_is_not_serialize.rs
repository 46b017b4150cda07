// errors: 1
use cache_core::cached;

struct Shop;
struct Catalog {
    shop: Shop,
}

#[cached]
impl Catalog {
    #[cached(key = (self.shop, id), handle = Price)]
    fn price(&self, id: u64) -> u64 {
        let Shop = self.shop;
        id
    }
}

fn main() {}
