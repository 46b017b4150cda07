// errors: 1
use cache_core::cached;

#[cached(HasherInit: FxBuildHasher::default())]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
