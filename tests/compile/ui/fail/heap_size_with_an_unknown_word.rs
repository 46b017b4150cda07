// errors: 1
use cache_core::HeapSize;

#[derive(HeapSize)]
struct Page {
    #[heap_size(ignore)]
    html: String,
}

fn main() {}
