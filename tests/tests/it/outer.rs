//! What the tiers behind the memory do for a cached function.

use std::collections::BTreeSet;
use std::future::ready;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, Memory, Scope, Time, Value,
};
use cache_core::testing::TestCache;
use cache_core::{
    Backend, Builder, Cache, Endpoint, Error, Event, HeapSize, cached, emit, emit_all,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::guarded::{Mood, Moody};
use crate::redis::Server;
use crate::support::{eventually, watched};

/// A tier in memory that several caches share, as processes share a directory.
struct Shared {
    values: Memory,
    keys: Mutex<BTreeSet<BackendKey>>,
    /// Runs after the mark of an event was looked up, and before the answer is there.
    after_mark: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Shared {
    fn new() -> Arc<Self> {
        let values = Memory::new(1 << 30);
        Arc::new(Self { values, keys: Mutex::default(), after_mark: Mutex::default() })
    }

    /// A process that has just started.
    fn process(self: &Arc<Self>) -> TestCache {
        TestCache::from_builder(self.builder())
    }

    fn builder(self: &Arc<Self>) -> Builder {
        Cache::builder().custom_backend(self.clone())
    }

    /// The third part of the keys of a function.
    fn version(&self, function: &str) -> String {
        let keys = self.keys.lock().unwrap();
        let parts = keys.iter().map(|key| key.as_str().split(':').collect::<Vec<_>>());
        let versions: BTreeSet<_> = parts
            .filter(|parts| !parts[1].starts_with("mark%20"))
            .filter(|parts| parts[1].ends_with(&format!("%3A{function}")))
            .map(|parts| parts[2].to_owned())
            .collect();
        assert_eq!(versions.len(), 1, "{function} has one version, not {versions:?}");
        versions.into_iter().next().expect("there is one")
    }
}

impl CacheBackend for Shared {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        self.keys.lock().unwrap().insert(key.clone());
        let found = pollster::block_on(self.values.get(key));
        if key.as_str().contains(":mark%20type") {
            let work = self.after_mark.lock().unwrap().take();
            work.into_iter().for_each(|work| work());
        }
        Box::pin(ready(found))
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        self.values.set(key, value)
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        self.values.delete(key)
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        self.values.clear(scope)
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        self.values.stats()
    }
}

/// Runs one process: what it leaves in the tier is there when this returns.
fn run<R>(process: &TestCache, work: impl FnOnce() -> R) -> R {
    let out = process.run(work);
    assert!(process.flush(Duration::from_secs(10)), "all is written");
    out
}

/// How many bodies a process has run, and how many results it has found in the tier.
fn bodies_and_recalls(process: &TestCache, function: &str) -> (u64, u64) {
    let observed = process.function(function);
    (observed.stats().loads, observed.stats().recalled)
}

#[cached]
fn square(n: u64) -> u64 {
    n * n
}

#[test]
fn a_result_outlives_its_process() {
    let tier = Shared::new();
    let (first, second) = (tier.process(), tier.process());
    assert_eq!(run(&first, || square(7)), 49);
    assert_eq!(bodies_and_recalls(&first, "outer::square"), (1, 0));
    assert_eq!(first.stats().kept, 1);
    assert_eq!(run(&second, || (square(7), square(7))), (49, 49));
    assert_eq!(bodies_and_recalls(&second, "outer::square"), (0, 1));
    second.function("outer::square").hits(1).misses(1).insertions(1);
    // What was found there is not written again.
    assert_eq!(second.stats().kept, 0);
}

#[cached]
async fn double(n: u64) -> u64 {
    n * 2
}

#[cached(ttl = 10m, cache_if = |value| *value > 0)]
async fn triple(n: u64) -> u64 {
    n * 3
}

#[cached]
async fn length(text: &str) -> usize {
    text.len()
}

#[test]
fn an_async_function_is_answered_by_the_tier_as_well() {
    let tier = Shared::new();
    let calls =
        || pollster::block_on(async { (double(2).await, triple(2).await, length("ab").await) });
    let (first, second) = (tier.process(), tier.process());
    assert_eq!(run(&first, calls), (4, 6, 2));
    assert_eq!(run(&second, calls), (4, 6, 2));
    for function in ["outer::double", "outer::triple", "outer::length"] {
        assert_eq!(bodies_and_recalls(&first, function), (1, 0), "{function}");
        assert_eq!(bodies_and_recalls(&second, function), (0, 1), "{function}");
    }
}

#[cached(ttl = 10m)]
fn price(article: u64) -> Option<u64> {
    (article > 0).then_some(article * 100)
}

#[test]
fn an_answer_of_the_tier_lives_no_longer_than_it_would_have() {
    let tier = Shared::new();
    let (first, second) = (tier.process(), tier.process());
    run(&first, || (price(1), price(0)));
    run(&second, || {
        assert_eq!((price(1), price(0)), (Some(100), None));
        // `None` is not stored anywhere.
        assert_eq!(bodies_and_recalls(&second, "outer::price"), (1, 1));
        second.advance(Duration::from_secs(600));
        assert_eq!(price::peek(&1), None);
    });
}

#[test]
fn what_is_removed_by_hand_is_gone_from_the_tier_when_the_verb_returns() {
    fn later(tier: &Arc<Shared>) -> u64 {
        let process = tier.process();
        run(&process, || square(7));
        bodies_and_recalls(&process, "outer::square").0
    }
    let tier = Shared::new();
    let first = tier.process();
    run(&first, || square(7));
    assert_eq!(later(&tier), 0);
    first.run(|| square::invalidate(&7));
    assert_eq!(later(&tier), 1, "after `invalidate`");
    assert_eq!(later(&tier), 0);
    first.run(square::clear);
    assert_eq!(later(&tier), 1, "after `clear`");
    first.clear();
    assert_eq!(later(&tier), 1, "after `Cache::clear`");
    first.invalidate_matching("square");
    assert_eq!(later(&tier), 1, "after `invalidate_matching`");
}

#[test]
fn a_hit_is_compared_with_what_its_body_returns_and_not_with_the_tier() {
    let tier = Shared::new();
    let process = TestCache::from_builder(tier.builder().verify(1.0));
    run(&process, || (square(7), square(7)));
    assert_eq!(bodies_and_recalls(&process, "outer::square"), (2, 0));
    assert_eq!(process.stats().verified, 1);
}

#[test]
fn put_and_refresh_replace_what_the_tier_has() {
    let tier = Shared::new();
    let first = tier.process();
    run(&first, || square(7));
    run(&first, || square::put(7, 50));
    assert_eq!(run(&tier.process(), || square(7)), 50);
    run(&first, || square::refresh(7));
    assert_eq!(run(&tier.process(), || square(7)), 49);
}

#[derive(Event)]
struct Renamed {
    user: u64,
}

static LOADED: Mutex<Vec<Vec<u64>>> = Mutex::new(Vec::new());

fn load_cubes(numbers: Vec<u64>) -> Vec<u64> {
    LOADED.lock().unwrap().push(numbers.clone());
    numbers.into_iter().map(|n| n * n * n).collect()
}

#[cached(batch = load_cubes, ttl = 10m, refresh_at = 50%)]
fn cube(n: u64) -> u64 {
    load_cubes(vec![n])[0]
}

async fn load_names(users: Vec<u64>) -> Vec<Option<String>> {
    LOADED.lock().unwrap().push(users.clone());
    users.into_iter().map(|user| (user > 0).then(|| format!("user {user}"))).collect()
}

#[cached(batch = load_names, invalidate_on = [Renamed { user }])]
async fn user_name(user: u64) -> Option<String> {
    load_names(vec![user]).await.remove(0)
}

#[test]
fn many_calls_at_once_are_answered_by_the_tier_and_what_it_lacks_is_loaded_and_left_there() {
    let tier = Shared::new();
    let loaded = || std::mem::take(&mut *LOADED.lock().unwrap());
    assert_eq!(run(&tier.process(), || cube::get_many([1, 2, 3])), [1, 8, 27]);
    assert_eq!(loaded(), [vec![1, 2, 3]]);
    let second = tier.process();
    assert_eq!(run(&second, || cube::get_many([4, 2, 5, 3])), [64, 8, 125, 27]);
    assert_eq!(loaded(), [vec![4, 5]]);
    assert_eq!(bodies_and_recalls(&second, "outer::cube"), (2, 2));
    assert_eq!(second.stats().kept, 2);
    let third = tier.process();
    assert_eq!(run(&third, || cube::get_many([5, 4, 1])), [125, 64, 1]);
    // What is due is not looked for where it is as old.
    third.advance(Duration::from_secs(400));
    assert_eq!(run(&third, || cube::get_many([5, 1])), [125, 1]);
    assert_eq!(loaded(), [vec![5, 1]]);

    let names = |process: &TestCache, users: Vec<u64>| {
        run(process, || pollster::block_on(user_name::get_many(users)))
    };
    let name = |user: u64| Some(format!("user {user}"));
    assert_eq!(names(&tier.process(), vec![1, 0, 2]), [name(1), None, name(2)]);
    assert_eq!(loaded(), [vec![1, 0, 2]]);
    let later = tier.process();
    assert_eq!(names(&later, vec![2, 3, 0, 1]), [name(2), name(3), None, name(1)]);
    assert_eq!(loaded(), [vec![3, 0]]);
    later.run(|| emit(Renamed { user: 1 }));
    assert_eq!(names(&later, vec![1, 2]), [name(1), name(2)]);
    assert_eq!(loaded(), [vec![1]]);
}

static N_RENAMED: AtomicU32 = AtomicU32::new(0);

#[cached(invalidate_on = [Renamed { user }])]
fn user(user: u64) -> String {
    format!("{user} as of {}", N_RENAMED.load(Ordering::SeqCst))
}

#[cached(inherit = true)]
fn greeting(name: u64) -> String {
    format!("Hello {}", user(name))
}

/// How often a fresh process runs the bodies of two calls.
fn bodies_of_greetings(tier: &Arc<Shared>) -> u64 {
    let process = tier.process();
    run(&process, || (greeting(1), greeting(2)));
    bodies_and_recalls(&process, "outer::greeting").0
}

#[test]
fn an_event_of_one_process_outdates_what_others_find_in_the_tier() {
    let tier = Shared::new();
    assert_eq!(bodies_of_greetings(&tier), 2);
    assert_eq!(bodies_of_greetings(&tier), 0);
    let writer = tier.process();
    writer.run(|| emit(Renamed { user: 1 }));
    assert_eq!(bodies_of_greetings(&tier), 1, "user 2 is not concerned");
    assert_eq!(bodies_of_greetings(&tier), 0);
    writer.run(emit_all::<Renamed>);
    assert_eq!(bodies_of_greetings(&tier), 2);
    writer.run(|| user::invalidate(&2));
    assert_eq!(bodies_of_greetings(&tier), 1, "the call that the greeting was made from");
}

#[test]
fn what_came_from_the_tier_is_outdated_by_events_like_any_result() {
    let tier = Shared::new();
    run(&tier.process(), || (user(1), greeting(1), greeting(2)));
    let process = tier.process();
    run(&process, || {
        let _ = (user(1), greeting(1), greeting(2));
        assert_eq!(bodies_and_recalls(&process, "outer::user"), (0, 1));
        assert_eq!(bodies_and_recalls(&process, "outer::greeting"), (0, 2));
        emit(Renamed { user: 1 });
        assert_eq!((user::peek(&1), greeting::peek(&1)), (None, None));
        let _ = (user(1), greeting(1));
        assert_eq!(bodies_and_recalls(&process, "outer::user"), (1, 1));
        assert_eq!(bodies_and_recalls(&process, "outer::greeting"), (1, 2));
    });
}

#[test]
fn an_event_that_is_emitted_while_the_tier_is_asked_outdates_its_answer() {
    let tier = Shared::new();
    run(&tier.process(), || user(1));
    let process = tier.process();
    let inner = process.clone();
    *tier.after_mark.lock().unwrap() = Some(Box::new(move || inner.emit(Renamed { user: 1 })));
    run(&process, || user(1));
    assert_eq!(process.run(|| user::peek(&1)), None, "it is not stored");
}

#[test]
fn an_invalidation_while_a_body_runs_reaches_what_is_written_behind_it() {
    #[cached(skip(process))]
    fn report(process: &TestCache, n: u64) -> u64 {
        process.run(|| report::invalidate(&n));
        n
    }
    let tier = Shared::new();
    let process = tier.process();
    run(&process, || report(&process, 1));
    assert_eq!(process.stats().kept, 0);
    let later = tier.process();
    run(&later, || report(&later, 1));
    assert_eq!(later.stats().recalled, 0);
}

#[derive(Clone, Serialize, Deserialize, PartialEq, Debug)]
struct Point {
    x: u32,
    y: u32,
}

mod edited {
    use cache_core::cached;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    pub(super) struct Point {
        pub(super) x: u32,
        pub(super) z: u32,
    }

    #[cached(version = 1)]
    pub(super) fn point(n: u32) -> Point {
        Point { x: n, z: n }
    }

    #[cached]
    pub(super) fn sum(n: u64) -> u64 {
        n + 2
    }

    #[cached]
    pub(super) fn same(n: u64) -> u64 {
        // A comment is no change.
        n + 1
    }

    #[cached(version = 1)]
    pub(super) fn versioned(n: u64) -> u64 {
        n + 2
    }
}

#[cached(version = 1)]
fn point(n: u32) -> Point {
    Point { x: n, y: n }
}

#[cached]
fn sum(n: u64) -> u64 {
    n + 1
}

#[cached]
fn same(n: u64) -> u64 {
    n + 1
}

#[cached(version = 1)]
fn versioned(n: u64) -> u64 {
    n + 1
}

#[test]
fn an_edited_function_and_a_changed_type_look_elsewhere() {
    let tier = Shared::new();
    run(&tier.process(), || {
        let _ = (sum(1), edited::sum(1), same(1), edited::same(1));
        let _ = (versioned(1), edited::versioned(1));
        point(1);
        edited::point(1);
    });
    let version = |function: &str| tier.version(function);
    assert_eq!(version("outer%3A%3Asame"), version("edited%3A%3Asame"));
    assert_ne!(version("outer%3A%3Asum"), version("edited%3A%3Asum"));
    assert_eq!(version("outer%3A%3Aversioned"), version("edited%3A%3Aversioned"));
    // Their values have different fields.
    assert_ne!(version("outer%3A%3Apoint"), version("edited%3A%3Apoint"));
}

/// The same functions twice, of which only the body of the innermost one differs.
macro_rules! chain {
    ($module:ident, $innermost:expr) => {
        mod $module {
            #![allow(dead_code, reason = "not all handles are used")]

            use cache_core::cached;

            #[cached]
            pub(super) fn innermost(n: u64) -> u64 {
                n + $innermost
            }

            #[cached(depends_on = [innermost])]
            pub(super) async fn between<T: serde::Serialize + Into<u64>>(n: T) -> u64 {
                innermost(n.into())
            }

            pub(super) struct Shop;

            #[cached]
            impl Shop {
                #[cached(skip(self), version = 3, handle = Price, depends_on = [super::$module::between])]
                pub(super) fn price(&self, n: u64) -> u64 {
                    pollster::block_on(between(n))
                }
            }

            #[cached(version = 1, depends_on = [Price, odd])]
            pub(super) fn outermost(n: u64) -> u64 {
                Shop.price(n)
            }

            #[cached(depends_on = [Price])]
            pub(super) fn apart(n: u64) -> u64 {
                Shop.price(n)
            }

            #[cached]
            pub(super) fn independent(n: u64) -> u64 {
                n
            }

            #[cached(depends_on = [odd])]
            pub(super) fn even(n: u64) -> bool {
                n == 0 || odd(n - 1)
            }

            #[cached(depends_on = [even, odd, innermost])]
            pub(super) fn odd(n: u64) -> bool {
                n != 0 && even(n - 1)
            }
        }
    };
}

chain!(before, 1);
chain!(after, 2);

#[test]
fn an_edited_function_takes_those_along_that_depend_on_it_however_far() {
    let tier = Shared::new();
    watched({
        let tier = tier.clone();
        move || {
            run(&tier.process(), || {
                let _ = (before::outermost(1), before::apart(1), before::independent(1));
                let _ = (after::outermost(1), after::apart(1), after::independent(1));
                let _ = (before::even(2), after::even(2));
            });
        }
    });
    let version = |module: &str, function: &str| tier.version(&format!("{module}%3A%3A{function}"));
    let is_edited = |function| version("before", function) != version("after", function);
    assert!(!is_edited("independent"));
    for function in ["innermost", "Shop%3A%3Aprice", "outermost", "apart", "even", "odd"] {
        assert!(is_edited(function), "{function}");
    }
}

#[cached]
fn untagged(n: u64) -> serde_json::Value {
    serde_json::json!({ "n": n })
}

#[cached(disk(codec = messagepack, compress = none))]
fn tagged(n: u64) -> serde_json::Value {
    serde_json::json!({ "n": n })
}

#[test]
fn a_codec_that_cannot_read_a_value_back_is_refused_at_the_first_store() {
    let tier = Shared::new();
    let (first, second) = (tier.process(), tier.process());
    run(&first, || (untagged(1), tagged(1)));
    let warnings = first.config().warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in ["`it::outer::untagged` stay in memory", "`messagepack`"] {
        assert!(warnings[0].contains(part), "{part} in {}", warnings[0]);
    }
    let json = serde_json::json!({ "n": 1 });
    assert_eq!(run(&second, || (untagged(1), tagged(1))), (json.clone(), json));
    assert_eq!(bodies_and_recalls(&second, "outer::untagged"), (1, 0));
    assert_eq!(bodies_and_recalls(&second, "outer::tagged"), (0, 1));
}

#[derive(Clone, HeapSize)]
struct Handle(u64);

#[cached]
fn handle(n: u64) -> Handle {
    Handle(n)
}

/// What it holds is read back for as long as the program runs, which no tier can promise.
#[derive(Clone, Serialize, Deserialize, HeapSize)]
struct Label {
    text: &'static str,
}

#[cached]
fn label(n: u64) -> Option<Label> {
    (n > 0).then_some(Label { text: "a label" })
}

/// Nothing says that the result can be written out.
#[cached]
fn kept_in_memory<T: Serialize + HeapSize + Clone + Send + Sync + 'static>(n: T) -> T {
    n
}

