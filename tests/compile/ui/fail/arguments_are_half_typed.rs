// errors: 1
use cache_core::cached;

#[cached]
fn price(id: u64, shop) -> u64 {
    id
}

fn main() {
    let _ = price;
}
