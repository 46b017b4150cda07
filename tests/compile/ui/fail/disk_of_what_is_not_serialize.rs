// errors: 1
use cache_core::{HeapSize, cached};

#[derive(Clone, HeapSize)]
struct Area {
    width: u32,
}

#[cached(disk)]
fn area(width: u32) -> Result<Area, String> {
    Ok(Area { width })
}

fn main() {}
