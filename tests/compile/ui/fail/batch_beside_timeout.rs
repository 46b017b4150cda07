// errors: 2
// Callers of `get_many` wait for one load of many keys, whatever a single call may take.
use cache_core::{TimedOut, cached};

#[cached(batch = load_users, stale = 1m, soft_timeout = 50ms, timeout = 2s, ttl = 1m)]
fn user(id: u64) -> Result<String, TimedOut> {
    Ok(id.to_string())
}

fn load_users(ids: Vec<u64>) -> Vec<Result<String, TimedOut>> {
    ids.into_iter().map(|id| Ok(id.to_string())).collect()
}

fn main() {}
