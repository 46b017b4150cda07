// errors: 3 (1 is enough)
use cache_core::HeapSize;

struct Template;

#[derive(HeapSize)]
struct Page {
    html: String,
    template: Template,
}

fn main() {}
