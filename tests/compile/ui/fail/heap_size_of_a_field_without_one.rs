// errors: 1
use cache_core::HeapSize;

struct Template;

#[derive(HeapSize)]
struct Page {
    html: String,
    template: Template,
}

fn main() {}
