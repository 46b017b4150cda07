// errors: 1
use cache_core::HeapSize;

#[derive(HeapSize)]
#[heap_size(skip)]
struct Page {
    html: String,
}

fn main() {}
