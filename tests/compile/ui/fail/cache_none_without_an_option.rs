// errors: 1
use cache_core::cached;

#[cached(cache_none)]
fn price(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
