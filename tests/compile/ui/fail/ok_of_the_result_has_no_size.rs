// errors: 1
use cache_core::cached;

#[derive(Clone)]
struct Image {
    bytes: Vec<u8>,
}

#[cached]
async fn image(id: u64) -> Result<Image, String> {
    Ok(Image { bytes: vec![0; id as usize] })
}

fn main() {}
