// errors: 1
use cache_core::cached;

#[cached]
fn numbers(up_to: u64) -> Option<impl Iterator<Item = u64>> {
    Some(0..up_to)
}

fn main() {}
