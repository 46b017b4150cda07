// errors: 1
use cache_core::cached;

struct User {
    id: u64,
}

#[cached]
async fn name(user: &User, style: u8) -> String {
    format!("{} {style}", user.id)
}

fn main() {}
