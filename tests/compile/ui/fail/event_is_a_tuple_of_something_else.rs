// errors: 1
use cache_core::cached;

#[derive(Clone, Copy, serde::Serialize)]
struct Id(u64);

#[cached(invalidate_on = [("price", id)])]
fn price(id: Id) -> u64 {
    id.0
}

fn main() {}
