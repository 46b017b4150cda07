// errors: 2
use cache_core::cached;

#[cached(codec = messagepack, compress = lz4)]
fn area(width: u32) -> u32 {
    width * width
}

fn main() {}
