// errors: 1
use cache_core::cached;

#[cached]
fn numbers(up_to: u64) -> impl Iterator<Item = u64> {
    0..up_to
}

fn main() {}
