// errors: 1
use cache_core::emit;

fn main() {
    emit(7);
}
