//! Tests a cached function in a private cache whose clock moves by hand.
//!
//! The same shape works in a unit test: `cargo test --bin testing_a_cached_function`.

use std::time::Duration;

use cache_core::{cached, testing::TestCache};

/// The weather of the next hours, which changes slowly.
#[cached(ttl = 10m)]
fn forecast(city: &str) -> String {
    format!("{city}: {} °C and mostly dry", city.len() * 3)
}

/// Asks twice at once, then again when the first answer has grown old.
fn ask_three_times() -> TestCache {
    let cache = TestCache::new();
    cache.run(|| {
        forecast("Oslo");
        forecast("Oslo");
        cache.advance(Duration::from_secs(11 * 60));
        forecast("Oslo");
    });
    cache
}

fn main() {
    let cache = ask_three_times();
    println!("{}", cache.stats());
    println!("\nNothing of it reached the cache of the process:\n{}", forecast::stats());
}

#[cfg(test)]
mod tests {
    use super::ask_three_times;

    #[test]
    fn a_forecast_is_asked_for_again_after_ten_minutes() {
        ask_three_times().function("forecast").hits(1).loads(2);
    }
}
