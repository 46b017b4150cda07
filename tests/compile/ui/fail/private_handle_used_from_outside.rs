// errors: 1
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
