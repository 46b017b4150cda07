// errors: 1
use cache_core::cached;

#[cached(disk)]
fn unit(width: u64) -> &'static str {
    if width > 1_000 { "km" } else { "m" }
}

fn main() {}
