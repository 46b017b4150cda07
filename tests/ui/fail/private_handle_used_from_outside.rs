// errors: 2 (1 is enough)
mod prices {
    use cache_core::cached;

    #[cached]
    fn price(id: u64) -> u64 {
        id
    }
}

fn main() {
    prices::price::clear();
}
