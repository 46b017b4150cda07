//! A shop under load that shows what its cache does: `cargo run --release -p cache-examples --bin dashboard`.
//!
//! Its customers look at what others look at, and its staff changes a price now and then.

use std::time::Duration;

use anyhow::Result;
use cache_core::admin::Admin;
use cache_core::{Cache, Event, TimedOut, cached, emit};

const N_ARTICLES: u64 = 20_000;
const N_CUSTOMERS: usize = 16;

#[derive(Event)]
struct PriceChanged {
    article: u64,
}

/// What the shop tells of an article.
#[cached(label = "article", cost = 0.0001, invalidate_on = [PriceChanged { article }])]
async fn article(article: u64) -> String {
    pause(2).await;
    format!("article {article}: {}", "what it is good for. ".repeat(40))
}

/// How many are left, which is known for some seconds.
#[cached(ttl = 5s, refresh_at = 80%)]
async fn stock(article: u64) -> u64 {
    pause(1).await;
    article % 17
}

/// Pictures come in three sizes, and are large.
#[cached(label = "picture:{size}", max_bytes = 4MiB)]
async fn picture(article: u64, size: u32) -> Vec<u8> {
    pause(8).await;
    vec![article as u8; (size * size / 16) as usize]
}

/// A page of results, most of which nobody asks for again.
#[cached(ttl = 1m, idle = 10s)]
async fn search(words: String, page: u32) -> Vec<u64> {
    pause(20).await;
    (0..20).map(|nth| (words.len() as u64 + nth) * u64::from(page + 1)).collect()
}

/// The bank does not always answer.
#[cached(ttl = 2s, stale = 1m, on_err = stale, timeout = 500ms)]
async fn exchange_rate(currency: &'static str) -> Result<u64, TimedOut> {
    pause(if fastrand::u8(..) < 32 { 2000 } else { 30 }).await;
    Ok(100 + currency.len() as u64)
}

async fn pause(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Few articles are asked for often, many now and then.
fn some_article() -> u64 {
    (fastrand::f64().powi(8) * N_ARTICLES as f64) as u64
}

async fn customer() {
    loop {
        let id = some_article();
        article(id).await;
        stock(id).await;
        picture(id, [160, 320, 640][fastrand::usize(..3)]).await;
        if fastrand::u8(..) < 16 {
            search(format!("words {}", fastrand::u16(..500)), fastrand::u32(..3)).await;
            // Without a rate the price is shown in the shop's own currency.
            let _ = exchange_rate(["EUR", "USD", "NOK"][fastrand::usize(..3)]).await;
        }
        pause(5).await;
    }
}

async fn staff() {
    loop {
        pause(50).await;
        emit(PriceChanged { article: some_article() });
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    Cache::builder().max_bytes(8 << 20).install()?;
    let token = std::env::var("CACHE_ADMIN_TOKEN").unwrap_or("only-for-this-example".to_owned());
    let server = Admin::new()
        .token(&token)?
        .warm("articles", || async {
            article::warm((0..500).map(|id| (id,))).parallelism(8).run().await
        })
        .listen("127.0.0.1:9090")?;
    println!("http://{}/ shows what happens; the token is {token}", server.address());
    for _ in 0..N_CUSTOMERS {
        tokio::spawn(customer());
    }
    staff().await;
    Ok(())
}
