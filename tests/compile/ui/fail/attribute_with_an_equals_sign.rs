// errors: 2
// The first is the compiler's, which passes the value on nevertheless.
use cache_core::cached;

#[cached = "5m"]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
