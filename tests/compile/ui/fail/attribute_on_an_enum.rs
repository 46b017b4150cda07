// errors: 1
use cache_core::cached;

#[cached(ttl = 5m)]
pub(crate) enum Price {
    Low,
    High,
}

fn main() {}
