use cache_core::cached;

#[cached(skip(log))]
fn price(id: u64, log: &mut Vec<u64>) -> u64 {
    log.push(id);
    id
}

#[cached(key = id, skip(log))]
fn tax(id: u64, shop: u64, log: &mut Vec<u64>) -> u64 {
    log.push(shop);
    id
}

fn main() {
    let mut log = Vec::new();
    price(7, &mut log);
    price(7, &mut log);
    tax(7, 8, &mut log);
    assert_eq!(log, [7, 8]);
}
