// errors: 1
use cache_core::cached;

use serde::Serialize;

#[derive(Serialize)]
struct Report {
    text: String,
}

#[cached]
fn report(id: u64) -> Result<Report, String> {
    Ok(Report { text: id.to_string() })
}

fn main() {}
