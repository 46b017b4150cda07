// errors: 1
use cache_core::cached;

const CENTS: u32 = 4;

#[cached(cost = CENTS)]
fn answer(question: &str) -> String {
    question.to_owned()
}

fn main() {}
