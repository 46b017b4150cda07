// errors: 1
use cache_core::cached;

#[cached(none_ttl = 5s)]
async fn price(id: u64) -> u64 {
    id
}

fn main() {}
