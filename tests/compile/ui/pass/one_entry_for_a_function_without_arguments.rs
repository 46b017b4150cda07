use cache_core::cached;

#[cached]
fn configuration() -> String {
    "blue".to_owned()
}

#[cached(skip(shop))]
fn rates(shop: u64) -> u64 {
    shop
}

fn main() {
    assert_eq!(configuration(), "blue");
    assert_eq!((rates(1), rates(2)), (1, 1));
    configuration::invalidate();
    rates::invalidate();
}
