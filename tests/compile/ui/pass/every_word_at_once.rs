// All words that may stand together.
use cache_core::cached;
use std::time::Duration;

const LIMIT: usize = 1 << 20;

struct Db;

#[cached(
    skip(db),
    version = 2,
    name = "prices",
    label = "price:{id}",
    ttl = 10m,
    idle = Duration::from_secs(60 * id),
    jitter = 10%,
    err_ttl = 5s,
    none_ttl = "1m 30s",
    cache_if = |price| price.is_ok(),
    single_flight = false,
    refresh_if = id == 7,
    enabled = cfg!(test),
    max_entries = 1_000,
    max_bytes = LIMIT,
    size = |_| 8,
    batch = load_prices,
    disk(ttl = 7d, codec = messagepack, compress = none),
    redis,
    handle = Prices,
    crate = cache_core,
)]
fn price(db: &Db, id: u64) -> Result<Option<u64>, String> {
    let Db = db;
    Ok(Some(id))
}

fn load_prices(_: &Db, ids: Vec<u64>) -> Vec<Result<Option<u64>, String>> {
    ids.into_iter().map(|id| Ok(Some(id))).collect()
}

fn main() {
    assert_eq!(price(&Db, 7), Ok(Some(7)));
    assert_eq!(Prices::get_many(&Db, [8, 7]), [Ok(Some(8)), Ok(Some(7))]);
    Prices::clear();
}
