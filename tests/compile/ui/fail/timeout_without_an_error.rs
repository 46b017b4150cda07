// errors: 2
use cache_core::cached;

#[cached(timeout = 2s)]
fn infallible() -> u32 {
    42
}

#[cached(timeout = 2s)]
fn of_another_error() -> Result<u32, String> {
    Ok(42)
}

fn main() {}
