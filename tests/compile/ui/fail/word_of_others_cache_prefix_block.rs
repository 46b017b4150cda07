// errors: 1
use cache_core::cached;

#[cached(cache_prefix_block = r#"{ "price" }"#)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
