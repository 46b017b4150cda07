// errors: 1
use cache_core::cached;

#[cached(err_ttl = 0s)]
fn price(id: u64) -> Result<u64, String> {
    Ok(id)
}

fn main() {}
