// errors: 5
use cache_core::cached;

#[cached(validate = true)]
fn constant() -> u32 {
    42
}

#[cached(validate())]
fn nothing() -> u32 {
    42
}

#[cached(validate(|value| *value > 0))]
fn without_a_name() -> u32 {
    42
}

#[cached(validate(shape = |value| *value > 0, shape = |value| *value > 1))]
fn twice() -> u32 {
    42
}

#[cached(validate = |value| value.is_empty())]
fn of_another_type() -> u32 {
    42
}

fn main() {}
