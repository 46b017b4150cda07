// errors: 1
use cache_core::cached;

#[cached(err_ttl = |error| error.lifetime())]
fn price(id: u64) -> Result<u64, u64> {
    Ok(id)
}

fn main() {}
