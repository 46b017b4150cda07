// errors: 1
use cache_core::cached;

fn load_price(id: u64) -> Vec<u64> {
    vec![id]
}

#[cached(batch = load_price)]
fn price(id: u64) -> u64 {
    load_price(id).remove(0)
}

fn main() {}