#[test]
fn what_cannot_leave_the_process_stays_in_memory_and_says_so_once() {
    let tier = Shared::new();
    let process = tier.process();
    run(&process, || (handle(1).0, handle(2).0, kept_in_memory(1_u8), kept_in_memory(1_u32)));
    assert_eq!(run(&process, || label(1).map(|label| label.text)), Some("a label"));
    assert_eq!(process.stats().kept, 0);
    let warnings = process.config().warnings;
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for (warning, function) in warnings.iter().zip(["handle", "kept_in_memory", "label"]) {
        let wanted = format!("`it::outer::{function}` stay in memory");
        assert!(warning.contains(&wanted), "{warning}");
    }
    assert_eq!(process.run(|| (handle(1).0, kept_in_memory::peek::<u8>(&1))), (1, Some(1)));
}

/// The same arguments for each type.
#[cached]
fn width<T: 'static>(n: usize) -> usize {
    n * size_of::<T>()
}

/// A result whose type the caller chooses.
#[cached(disk)]
async fn same_again<T>(n: T) -> Option<T>
where
    T: Serialize + DeserializeOwned + HeapSize + Clone + Send + Sync + 'static,
{
    Some(n)
}

#[cached]
fn n_items(items: impl IntoIterator<Item = u32> + Serialize) -> usize {
    items.into_iter().count()
}

