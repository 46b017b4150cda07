// errors: 1
use cache_core::cached;
use std::time::Duration;

fn lifetime(name: &String) -> Duration {
    Duration::from_secs(name.len() as u64)
}

#[cached(ttl = lifetime)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
