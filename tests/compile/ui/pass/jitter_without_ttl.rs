// The lifetime may come from the environment.
use cache_core::cached;

#[cached(jitter = 10%)]
fn price(id: u64) -> u64 {
    id
}

fn main() {
    assert_eq!(price(7), 7);
}
