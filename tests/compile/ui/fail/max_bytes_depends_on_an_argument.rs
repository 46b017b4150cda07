// errors: 1
use cache_core::cached;

#[cached(max_bytes = limit)]
fn price(limit: usize) -> usize {
    limit
}

fn main() {}
