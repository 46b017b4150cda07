// errors: 1
use cache_core::cached;

#[cached]
fn show<T: ToString>(value: T) -> String {
    value.to_string()
}

fn main() {}
