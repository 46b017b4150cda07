use super::*;
use serde::Serializer;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, RwLock};

macro_rules! measure {
    ($type:ty) => {
        answers((&&SizeOf::<$type>::new()).__cache_measure())
    };
}

/// How a size was found, by what was chosen to find it.
fn answers<T, M: Measure<T>>(_: M) -> impl Fn(&T) -> (usize, bool) {
    |value| (M::heap_size(value), std::any::type_name::<M>().ends_with("Estimated"))
}

fn size<T: HeapSize + ?Sized>(value: &T) -> usize {
    value.heap_size(&mut Seen::new())
}

/// Known to serde alone.
#[derive(Clone, Serialize)]
struct Product {
    id: u64,
    name: String,
}

fn product() -> Product {
    Product { id: 7, name: "lamp".to_owned() }
}

#[test]
fn a_type_that_says_what_it_costs_is_believed() {
    assert_eq!(measure!(Vec<String>)(&vec![String::with_capacity(100)]), (24 + 100, false));
}

#[test]
fn any_other_type_is_estimated_by_what_it_serializes() {
    assert_eq!(measure!(Product)(&product()), (4, true));
    assert!(measure!(Vec<Product>)(&Vec::<Product>::new()).1, "a collection of them, too");
}

#[test]
fn the_choice_follows_the_bounds_of_a_type_parameter() {
    fn exact<T: HeapSize>(value: &T) -> (usize, bool) {
        measure!(T)(value)
    }
    fn estimated<T: Serialize>(value: &T) -> (usize, bool) {
        measure!(T)(value)
    }
    fn both<T: Serialize + HeapSize>(value: &Vec<T>) -> (usize, bool) {
        measure!(Vec<T>)(value)
    }
    let mut text = String::with_capacity(50);
    text.push_str("lamp");
    assert_eq!(exact(&text), (50, false));
    assert_eq!(estimated(&text), (4, true));
    assert_eq!(both(&vec![text]), (24 + 50, false));
}

#[test]
fn elements_that_own_nothing_are_not_visited() {
    assert!(<(u8, [Option<char>; 3], &str, Result<(), f32>)>::is_flat());
    assert!(!<(u8, String)>::is_flat());
    assert!(!Vec::<u8>::is_flat());
    // Would take minutes otherwise.
    let bytes = vec![0_u8; 10_000_000];
    for _ in 0..100_000 {
        assert_eq!(size(std::hint::black_box(&bytes)), 10_000_000);
    }
}

#[test]
fn what_is_shared_costs_once_in_a_value() {
    let shared: Arc<str> = "0123456789".into();
    assert_eq!(size(&shared), 32);
    assert_eq!(size(&[shared.clone(), shared.clone()]), 32);
    assert_eq!(size(&(shared.clone(), "0123456789".into(), shared) as &(_, Arc<str>, _)), 64);
}

#[test]
fn what_is_borrowed_or_weak_costs_nothing() {
    let text = "lamp".to_owned();
    assert_eq!(size(&&text), 0);
    assert_eq!(size(&Arc::downgrade(&Arc::new(text))), 0);
    assert_eq!(size(&(size::<str> as fn(&'static str) -> usize)), 0);
}

#[test]
fn locks_are_not_waited_for() {
    let text = || "lamp".to_owned();
    let (mutex, lock, cell) = (Mutex::new(text()), RwLock::new(text()), RefCell::new(text()));
    assert_eq!(size(&mutex) + size(&lock) + size(&cell), 12);
    let _guards = (mutex.lock(), lock.write(), cell.borrow_mut());
    assert_eq!(size(&mutex) + size(&lock) + size(&cell), 0);
    assert_eq!(size(&Cell::new(Some(1))), 0);
}

#[test]
fn a_poisoned_lock_still_has_a_size() {
    let mutex = Arc::new(Mutex::new("lamp".to_owned()));
    let other = Arc::clone(&mutex);
    let poison = move || {
        let _guard = other.lock();
        panic!("poisons the lock");
    };
    std::thread::spawn(poison).join().expect_err("it panicked");
    assert_eq!(size(&*mutex), 4);
}

#[test]
fn a_trait_object_has_a_size() {
    let parts: Vec<Box<dyn HeapSize + Send>> = vec![Box::new("lamp".to_owned()), Box::new(7_u64)];
    assert_eq!(size(&parts), 2 * 16 + (24 + 4) + 8);
}

#[test]
fn nonsense_from_a_size_function_does_not_overflow() {
    struct Huge;
    impl HeapSize for Huge {
        fn heap_size(&self, _: &mut Seen) -> usize {
            usize::MAX
        }
    }
    assert_eq!(
        size(&(vec![Huge, Huge], Box::new(Huge), Arc::new(Huge), HashMap::from([(1, Huge)]))),
        usize::MAX
    );
}

#[test]
fn an_estimate_looks_behind_references_of_iterators() {
    let products = [product(), product()];
    assert_eq!(measure!(Vec<Product>)(&products.to_vec()).0, 2 * (32 + 4));
    // A sequence of references does not own what they point to.
    #[derive(Serialize)]
    struct Names(Vec<&'static str>, Option<&'static str>);
    assert_eq!(measure!(Names)(&Names(vec!["a", "b"], Some("lamp"))).0, 2 * 8);
}

#[test]
fn an_estimate_counts_what_pointers_point_to() {
    #[derive(Serialize)]
    struct Pointers(Box<Product>, Option<Arc<Product>>, Box<str>, Arc<[u16]>);
    let pointers =
        Pointers(Box::new(product()), Some(Arc::new(product())), "lamp".into(), [1, 2, 3].into());
    assert_eq!(measure!(Pointers)(&pointers).0, (32 + 4) + (16 + 32 + 4) + 4 + (16 + 6));
}

#[test]
fn an_estimate_counts_maps_as_hash_tables() {
    #[derive(Serialize)]
    struct Prices(BTreeMap<u32, u32>);
    assert_eq!(measure!(Prices)(&Prices((0..5).map(|id| (id, id)).collect())).0, 8 * 8 + 8 + 16);
}

#[test]
fn a_value_that_refuses_to_serialize_costs_what_was_seen() {
    struct Refused;
    impl Serialize for Refused {
        fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    #[derive(Serialize)]
    struct Partly(Vec<String>, Refused, String);
    let partly = Partly(vec!["lamp".to_owned()], Refused, "unseen".to_owned());
    assert_eq!(measure!(Partly)(&partly).0, 24 + 4);
}
