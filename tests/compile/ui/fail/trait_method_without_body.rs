// errors: 1
use cache_core::cached;

trait Prices {
    #[cached(skip(self))]
    fn price(&self, id: u64) -> u64;
}

fn main() {}
