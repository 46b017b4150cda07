// errors: 1
use cache_core::cached;

#[cached(refresh_if = "force")]
fn price(id: u64, force: bool) -> u64 {
    if force { id } else { 0 }
}

fn main() {}
