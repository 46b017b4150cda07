// errors: 2
use cache_core::cached;

#[cached(idle = -1)]
fn first(text: &str, n: u64) -> &str {
    &text[..n as usize]
}

fn main() {}
