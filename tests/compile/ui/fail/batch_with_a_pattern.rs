// errors: 1
use cache_core::cached;

fn load_areas(sides: Vec<(u64, u64)>) -> Vec<u64> {
    sides.into_iter().map(|(width, height)| width * height).collect()
}

#[cached(batch = load_areas)]
fn area((width, height): (u64, u64)) -> u64 {
    load_areas(vec![(width, height)]).remove(0)
}

fn main() {}
