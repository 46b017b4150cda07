// errors: 1
use cache_core::cached;

struct Catalog;

#[cached]
impl Catalog {
    #[cached(skip(self), handle = Price)]
    fn price(&self, id: u64, shop) -> u64 {
        id
    }

    #[cached(skip(self), handle = Name)]
    fn name(&self, id: u64) -> String {
        id.to_string()
    }
}

fn main() {
    Name::clear();
    let _: String = Catalog.name(7);
}
