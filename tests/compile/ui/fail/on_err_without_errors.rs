// errors: 1
use cache_core::cached;

#[cached(ttl = 5m, stale = 1h, on_err = stale)]
fn answer() -> u32 {
    42
}

fn main() {}
