// errors: 1
use cache_core::invalidates;

#[invalidates("prices")]
async fn price(id: u64) -> u64 {
    id.to_string()
}

fn main() {}
