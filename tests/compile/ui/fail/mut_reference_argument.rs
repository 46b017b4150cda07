// errors: 1
use cache_core::cached;

#[cached]
fn fill(id: u64, into: &mut Vec<u64>) -> u64 {
    into.push(id);
    id
}

fn main() {}
