// errors: 1
use cache_core::cached;

#[derive(serde::Serialize)]
struct Failure;

#[cached(cache_err)]
fn report(id: u64) -> Result<u64, Failure> {
    if id == 0 { Err(Failure) } else { Ok(id) }
}

fn main() {}
