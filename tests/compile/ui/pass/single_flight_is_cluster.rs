// With a tier of its own, and with the one that the environment names.
use cache_core::cached;

#[cached(single_flight = cluster)]
fn price(id: u64) -> u64 {
    id
}

#[cached(single_flight = cluster, disk)]
async fn rate(id: u64) -> u64 {
    id
}

fn main() {
    assert_eq!(price(7), 7);
    drop(rate(7));
}
