// errors: 1
use cache_core::cached;

struct Shop;

#[cached]
impl Shop {
    #[cached(skip(self), batch = Self::load_prices)]
    fn price(&self, id: u64) -> u64 {
        self.load_prices(vec![id]).remove(0)
    }

    fn load_prices(&self, ids: Vec<u64>) -> Vec<u64> {
        ids
    }
}

fn main() {
    Shop.price(7);
}
