// errors: 1
use cache_core::cached;

#[cached(skip(db))]
fn price() -> u64 {
    7
}

fn main() {}
