// errors: 1
use cache_core::cached;

#[cached(none_ttl = "0s")]
fn price(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {}
