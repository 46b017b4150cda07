// errors: 1
use cache_core::cached;

struct Counter {
    n: u64,
}

impl Counter {
    #[cached]
    fn next(&mut self, by: u64) -> u64 {
        self.n += by;
        self.n
    }
}

fn main() {}
