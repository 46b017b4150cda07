// errors: 1
use cache_core::HeapSize;

#[derive(HeapSize)]
struct Page {
    #[heap_size(skip = true)]
    html: String,
}

fn main() {}
