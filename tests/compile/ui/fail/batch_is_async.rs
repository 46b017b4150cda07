// errors: 1
use cache_core::cached;

async fn load_prices(ids: Vec<u64>) -> Vec<u64> {
    ids
}

#[cached(batch = load_prices)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