#[cached]
fn sum_of_widths(n: usize) -> usize {
    width::<u8>(n) + width::<u32>(n)
}

trait Shape {
    fn side(&self) -> u64;

    fn area(&self) -> u64;

    #[cached(key = self.side())]
    fn title(&self) -> String {
        format!("{} of {}", self.side(), std::any::type_name::<Self>())
    }
}

struct Square(u64);
struct Triangle(u64);

impl Shape for Square {
    fn side(&self) -> u64 {
        self.0
    }

    #[cached(key = self.0)]
    fn area(&self) -> u64 {
        self.0 * self.0
    }
}

impl Shape for Triangle {
    fn side(&self) -> u64 {
        self.0
    }

    #[cached(key = self.0)]
    fn area(&self) -> u64 {
        self.0 * self.0 / 2
    }
}

#[cached(handle = none)]
fn without_handle(n: u64) -> u64 {
    n + 1
}

/// Calls of all kinds of functions that are several, and what they return.
fn many_in_one() -> Vec<String> {
    let numbers = [width::<u8>(3), width::<u32>(3), n_items(vec![1, 2]), n_items([1, 2, 3])];
    let areas = [Square(4).area(), Triangle(4).area(), without_handle(1)];
    let titles = [Square(4).title(), Triangle(4).title()];
    let same = pollster::block_on(async { (same_again(7_u8).await, same_again('x').await) });
    vec![format!("{numbers:?} {areas:?} {titles:?} {same:?}")]
}

