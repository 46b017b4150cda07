// errors: 1
use cache_core::cached;

use serde::Serialize;

#[derive(Serialize)]
struct Report {
    text: String,
}

#[cached]
async fn report(id: u64) -> Option<Report> {
    Some(Report { text: id.to_string() })
}

fn main() {}
