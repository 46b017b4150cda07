use cache_core::cached;

struct Catalog(u64);

impl Catalog {
    #[cached(handle = none)]
    fn price(id: u64) -> u64 {
        id
    }

    #[cached]
    fn name(id: u64) -> String {
        Self::price(id).to_string()
    }
}

#[cached]
impl Catalog {
    #[cached(handle = Tax)]
    fn tax(id: u64) -> u64 {
        id
    }

    #[cached(key = (self.0, id), handle = Rebate)]
    fn rebate(&self, id: u64) -> u64 {
        self.0 + id
    }

    const LIMIT: u64 = { 7 };
}

fn main() {
    assert_eq!((Catalog::price(1), &*Catalog::name(2), Catalog::tax(3)), (1, "2", 3));
    assert_eq!(Catalog(1).rebate(Catalog::LIMIT), 8);
    Tax::invalidate(&3);
    Rebate::invalidate(&Catalog(1), &7);
}
