// errors: 2
use cache_core::cached;

#[cached(ttl = 5m, refresh_at = 100%)]
fn end() -> u32 {
    42
}

#[cached(ttl = 5m, refresh_at = 80)]
fn number() -> u32 {
    42
}

fn main() {}
