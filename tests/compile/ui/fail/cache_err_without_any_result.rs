// errors: 1
use cache_core::cached;

#[cached(cache_err)]
fn log(id: u64) {
    println!("{id}");
}

fn main() {}