#[test]
fn instantiations_and_methods_are_told_apart_in_the_tier() {
    let tier = Shared::new();
    let (first, second) = (tier.process(), tier.process());
    let results = run(&first, many_in_one);
    assert!(first.config().warnings.is_empty(), "{:?}", first.config().warnings);
    assert_eq!((first.stats().loads, first.stats().kept), (11, 11));
    assert_eq!(run(&second, many_in_one), results);
    assert_eq!((second.stats().loads, second.stats().recalled), (0, 11));
}

#[test]
fn what_is_done_to_one_instantiation_is_done_in_the_tier() {
    let tier = Shared::new();
    let calls = || (width::<u8>(1), width::<u32>(1), width::<u32>(2), sum_of_widths(2));
    run(&tier.process(), calls);
    let recalled = || {
        let process = tier.process();
        assert_eq!(run(&process, calls), (1, 4, 8, 10));
        process.stats().recalled
    };
    assert_eq!(recalled(), 4);
    let writer = tier.process();
    writer.run(|| width::invalidate::<u32>(&2));
    assert_eq!(recalled(), 3, "that call, and what was made from it and from another one");
    assert_eq!(recalled(), 4);
    writer.run(width::clear);
    assert_eq!(recalled(), 0, "also by who has called none of them");
}

