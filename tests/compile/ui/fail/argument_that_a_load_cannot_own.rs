// errors: 4
use cache_core::cached;

struct Db;

#[cached(skip(db), ttl = 5m, refresh_at = 80%)]
fn of_no_copy(db: &Db, id: u32) -> u32 {
    let _ = db;
    id
}

#[cached(ttl = 5m, refresh_at = 80%)]
fn borrowing(name: Option<&str>) -> usize {
    name.map_or(0, str::len)
}

#[cached(ttl = 5m, stale = 1h)]
fn taken_apart(&(one, other): &(u32, u32)) -> u32 {
    one + other
}

#[cached(skip(cell), ttl = 5m, stale = 1h)]
fn of_one_thread(cell: std::rc::Rc<u32>) -> u32 {
    *cell
}

fn main() {}
