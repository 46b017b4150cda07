// errors: 1
use cache_core::cached;

#[cached(CustomHasher: FxHashMap)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
