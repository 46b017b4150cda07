//! What values cost, next to what the allocator was asked for.
//!
//! This is a binary of its own with a single test, because the allocator counts for the whole process.

use cache_core::__private::{ByHeapSize as _, BySerialize as _, SizeOf};
use cache_core::HeapSize;
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};
use std::ffi::{CString, OsString};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// One value of the set: what it costs and what it was said to cost.
struct Row {
    name: &'static str,
    truth: usize,
    size: usize,
}

impl Row {
    /// In percent; what owns nothing must cost nothing.
    fn error(&self) -> f64 {
        match (self.truth, self.size) {
            (0, 0) => 0.0,
            (0, _) => f64::INFINITY,
            (truth, size) => (size as f64 - truth as f64) / truth as f64 * 100.0,
        }
    }
}

macro_rules! row {
    ($name:literal, $type:ty, $value:expr) => {{
        let region = Region::new(ALLOCATOR);
        let value: $type = black_box($value);
        let change = region.change();
        let truth = change.bytes_allocated - change.bytes_deallocated;
        let size = (&&SizeOf::<$type>::new())
            .__cache_measure()
            .heap_size_in(&value, &mut cache_core::Seen::new());
        Row { name: $name, truth, size }
    }};
}

#[derive(Clone, HeapSize)]
struct Completion {
    id: String,
    model: Cow<'static, str>,
    choices: Vec<Choice>,
    usage: Usage,
    metadata: HashMap<String, String>,
    logprobs: Option<Vec<(String, f64)>>,
    picture: Picture,
    raw: Arc<str>,
}

/// Parts whose types say nothing about their size.
#[derive(Clone, HeapSize)]
struct Picture {
    #[heap_size(with = Pixels::bytes)]
    pixels: Pixels,
    #[heap_size(skip)]
    #[expect(dead_code, reason = "there to be skipped")]
    format: Format,
}

#[derive(Clone)]
struct Pixels(Vec<u8>);

impl Pixels {
    fn bytes(&self) -> usize {
        self.0.capacity()
    }
}

#[derive(Clone)]
struct Format;

#[derive(Clone, HeapSize)]
struct Choice {
    index: u32,
    message: Message,
    finish: Finish,
}

#[derive(Clone, HeapSize)]
enum Message {
    Text(String),
    Call { name: String, arguments: BTreeMap<String, Argument> },
    Nothing,
}

#[derive(Clone, HeapSize)]
struct Argument(Box<[u8]>, Option<Box<Argument>>);

#[derive(Clone, Copy, HeapSize)]
enum Finish {
    Stop,
    Length,
}

#[derive(Clone, Copy, HeapSize)]
struct Usage {
    prompt: u32,
    completion: u32,
}

fn completion(tokens: usize) -> Completion {
    let text = "The quick brown fox jumps over the lazy dog. ".repeat(tokens / 10);
    let mut arguments = BTreeMap::new();
    for idx in 0..7_u8 {
        let inner = Argument(vec![idx; 10].into(), None);
        arguments.insert(
            format!("argument {idx}"),
            Argument(vec![idx; 30].into(), Some(Box::new(inner))),
        );
    }
    Completion {
        id: format!("chatcmpl-{tokens}"),
        model: Cow::Owned("a-model-of-some-kind".to_owned()),
        choices: vec![
            Choice { index: 0, message: Message::Text(text.clone()), finish: Finish::Stop },
            Choice {
                index: 1,
                message: Message::Call { name: "search".to_owned(), arguments },
                finish: Finish::Length,
            },
            Choice { index: 2, message: Message::Nothing, finish: Finish::Stop },
        ],
        usage: Usage { prompt: 100, completion: tokens as u32 },
        metadata: (0..5).map(|idx| (format!("key {idx}"), format!("value {idx}"))).collect(),
        logprobs: Some((0..tokens).map(|idx| (format!("token {idx}"), -0.5)).collect()),
        picture: Picture { pixels: Pixels(vec![0; 777]), format: Format },
        raw: text.into(),
    }
}

/// The same, known to serde alone.
#[derive(Serialize)]
struct Report {
    title: String,
    rows: Vec<Line>,
    totals: HashMap<String, u64>,
    boxed: Box<Line>,
    tags: Option<Vec<String>>,
    rates: Vec<f64>,
    name: &'static str,
}

#[derive(Serialize)]
struct Line {
    id: u64,
    label: String,
    price: f32,
    active: bool,
}

fn line(id: u64) -> Line {
    Line { id, label: format!("line number {id}"), price: 1.0, active: true }
}

fn report() -> Report {
    Report {
        title: "Sales of the year".to_owned(),
        rows: (0..500).map(line).collect(),
        totals: (0..40).map(|idx| (format!("region {idx}"), idx)).collect(),
        boxed: Box::new(line(7)),
        tags: Some((0..20).map(|idx| format!("tag {idx}")).collect()),
        rates: vec![0.5; 300],
        name: "a name that costs nothing",
    }
}

