// errors: 1
use cache_core::cached;

#[cached(cost = n_tokens * 0.001)]
fn answer(n_tokens: f64) -> String {
    n_tokens.to_string()
}

fn main() {}
