// errors: 1
use cache_core::cached;

#[cached(cache_err)]
fn price(id: u64) -> Option<u64> {
    Some(id)
}

fn main() {}
