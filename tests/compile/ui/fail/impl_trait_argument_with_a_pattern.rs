// errors: 1
use cache_core::cached;

#[cached]
fn price([id]: [impl Into<u64> + serde::Serialize; 1]) -> u64 {
    id.into()
}

fn main() {}
