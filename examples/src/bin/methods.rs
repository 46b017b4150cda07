//! Methods: what of `self` belongs to the key is said, never guessed.

use std::cell::Cell;

use cache_core::cached;

struct Warehouse {
    id: u32,
    shelves: Vec<(&'static str, u64)>,
    /// Not part of any key: it changes with every count.
    n_counted: Cell<u32>,
}

#[cached]
impl Warehouse {
    fn new(id: u32, shelves: Vec<(&'static str, u64)>) -> Warehouse {
        Warehouse { id, shelves, n_counted: Cell::new(0) }
    }

    /// How much of an item stands on the shelves of this warehouse.
    #[cached(key = (self.id, item), handle = Stock)]
    fn stock(&self, item: &str) -> u64 {
        self.n_counted.set(self.n_counted.get() + 1);
        self.shelves.iter().filter(|(name, _)| *name == item).map(|(_, n)| n).sum()
    }

    /// Weight of a parcel, which is the same wherever it is packed.
    #[cached(skip(self), max_entries = 1_000)]
    fn parcel_grams(&self, items: &[&str]) -> usize {
        items.iter().map(|item| 100 * item.len()).sum()
    }
}

fn main() {
    let oslo = Warehouse::new(1, vec![("lamp", 3), ("chair", 5), ("lamp", 4)]);
    let turin = Warehouse::new(2, vec![("lamp", 1)]);
    for warehouse in [&oslo, &turin, &oslo] {
        println!("warehouse {}: {} lamps", warehouse.id, warehouse.stock("lamp"));
    }
    println!("Oslo was counted {} time(s)", oslo.n_counted.get());
    println!("a parcel weighs {} g", oslo.parcel_grams(&["lamp", "chair"]));
    println!("a parcel weighs {} g, from anywhere", turin.parcel_grams(&["lamp", "chair"]));
    println!("\nStock:\n{}", Stock::stats());
}
