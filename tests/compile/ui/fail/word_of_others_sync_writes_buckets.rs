// errors: 1
use cache_core::cached;

#[cached(sync_writes_buckets = 64)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
