// errors: 1
use cache_core::cached;

#[cached]
struct Price {
    id: u64,
}

fn main() {}
