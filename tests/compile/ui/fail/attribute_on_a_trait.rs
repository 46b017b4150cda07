// errors: 1
use cache_core::cached;

#[cached]
trait Prices {
    fn price(&self) -> u64;
}

fn main() {}
