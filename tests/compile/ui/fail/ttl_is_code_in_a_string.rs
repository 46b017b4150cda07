// errors: 1
use cache_core::cached;

#[cached(ttl = "Duration::from_secs(5)")]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
