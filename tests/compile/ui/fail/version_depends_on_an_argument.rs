// errors: 1
use cache_core::cached;

#[cached(version = edition + 1)]
fn price(id: u64, edition: u64) -> u64 {
    id + edition
}

fn main() {}
