// errors: 1
use cache_core::cached;

#[cached]
fn first<'a>(text: &'a str) -> &'a str {
    &text[..1]
}

fn main() {}
