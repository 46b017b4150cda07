// errors: 1
use cache_core::cached;

#[cached(refresh_at = 80%)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
