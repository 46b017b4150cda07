// errors: 1
use cache_core::cached;

fn fold(text: &str) -> String {
    text.to_lowercase()
}

#[cached(key = fold(id))]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
