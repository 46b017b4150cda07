// errors: 1
use cache_core::cached;

fn load_prices(ids: Vec<u64>) -> Vec<u64> {
    ids
}

#[cached(skip(id), batch = load_prices)]
fn price(id: u64) -> u64 {
    load_prices(vec![id]).remove(0)
}

fn main() {}
