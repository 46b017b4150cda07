// errors: 1
use cache_core::cached;

#[cached(disk_dir = "/tmp")]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
