use cache_core::{HeapSize, cached};

#[derive(Clone)]
struct Image(Vec<u8>);

#[derive(Clone, HeapSize)]
struct Page {
    html: String,
    #[heap_size(with = of_image)]
    image: Image,
}

fn of_image(image: &Image) -> usize {
    image.0.capacity()
}

#[cached(size = |image| image.0.len())]
fn image(id: u64) -> Image {
    Image(vec![0; id as usize])
}

#[cached]
async fn page(id: u64) -> Option<Page> {
    Some(Page { html: id.to_string(), image: image(id) })
}

fn main() {
    assert_eq!(image(7).0.len(), 7);
    drop(page(7));
}
