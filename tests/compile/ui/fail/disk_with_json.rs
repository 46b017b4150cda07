// errors: 1
use cache_core::cached;

#[cached(disk(codec = json))]
fn area(width: u32) -> u32 {
    width * width
}

fn main() {}
