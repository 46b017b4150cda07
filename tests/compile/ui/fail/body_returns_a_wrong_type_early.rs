// errors: 1
use cache_core::cached;

#[cached]
async fn price(id: u64) -> String {
    if id == 0 {
        return 7;
    }
    id.to_string()
}

fn main() {}
