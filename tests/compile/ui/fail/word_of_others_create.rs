// errors: 1
use cache_core::cached;

#[cached(create = "{ Cache::new() }")]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
