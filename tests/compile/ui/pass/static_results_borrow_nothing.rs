use cache_core::cached;
use std::borrow::Cow;

#[cached]
fn name(id: u64) -> &'static str {
    if id == 0 { "nobody" } else { "somebody" }
}

#[cached]
fn title(id: u64) -> Cow<'static, str> {
    Cow::Owned(id.to_string())
}

#[cached(size = |_| 0)]
fn compare(id: u64) -> fn(&str) -> usize {
    let _ = id;
    str::len
}

fn main() {
    assert_eq!((name(0), &*title(7), compare(1)("four")), ("nobody", "7", 4));
}
