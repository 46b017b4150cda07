//! What would a store cost that is built otherwise? Sketches of what is not there, beside what is.
//!
//! A sketch caches numbers only, and keeps as few promises as it says: it shows how fast that design could be at the
//! best. All take turns in one process, and a figure is the median of its rounds.

use std::{
    array,
    cell::Cell,
    collections::HashMap,
    env,
    hash::BuildHasher,
    hint::black_box,
    num::NonZeroUsize,
    sync::{
        Arc, LazyLock, OnceLock,
        atomic::{AtomicU64, Ordering, fence},
    },
    time::Instant,
};

use cache_core::{Cache, cached};
use hashbrown::DefaultHashBuilder;
use lru::LruCache;
use parking_lot::Mutex;
use quick_cache::sync::Cache as QuickCache;
use rand::{RngExt, SeedableRng, rngs::SmallRng};

const N_ROUNDS: usize = 15;

/// How many entries all of them have room for.
const CAPACITY: usize = 1_500_000;

/// The same, where every call misses.
const SMALL: usize = 10_000;

fn body(n: u64) -> u64 {
    n.wrapping_mul(31)
}

#[cached]
fn ours(n: u64) -> u64 {
    body(n)
}

static QUICK: LazyLock<QuickCache<u64, u64>> = LazyLock::new(|| QuickCache::new(CAPACITY));
static QUICK_SMALL: LazyLock<QuickCache<u64, u64>> = LazyLock::new(|| QuickCache::new(SMALL));

fn quick_in(cache: &QuickCache<u64, u64>, n: u64) -> u64 {
    cache.get_or_insert_with(&n, || Ok::<_, ()>(body(n))).unwrap_or_default()
}

static HASH: LazyLock<DefaultHashBuilder> = LazyLock::new(DefaultHashBuilder::default);

/// A line of the processor's cache that holds three entries, and is read like a *seqlock*: nothing is followed, nothing is
/// written at a hit. Values of 8 bytes, no order, no eviction, no lifetime, no counts.
#[repr(align(64))]
struct Line {
    version: AtomicU64,
    entries: [[AtomicU64; 2]; 3],
}

impl Line {
    fn new(_: usize) -> Self {
        let empty = || [AtomicU64::new(u64::MAX), AtomicU64::new(0)];
        Self { version: AtomicU64::new(0), entries: array::from_fn(|_| empty()) }
    }

    fn get(&self, key: u64) -> Option<u64> {
        let version = self.version.load(Ordering::Acquire);
        let found = self.entries.iter().find(|entry| entry[0].load(Ordering::Relaxed) == key)?;
        let value = found[1].load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        (version % 2 == 0 && self.version.load(Ordering::Relaxed) == version).then_some(value)
    }
}

static LINES: LazyLock<Box<[Line]>> = LazyLock::new(|| (0..1 << 20).map(Line::new).collect());

fn inline(n: u64) -> u64 {
    let lines = &**LINES;
    let first = (u128::from(HASH.hash_one(n)) * lines.len() as u128 >> 64) as usize;
    let found = lines[first].get(n).or_else(|| lines[(first + 1) % lines.len()].get(n));
    found.unwrap_or_else(|| {
        let value = body(n);
        // One thread fills it.
        for line in [first, first + 1].map(|line| &lines[line % lines.len()]) {
            let is_free = |entry: &&[AtomicU64; 2]| entry[0].load(Ordering::Relaxed) == u64::MAX;
            if let Some(entry) = line.entries.iter().find(is_free) {
                line.version.fetch_add(1, Ordering::Relaxed);
                entry[1].store(value, Ordering::Relaxed);
                entry[0].store(n, Ordering::Relaxed);
                line.version.fetch_add(1, Ordering::Release);
                break;
            }
        }
        value
    })
}

/// What is moved by whatever is stored, dropped or outdated.
static MOVED: AtomicU64 = AtomicU64::new(0);

/// How many results a thread has at hand.
const N_AT_HAND: usize = 1024;

thread_local! {
    static AT_HAND: [Cell<(u64, u64, u64)>; N_AT_HAND] =
        array::from_fn(|_| Cell::new((u64::MAX, 0, 0)));
}

/// A cache of each thread's own before ours, checked by one counter for all that changes. Uses are neither counted nor
/// noted, and what is evicted stays where it is.
fn front(n: u64) -> u64 {
    let place = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 54) as usize;
    AT_HAND.with(|at_hand| {
        let moved = MOVED.load(Ordering::Acquire);
        match at_hand[place].get() {
            (key, value, seen) if key == n && seen == moved => value,
            _ => {
                let value = ours(n);
                at_hand[place].set((n, value, moved));
                value
            }
        }
    })
}

