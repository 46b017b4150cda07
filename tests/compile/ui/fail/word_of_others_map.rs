// errors: 1
use cache_core::cached;

#[cached(map = r#"Err(_)"#)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
