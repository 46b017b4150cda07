// errors: 1
use cache_core::cached;

#[cached]
union Price {
    low: u32,
    high: f32,
}

fn main() {}