/// Numbers in no order, the same in every run.
fn scattered(n: u64) -> impl Iterator<Item = u64> {
    (0..n).map(|idx| idx.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
}

fn spare(text: &str, capacity: usize) -> String {
    let mut spare = String::with_capacity(capacity);
    spare.push_str(text);
    spare
}

/// A tree that grew and shrank.
fn pruned<V>(n: u64, value: impl Fn(u64) -> V) -> BTreeMap<u64, V> {
    let mut tree: BTreeMap<u64, V> = scattered(n).map(|key| (key, value(key))).collect();
    for key in scattered(n).step_by(3) {
        tree.remove(&key);
    }
    tree
}

fn grown<K: Ord, V>(entries: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut tree = BTreeMap::new();
    for (key, value) in entries {
        tree.insert(key, value);
    }
    tree
}

fn standard_set() -> Vec<Row> {
    let mut rows = vec![
        row!("u64", u64, 7),
        row!("String, exact", String, "Ada Lovelace".to_owned()),
        row!("String, 10 of 1024", String, spare("0123456789", 1024)),
        row!("Box<str>", Box<str>, "boxed text".into()),
        row!("Vec<u8> of 10 MB", Vec<u8>, vec![7; 10_000_000]),
        row!("Vec<String>, spare", Vec<String>, (0..100).map(|idx| spare("text", idx)).collect()),
        row!("Vec<Vec<u8>>, exact", Vec<Vec<u8>>, (0..100).map(|idx| vec![0; idx]).collect()),
        row!("Vec<Vec<u8>>, pushed", Vec<Vec<u8>>, {
            let mut outer = Vec::new();
            for idx in 0..100 {
                let mut inner = Vec::new();
                (0..idx).for_each(|byte| inner.push(byte));
                outer.push(inner);
            }
            outer
        }),
        row!("Vec<Box<u64>>", Vec<Box<u64>>, (0..1000).map(Box::new).collect()),
        row!(
            "Vec<(u32, Option<String>)>",
            Vec<(u32, Option<String>)>,
            (0..300).map(|idx| (idx, (idx % 2 == 0).then(|| format!("item {idx}")))).collect()
        ),
        row!("VecDeque<String>", VecDeque<String>, {
            let mut queue: VecDeque<String> = (0..50).map(|idx| format!("job {idx}")).collect();
            queue.rotate_left(20);
            queue.push_back("last".to_owned());
            queue
        }),
        row!(
            "BinaryHeap<(u8, String)>",
            BinaryHeap<(u8, String)>,
            (0..90).map(|idx| (idx, idx.to_string())).collect()
        ),
        row!("LinkedList<u8>", LinkedList<u8>, (0..100).collect()),
        row!(
            "LinkedList<String>",
            LinkedList<String>,
            (0..100).map(|idx| format!("link {idx}")).collect()
        ),
        row!(
            "PathBuf, OsString, CString",
            (PathBuf, OsString, CString),
            (
                PathBuf::from("/var/lib/cache"),
                OsString::from("name"),
                CString::new("text").expect("no zero")
            )
        ),
        row!(
            "Box<Path>, Cow, Result",
            (Box<Path>, Cow<'static, str>, Result<String, u8>),
            (Path::new("/tmp").into(), Cow::Borrowed("free"), Ok("cost".to_owned()))
        ),
        row!(
            "Mutex<Vec<u32>>, RwLock<String>",
            (Mutex<Vec<u32>>, RwLock<String>),
            (Mutex::new(vec![1; 64]), RwLock::new("locked".to_owned()))
        ),
        row!("[String; 4]", [String; 4], std::array::from_fn(|idx| idx.to_string())),
        row!(
            "Box<dyn HeapSize>",
            Box<dyn HeapSize>,
            Box::new(vec![spare("x", 100), spare("y", 200)])
        ),
        row!("Arc<String>", Arc<String>, Arc::new("shared".to_owned())),
        row!("Arc<str>, 13 bytes", Arc<str>, "thirteen byte".into()),
        row!("Arc<[u16]>", Arc<[u16]>, vec![1; 33].into()),
        row!("Rc<u8>, Rc<u128>", (Rc<u8>, Rc<u128>), (Rc::new(1), Rc::new(2))),
        row!("ten times one Arc<[u8]> of 10 KB", Vec<Arc<[u8]>>, {
            let shared: Arc<[u8]> = vec![0; 10_000].into();
            vec![shared; 10]
        }),
        row!("Completion, derived", Completion, completion(200)),
        row!("Vec<Completion>", Vec<Completion>, (10..30).map(completion).collect()),
    ];
    for n in [0, 1, 3, 4, 7, 8, 14, 15, 28, 29, 448, 449, 1000, 5000] {
        rows.push(row!("HashMap<u64, u64>", HashMap<u64, u64>, scattered(n).map(|key| (key, key)).collect()));
        rows.push(row!("HashSet<u32>", HashSet<u32>, (0..n as u32).collect()));
        rows.push(row!("HashSet<u8>", HashSet<u8>, (0..n).map(|idx| idx as u8).collect()));
        rows.push(row!("HashMap<String, Vec<u64>>", HashMap<String, Vec<u64>>,
            (0..n).map(|idx| (format!("key {idx}"), vec![idx; 3])).collect()));
        rows.push(row!("HashMap<u8, (u64, u8)>, reserved", HashMap<u8, (u64, u8)>, HashMap::with_capacity(n as usize)));
        rows.push(row!("BTreeMap<u64, String>, collected", BTreeMap<u64, String>,
            scattered(n).map(|key| (key, key.to_string())).collect()));
        rows.push(row!("BTreeMap<u64, String>, ascending", BTreeMap<u64, String>,
            grown((0..n).map(|key| (key, key.to_string())))));
        rows.push(row!("BTreeMap<u64, u8>, scattered", BTreeMap<u64, u8>, grown(scattered(n).map(|key| (key, 0)))));
        rows.push(row!("BTreeMap<u8, u64>, scattered", BTreeMap<u8, u64>, grown(scattered(n).map(|key| (key as u8, 0)))));
        rows.push(row!("BTreeMap<String, [u64; 9]>", BTreeMap<String, [u64; 9]>,
            grown(scattered(n).map(|key| (key.to_string(), [0; 9])))));
        rows.push(row!("BTreeSet<u128>", BTreeSet<u128>, scattered(n).map(u128::from).collect()));
        rows.push(row!("BTreeSet<u8>", BTreeSet<u8>, scattered(n).map(|key| key as u8).collect()));
        rows.push(row!(
            "BTreeSet<(u64, u8)>",
            BTreeSet<(u64, u8)>,
            scattered(n).map(|key| (key, 0)).collect()
        ));
        if n > 1 {
            rows.push(row!("BTreeMap<u64, String>, pruned", BTreeMap<u64, String>, pruned(n, |key| key.to_string())));
            rows.push(row!("BTreeMap<u64, ()>, pruned", BTreeMap<u64, ()>, pruned(n, |_| ())));
        }
    }
    rows
}

fn estimates() -> Vec<Row> {
    vec![
        row!("Report", Report, report()),
        row!("Vec<Line>", Vec<Line>, (0..1000).map(line).collect()),
        row!("Box<Line>", Box<Line>, Box::new(line(1))),
        row!("HashMap<String, Line>", HashMap<String, Line>, (0..200).map(|idx| (idx.to_string(), line(idx))).collect()),
        row!(
            "Vec<Vec<Line>>",
            Vec<Vec<Line>>,
            (0..30).map(|idx| (0..idx).map(line).collect()).collect()
        ),
        row!("Option<Box<Line>>", Option<Box<Line>>, Some(Box::new(line(1)))),
    ]
}

fn print(title: &str, rows: &[Row]) {
    println!("\n{title:<48} {:>12} {:>12} {:>8}", "allocated", "heap_size", "error");
    for row in rows {
        println!("{:<48} {:>12} {:>12} {:>7.1}%", row.name, row.truth, row.size, row.error());
    }
    let total = Row {
        name: "total",
        truth: rows.iter().map(|row| row.truth).sum(),
        size: rows.iter().map(|row| row.size).sum(),
    };
    println!("{:<48} {:>12} {:>12} {:>7.1}%", total.name, total.truth, total.size, total.error());
}

#[test]
fn values_cost_what_the_allocator_was_asked_for() {
    // Whatever the first use of anything allocates once must not be charged to the first row.
    drop(standard_set());

    let rows = standard_set();
    print("standard value set", &rows);
    let estimates = estimates();
    print("estimated from serde", &estimates);

    for row in rows {
        assert!(row.error().abs() <= 5.0, "{}: {} bytes were {}", row.name, row.truth, row.size);
    }
    for row in estimates {
        assert!(row.error().abs() <= 25.0, "{}: {} bytes were {}", row.name, row.truth, row.size);
    }

    let region = Region::new(ALLOCATOR);
    let flat = black_box(vec![0_u64; 100]);
    let before = region.change().allocations;
    black_box(
        (&&SizeOf::<Vec<u64>>::new())
            .__cache_measure()
            .heap_size_in(&flat, &mut cache_core::Seen::new()),
    );
    assert_eq!(
        region.change().allocations,
        before,
        "weighing a value without an `Arc` allocates nothing"
    );
}
