// errors: 1
use cache_core::cached;

struct User {
    id: u64,
}

#[cached(key = user)]
fn name(user: &User) -> String {
    user.id.to_string()
}

fn main() {}
