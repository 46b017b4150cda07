// errors: 1
use cache_core::cached;

trait Shape {}

#[cached]
fn shape<'a>(name: &'a str) -> std::sync::Arc<dyn Shape + Send + Sync + 'a> {
    struct Named<'a>(&'a str);
    impl Shape for Named<'_> {}
    std::sync::Arc::new(Named(name))
}

fn main() {}
