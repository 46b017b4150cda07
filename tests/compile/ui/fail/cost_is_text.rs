// errors: 1
use cache_core::cached;

#[cached(cost = "4 cents")]
fn answer(question: &str) -> String {
    question.to_owned()
}

fn main() {}
