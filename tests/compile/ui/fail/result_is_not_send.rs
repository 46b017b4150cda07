// errors: 1
use cache_core::cached;

use std::rc::Rc;

#[cached(size = |_| 8)]
fn report(id: u64) -> Rc<u64> {
    Rc::new(id)
}

fn main() {}
