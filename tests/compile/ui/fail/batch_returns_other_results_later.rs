// errors: 1
use cache_core::cached;

async fn load_prices(ids: Vec<u64>) -> Result<Vec<u64>, String> {
    Ok(ids)
}

#[cached(batch = load_prices)]
async fn price(id: u64) -> Result<u64, String> {
    load_prices(vec![id]).await.map(|mut prices| prices.remove(0))
}

fn main() {}
