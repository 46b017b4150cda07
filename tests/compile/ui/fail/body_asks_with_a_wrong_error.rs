// errors: 1
use cache_core::cached;

#[cached]
fn price(text: &str) -> Result<u64, std::fmt::Error> {
    Ok(text.parse()?)
}

fn main() {}
