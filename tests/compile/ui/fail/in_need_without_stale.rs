// errors: 3
use cache_core::cached;

#[cached(ttl = 5m, on_err = stale)]
fn failing() -> Result<u32, String> {
    Ok(42)
}

#[cached(ttl = 5m, soft_timeout = 50ms)]
fn slow() -> u32 {
    42
}

#[cached(ttl = 5m, stale = 1h, on_err = panic)]
fn other() -> Result<u32, String> {
    Ok(42)
}

fn main() {}
