// errors: 1
use cache_core::cached;

#[cached(disk, size = |_| 8)]
fn area<T: serde::Serialize + Clone + Send + Sync + 'static>(width: T) -> T {
    width
}

fn main() {}
