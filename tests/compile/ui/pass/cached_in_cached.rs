// A cached function may stand in the body of another one.
use cache_core::cached;

#[cached]
fn total(n: u64) -> u64 {
    #[cached(ttl = 5m)]
    fn square(n: u64) -> u64 {
        n * n
    }
    (1..=n).map(square).sum()
}

fn main() {
    assert_eq!(total(3), 14);
    total::clear();
}