#[test]
fn a_program_finds_instantiations_again_when_it_is_started_anew() {
    if is_process() {
        let results = many_in_one();
        assert!(Cache::global().flush(Duration::from_secs(10)), "all is written");
        return println!("printed: {} {results:?}", Cache::global().stats().recalled);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_str().expect("a name");
    let test = "outer::a_program_finds_instantiations_again_when_it_is_started_anew";
    let variables = [("CACHE_DIR", directory), ("CACHE_BACKEND", "filesystem")];
    let first = in_process(test, &variables);
    assert_eq!(in_process(test, &variables), first.replacen("0 ", "11 ", 1));
}

#[test]
fn a_tier_in_trouble_neither_fails_nor_delays_a_call() {
    for mood in [Mood::Fails, Mood::Panics, Mood::Hangs] {
        let time = Time::manual();
        let backend = Moody::new(&time);
        backend.is(mood);
        let process = TestCache::from_builder(Cache::builder().custom_backend(backend));
        let worker = process.clone();
        watched(move || {
            worker.run(|| {
                // Also when nothing is stored in memory.
                for n in (0..20).chain(0..20) {
                    assert_eq!(square(n), n * n, "{mood:?}");
                    emit(Renamed { user: n });
                    square::invalidate(&n);
                }
            });
        });
        let [tier] = &process.tiers()[..] else { panic!("there is one tier") };
        assert!(!tier.is_working, "{mood:?}: {tier:?}");
        assert_eq!(bodies_and_recalls(&process, "outer::square"), (40, 0), "{mood:?}");
    }
}

#[test]
fn what_a_dead_tier_has_missed_is_made_up_for_before_it_is_asked_again() {
    let backend = Moody::new(&Time::system());
    let builder = || Cache::builder().custom_backend(backend.clone());
    let first = TestCache::from_builder(builder());
    run(&first, || (user(1), square(1), square(2)));
    backend.is(Mood::Fails);
    first.run(|| {
        // Until it is left in peace.
        (10..20).map(square).for_each(drop);
        assert!(!first.tiers()[0].is_working);
        emit(Renamed { user: 1 });
        square::invalidate(&1);
    });
    backend.is(Mood::Works);
    assert!(first.flush(Duration::from_secs(20)), "what was missed is made up for");
    let second = TestCache::from_builder(builder());
    run(&second, || (user(1), square(1)));
    assert_eq!(second.stats().recalled, 0);
}

/// Runs this test again in a process of its own, with variables for the cache, and says what that printed.
fn in_process(test: &str, variables: &[(&str, &str)]) -> String {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", test, "--nocapture"])
        .env("TEST_ROLE", "process")
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    let printed = |line: &str| line.split_once("printed: ").map(|(_, text)| text.to_owned());
    out.lines().find_map(printed).unwrap_or_else(|| panic!("nothing was printed:\n{out}{err}"))
}

/// Whether this is a process of [`in_process`].
pub(crate) fn is_process() -> bool {
    std::env::var_os("TEST_ROLE").is_some()
}

#[cached(disk(ttl = 1d))]
fn on_disk(n: u64) -> String {
    format!("{n} on disk")
}

#[test]
fn processes_that_share_a_directory_share_results() {
    if is_process() {
        let (disk, memory) = (on_disk(1), square(2));
        Cache::global().emit(Renamed { user: 1 });
        assert!(Cache::global().flush(Duration::from_secs(10)), "all is written");
        assert_eq!((&*disk, memory), ("1 on disk", 4));
        let config = Cache::global().config();
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        return println!("printed: {}", Cache::global().stats().recalled);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_str().expect("a name");
    let test = "outer::processes_that_share_a_directory_share_results";
    let only_words = [("CACHE_DIR", directory)];
    assert_eq!(in_process(test, &only_words), "0");
    assert_eq!(in_process(test, &only_words), "1", "the function with `disk`");
    let all =
        [("CACHE_DIR", directory), ("CACHE_BACKEND", "filesystem"), ("CACHE_MAX_SIZE_MB", "8")];
    assert_eq!(in_process(test, &all), "1", "the other was in memory alone");
    assert_eq!(in_process(test, &all), "2");
    let namespace = [all[0], all[1], ("CACHE_NAMESPACE", "another")];
    assert_eq!(in_process(test, &namespace), "0");
    let memory = [all[0], ("CACHE_BACKEND", "memory")];
    assert_eq!(in_process(test, &memory), "0");
    let none = [all[0], ("CACHE_BACKEND", "none")];
    assert_eq!(in_process(test, &none), "0");
}

fn in_redis(server: &Server) -> TestCache {
    TestCache::from_builder(Cache::builder().backend(Backend::Redis).redis_url(server.url()))
}

#[derive(Event)]
struct Tuned {
    piano: u64,
}

#[cached(invalidate_on = [Tuned { piano }])]
fn tone(piano: u64, key: u64) -> u64 {
    piano + key
}

#[test]
fn a_mark_that_another_process_makes_at_the_same_moment_stays() {
    let tier = Shared::new();
    run(&tier.process(), || tone(1, 1));
    let keys = tier.keys.lock().unwrap().clone();
    let mark = keys.into_iter().find(|key| key.as_str().contains("Tuned:one:"));
    let mark = mark.expect("the event has a mark");
    let made = pollster::block_on(tier.values.get(&mark)).expect("it is in memory");
    pollster::block_on(tier.values.delete(&mark)).expect("it is in memory");
    // The other process looks for it as well, and is the first to make one.
    let (values, made) = (Arc::clone(&tier), made.expect("it was made"));
    let make = move || pollster::block_on(values.values.set(&mark, made)).expect("it is stored");
    *tier.after_mark.lock().unwrap() = Some(Box::new(make));
    run(&tier.process(), || tone(1, 2));
    let third = tier.process();
    run(&third, || (tone(1, 1), tone(1, 2)));
    assert_eq!(bodies_and_recalls(&third, "tone"), (0, 2));
}

#[test]
fn a_result_in_redis_is_found_with_one_question() {
    let server = Server::start(&[]);
    run(&in_redis(&server), || square(1));
    let second = in_redis(&server);
    run(&second, || square(2));
    server.ask(&["CONFIG", "RESETSTAT"]);
    run(&second, || square(1));
    assert_eq!(second.stats().recalled, 1);
    let commands = server.ask(&["INFO", "commandstats"]);
    assert!(commands.contains("cmdstat_mget:calls=1,"), "{commands}");
}

#[test]
fn processes_that_share_a_server_share_results_and_events() {
    let server = Server::start(&[]);
    let calls = || (square(1), user(1), user(2), greeting(1));
    run(&in_redis(&server), calls);
    let second = in_redis(&server);
    run(&second, calls);
    assert_eq!(second.stats().recalled, 4);
    run(&second, || {
        emit(Renamed { user: 1 });
        square::invalidate(&1)
    });
    let third = in_redis(&server);
    run(&third, calls);
    assert_eq!(third.stats().recalled, 1, "user 2");
    run(&third, square::clear);
    third.clear();
    assert!(third.flush(Duration::from_secs(10)));
    let fourth = in_redis(&server);
    run(&fourth, calls);
    assert_eq!(fourth.stats().recalled, 0);
}

#[test]
fn a_server_that_is_away_is_a_miss() {
    let mut server = Server::start(&[]);
    let process = in_redis(&server);
    run(&process, || square(1));
    server.kill();
    let worker = process.clone();
    let sum: u64 = watched(move || worker.run(|| (0..50).map(square).sum()));
    assert_eq!(sum, (0..50).map(|n| n * n).sum::<u64>());
    assert!(!process.tiers()[0].is_working);
}

#[test]
fn a_fast_tier_gets_what_a_slow_one_had() {
    let server = Server::start(&[]);
    let url = server.url();
    let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
    let on = |folder: usize| {
        let builder = Cache::builder().backend(Backend::Tiered).redis_url(url.clone());
        TestCache::from_builder(builder.directory(folders[folder].path()))
    };
    run(&on(0), || square(1));
    let other = on(1);
    run(&other, || square(1));
    assert_eq!((other.stats().recalled, other.stats().kept), (1, 1));
    drop(server);
    let without_server = on(1);
    without_server.run(|| square(1));
    assert_eq!(without_server.stats().recalled, 1);
}

#[cached(ttl = 10m, refresh_at = 50%)]
async fn rate(currency: u32) -> u32 {
    currency
}

#[test]
fn a_reload_in_the_background_runs_the_body_and_is_kept() {
    let tier = Shared::new();
    let process = tier.process();
    let call = || pollster::block_on(rate(7));
    run(&process, call);
    process.advance(Duration::from_secs(400));
    run(&process, call);
    eventually("it is reloaded", || process.function("outer::rate").stats().loads == 2);
    assert_eq!(process.stats().recalled, 0);
}

#[cached(invalidate_on = ["PUT"])]
fn listing(page: u32) -> u32 {
    page
}

#[test]
fn a_result_of_one_endpoint_does_not_answer_another() {
    let tier = Shared::new();
    let at = |process: &TestCache, route: &str| {
        run(process, || Endpoint::new(route).run(|| listing(1)));
    };
    at(&tier.process(), "/articles");
    let same = tier.process();
    at(&same, "/articles");
    assert_eq!(same.stats().recalled, 1);
    let other = tier.process();
    at(&other, "/authors");
    assert_eq!(other.stats().recalled, 0);
}

/// A result that does something when it is written out.
#[derive(Clone, Deserialize, HeapSize)]
struct Sly(u64);

static WHEN_WRITTEN: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

impl Serialize for Sly {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let work = WHEN_WRITTEN.lock().unwrap().take();
        if let Some(work) = work {
            work();
        }
        serializer.serialize_newtype_struct("Sly", &self.0)
    }
}

#[cached]
fn sly(n: u64) -> Sly {
    Sly(n)
}

#[test]
fn what_is_removed_while_it_is_on_its_way_to_the_tier_does_not_arrive() {
    let tier = Shared::new();
    let process = tier.process();
    let remover = process.clone();
    *WHEN_WRITTEN.lock().unwrap() = Some(Box::new(move || {
        remover.run(|| sly::invalidate(&3));
    }));
    run(&process, || sly(3).0);
    assert!(WHEN_WRITTEN.lock().unwrap().is_none(), "it was removed meanwhile");
    let later = tier.process();
    run(&later, || sly(3).0);
    assert_eq!(later.stats().recalled, 0);
}
