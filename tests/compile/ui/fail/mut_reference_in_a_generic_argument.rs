// errors: 1
use cache_core::cached;

#[cached]
fn fill(into: Option<&mut Vec<u64>>) -> usize {
    into.map_or(0, |into| into.len())
}

fn main() {}
