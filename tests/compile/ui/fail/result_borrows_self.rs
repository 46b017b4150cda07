// errors: 1
use cache_core::cached;

struct Catalog {
    name: String,
}

impl Catalog {
    #[cached(skip(self))]
    fn name(&self) -> &str {
        &self.name
    }
}

fn main() {}
