// errors: 1
use cache_core::cached;

#[cached]
fn first(text: &str) -> &str {
    &text[..1]
}

fn main() {}
