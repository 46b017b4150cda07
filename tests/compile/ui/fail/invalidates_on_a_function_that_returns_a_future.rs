// errors: 1
use std::future::Future;

use cache_core::invalidates;

#[invalidates("prices")]
fn price(id: u64) -> impl Future<Output = u64> {
    async move { id }
}

fn main() {}
