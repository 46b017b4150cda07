// errors: 1
use cache_core::cached;

#[cached(with_cached_flag = true)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
