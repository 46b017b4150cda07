// errors: 1
use cache_core::HeapSize;

#[derive(HeapSize)]
union Bits {
    whole: u32,
    real: f32,
}

fn main() {}
