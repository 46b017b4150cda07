// errors: 3
use cache_core::{TimedOut, cached};

#[cached(stale = 1h, soft_timeout = 2s, timeout = 2s)]
fn in_the_wrong_order() -> Result<u32, TimedOut> {
    Ok(42)
}

#[cached(timeout = 0s)]
fn at_once() -> Result<u32, TimedOut> {
    Ok(42)
}

#[cached(ttl = 5m, refresh_at = 80%, single_flight = false)]
fn on_its_own() -> u32 {
    42
}

fn main() {}
