// errors: 1
use cache_core::cached;

#[cached(convert = r#"{ format!("{}", id) }"#)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
