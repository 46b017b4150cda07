// errors: 1
use cache_core::cached;

#[cached]
unsafe extern "C" {
    safe fn abs(n: i32) -> i32;
}

fn main() {}
