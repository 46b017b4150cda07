// errors: 1
use cache_core::cached;

struct Db;

fn load_prices(ids: Vec<u64>) -> Vec<u64> {
    ids
}

#[cached(skip(db), batch = load_prices)]
fn price(db: &Db, id: u64) -> u64 {
    let Db = db;
    load_prices(vec![id]).remove(0)
}

fn main() {}
