// errors: 1
use cache_core::cached;

#[cached]
fn price(id: ProductId) -> u64 {
    7
}

fn main() {}
