// errors: 1
use cache_core::cached;

use std::borrow::Cow;

#[cached]
fn first<'a>(text: &'a str) -> Cow<'a, str> {
    Cow::Borrowed(&text[..1])
}

fn main() {}
