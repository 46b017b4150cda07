// errors: 1
use cache_core::cached;

#[cached]
fn words(text: &str) -> Option<Vec<&str>> {
    Some(text.split(' ').collect())
}

fn main() {}
