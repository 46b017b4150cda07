// errors: 1
use cache_core::cached;

#[cached(ttl = 5m)]
async fn price(id: u64) -> String {
    id
}

fn main() {}