fn new_lru(capacity: usize) -> Mutex<LruCache<u64, u64>> {
    Mutex::new(LruCache::new(NonZeroUsize::new(capacity).expect("it is not")))
}

static LIST: LazyLock<Mutex<LruCache<u64, u64>>> = LazyLock::new(|| new_lru(CAPACITY));

/// A list under a mutex.
fn list_in(list: &Mutex<LruCache<u64, u64>>, n: u64) -> u64 {
    if let Some(value) = list.lock().get(&n) {
        return *value;
    }
    let value = body(n);
    list.lock().put(n, value);
    value
}

static LIST_SMALL: LazyLock<Mutex<LruCache<u64, u64>>> = LazyLock::new(|| new_lru(SMALL));

/// The same, in which one caller computes what many ask for.
struct Shared {
    list: LruCache<u64, u64>,
    loads: HashMap<u64, Arc<OnceLock<u64>>>,
}

static SHARED: LazyLock<Mutex<Shared>> = LazyLock::new(|| {
    let list = LruCache::new(NonZeroUsize::new(SMALL).expect("it is not"));
    Mutex::new(Shared { list, loads: HashMap::new() })
});

fn shared(n: u64) -> u64 {
    let load = {
        let mut shared = SHARED.lock();
        if let Some(value) = shared.list.get(&n) {
            return *value;
        }
        Arc::clone(shared.loads.entry(n).or_default())
    };
    let value = *load.get_or_init(|| body(n));
    let mut shared = SHARED.lock();
    if shared.loads.remove(&n).is_some() {
        shared.list.put(n, value);
    }
    value
}

type Design = (&'static str, fn(u64) -> u64);

fn main() {
    let (what, limit) = match env::args().nth(1).as_deref() {
        None | Some("hits") => (hits as fn(), Cache::builder().max_bytes(2 << 30)),
        Some("misses") => (misses as fn(), Cache::builder().max_entries(SMALL)),
        Some(other) => panic!("`{other}` is neither `hits` nor `misses`"),
    };
    limit.install().expect("nothing was cached before");
    what();
}

fn hits() {
    let designs: [Design; 5] = [
        ("cache-core", ours),
        ("quick_cache", |n| quick_in(&QUICK, n)),
        ("a list under a mutex", |n| list_in(&LIST, n)),
        ("a cache of each thread's own before ours", front),
        ("three entries a line, nothing followed", inline),
    ];
    for n_keys in [1, 1_000, 100_000, 1_000_000] {
        println!("\nhits of {n_keys} keys, ns, and beside quick_cache");
        let mut rng = SmallRng::seed_from_u64(1);
        let n_visits = if n_keys > 10_000 { 1 << 20 } else { 1 << 14 };
        let visits: Vec<u64> = (0..n_visits).map(|_| rng.random_range(0..n_keys)).collect();
        compare(&designs, 1, |design, _| {
            // Each is asked for as often before as is noted one by one.
            (0..n_keys).for_each(|n| _ = design(n));
            let mut sum = 0;
            let begin = Instant::now();
            for n in visits.iter().cycle().take(1 << 20) {
                sum += design(black_box(*n));
            }
            black_box(sum);
            begin.elapsed().as_nanos() as f64 / f64::from(1 << 20)
        });
    }
}

fn misses() {
    let designs: [Design; 4] = [
        ("cache-core", ours),
        ("quick_cache", |n| quick_in(&QUICK_SMALL, n)),
        ("a list under a mutex", |n| list_in(&LIST_SMALL, n)),
        ("the same, and one caller computes for all", shared),
    ];
    println!("misses that evict one of 10,000, ns, and beside quick_cache");
    compare(&designs, 1, |design, round| {
        let keys = (round as u64) << 20..(round as u64) << 20 | 100_000;
        let begin = Instant::now();
        for n in keys {
            black_box(design(black_box(n)));
        }
        begin.elapsed().as_nanos() as f64 / 1e5
    });
}

/// Has all take turns, and prints the median of each and that of its ratios to one of them.
fn compare(designs: &[Design], beside: usize, time: impl Fn(fn(u64) -> u64, usize) -> f64) {
    let rounds: Vec<Vec<f64>> = (0..=N_ROUNDS)
        .map(|round| designs.iter().map(|(_, design)| time(*design, round)).collect())
        // The first one fills the caches.
        .skip(1)
        .collect();
    for (idx, (name, _)) in designs.iter().enumerate() {
        let span = median(rounds.iter().map(|round| round[idx]));
        let ratio = median(rounds.iter().map(|round| round[idx] / round[beside]));
        println!("{name:<44}{span:>10.1}{ratio:>8.2}");
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
