// errors: 3
// Such a function is always unsafe, and unstable, which the compiler says.
use cache_core::cached;

#[cached]
unsafe extern "C" fn sum(n: u32, _more: ...) -> u32 {
    n
}

fn main() {}
