// errors: 6
// Nothing in its tokens tells that it is not a free function: see "Methods" in the documentation of the attribute.
use cache_core::cached;

struct Catalog;

impl Catalog {
    #[cached]
    fn price(id: u64) -> u64 {
        id
    }
}

fn main() {}
