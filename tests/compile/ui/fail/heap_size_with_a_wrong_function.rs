// errors: 1
use cache_core::HeapSize;

fn of_number(number: &u64) -> usize {
    *number as usize
}

#[derive(HeapSize)]
struct Page {
    #[heap_size(with = of_number)]
    html: String,
}

fn main() {}
