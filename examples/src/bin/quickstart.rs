//! The tour in one screen: sync, async, `Result`, the verbs of a handle, statistics.

use cache_core::{Cache, cached};

/// Counts the primes below `limit`, the slow way.
#[cached]
fn primes_below(limit: u32) -> usize {
    let is_prime = |n: &u32| (2..*n).take_while(|d| d * d <= *n).all(|d| n % d != 0);
    (2..limit).filter(is_prime).count()
}

/// Asks a bank for an exchange rate; only `Ok` is stored, so the next caller tries again.
#[cached(ttl = 10m, max_entries = 100)]
async fn exchange_rate(from: &str, to: &str) -> Result<f64, String> {
    println!("  asking the bank for {from}/{to}");
    tokio::task::yield_now().await;
    match (from, to) {
        ("EUR", "USD") => Ok(1.08),
        _ => Err(format!("no rate for {from}/{to}")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    println!("primes below 200000: {}", primes_below(200_000));
    println!("primes below 200000: {} (a hit)", primes_below(200_000));

    println!("1 EUR = {} USD", exchange_rate("EUR", "USD").await?);
    println!("1 EUR = {} USD (a hit)", exchange_rate("EUR", "USD").await?);
    println!("{}", exchange_rate("EUR", "XYZ").await.unwrap_err());
    println!(
        "{} (asked again: an error is not stored)",
        exchange_rate("EUR", "XYZ").await.unwrap_err()
    );

    // `exchange_rate(..)` calls the function, `exchange_rate::…` addresses what is stored for it.
    exchange_rate::invalidate("EUR", "USD");
    println!("after invalidate, stored: {:?}", exchange_rate::peek("EUR", "USD"));
    exchange_rate::put("EUR", "USD", Ok(1.1));
    println!("after put, 1 EUR = {} USD", exchange_rate("EUR", "USD").await?);

    println!("\nThis function:\n{}", exchange_rate::stats());
    println!("\nThe whole process:\n{}", Cache::global().stats());
    Ok(())
}
