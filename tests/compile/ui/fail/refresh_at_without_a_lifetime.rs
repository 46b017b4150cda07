// errors: 1
use cache_core::cached;

#[cached(refresh_at = 80%)]
fn answer() -> u32 {
    42
}

fn main() {}
