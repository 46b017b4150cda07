// errors: 1
use cache_core::cached;

#[derive(serde::Serialize)]
struct Product(u64);

#[cached(label = "price:{product}")]
fn price(product: Product) -> u64 {
    product.0
}

fn main() {}
