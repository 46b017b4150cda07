// errors: 1
use cache_core::cached;

#[cached(map_error = r##"|e| e"##)]
fn price(id: u64) -> u64 {
    id
}

fn main() {}
