// errors: 1
use cache_core::cached;

use serde::Serialize;

#[cached]
fn same<T: Clone + Send + Sync + Serialize>(value: T) -> T {
    value.clone()
}

fn main() {}
