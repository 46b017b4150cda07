// errors: 4
// The function then looks for its handle in the module.
use cache_core::cached;

mod price {}

#[cached]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
