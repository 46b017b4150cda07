// errors: 1
use cache_core::invalidates;

#[invalidates("prices")]
const fn price(id: u64) -> u64 {
    id
}

fn main() {}
