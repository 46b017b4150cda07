// errors: 1
use cache_core::cached;

#[cached(size = 64MiB)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
