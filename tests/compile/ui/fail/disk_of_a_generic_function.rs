// errors: 1
use cache_core::cached;

#[cached(disk)]
fn area<T: serde::Serialize + Into<u64>>(width: T) -> u64 {
    width.into()
}

fn main() {}
