// errors: 2
use cache_core::cached;

struct User {
    id: u64,
}

struct Db;

#[cached]
fn name(db: &Db, user: &User) -> String {
    let Db = db;
    user.id.to_string()
}

fn main() {}
