// errors: 1
use cache_core::cached;

#[cached]
fn serve(port: u16) -> ! {
    loop {
        let _ = port;
    }
}

fn main() {}
