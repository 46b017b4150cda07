// errors: 1
use cache_core::cached;

use std::cell::Cell;

#[cached]
fn report(id: u64) -> Cell<u64> {
    Cell::new(id)
}

fn main() {}
