// errors: 1
use cache_core::Event;

#[derive(Event)]
union Changed {
    id: u64,
    code: u32,
}

fn main() {}
