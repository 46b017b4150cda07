// errors: 1
use cache_core::cached;

use std::borrow::Cow;

#[cached]
fn first(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(&text[..1])
}

fn main() {}
