// errors: 1
use cache_core::HeapSize;

#[derive(HeapSize)]
struct Page {
    #[heap_size(skip, with = String::len)]
    html: String,
}

fn main() {}
