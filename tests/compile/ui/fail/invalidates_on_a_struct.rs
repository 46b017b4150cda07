// errors: 1
use cache_core::invalidates;

#[invalidates("prices")]
struct Price;

fn main() {}
