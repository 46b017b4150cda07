// errors: 1
use cache_core::HeapSize;

#[derive(HeapSize)]
enum Page {
    #[heap_size(skip)]
    Html(String),
    Empty,
}

fn main() {}
