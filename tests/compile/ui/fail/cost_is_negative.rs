// errors: 1
use cache_core::cached;

#[cached(cost = -0.04)]
fn answer(question: &str) -> String {
    question.to_owned()
}

fn main() {}
