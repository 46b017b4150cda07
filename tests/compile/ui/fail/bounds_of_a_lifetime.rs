// errors: 6
use cache_core::cached;

#[cached(adaptive_ttl = 30s)]
fn one() -> u32 {
    42
}

#[cached(adaptive_ttl = 10m..30s)]
fn backwards() -> u32 {
    42
}

#[cached(adaptive_ttl = 30s..)]
fn open() -> u32 {
    42
}

#[cached(adaptive_ttl = 30sec..10m)]
fn unit() -> u32 {
    42
}

#[cached(adaptive_ttl = 30s..10m, ttl = 5m, refresh_at = 80%)]
fn both() -> u32 {
    42
}

fn main() {}
