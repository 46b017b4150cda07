// errors: 1
use cache_core::cached;

struct Catalog;
struct User {
    id: u64,
}

#[cached]
impl Catalog {
    #[cached(skip(self), handle = Name)]
    fn name(&self, user: &User) -> String {
        user.id.to_string()
    }
}

fn main() {}
