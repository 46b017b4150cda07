// errors: 1
use cache_core::cached;

#[cached]
macro_rules! price {
    () => {
        7
    };
}

fn main() {
    let _: u64 = price!();
}
