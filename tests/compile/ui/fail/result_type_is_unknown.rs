// errors: 1
use cache_core::cached;

#[cached]
fn price(id: u64) -> Price {
    todo!()
}

fn main() {}
