// A constant of an argument's name is not that argument.
use cache_core::cached;

mod limits {
    pub const id: u64 = 2;
    pub const shop: usize = 100;
}

#[cached(version = limits::id, max_entries = limits::shop)]
fn price(id: u64, shop: u64) -> u64 {
    id + shop
}

fn main() {
    assert_eq!(price(1, 2), 3);
}
