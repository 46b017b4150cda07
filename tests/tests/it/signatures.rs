//! Any function: whatever plain Rust compiles, the attribute compiles too, with the same meaning.
#![expect(clippy::too_many_arguments, reason = "odd signatures are the point")]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{HeapSize, cached};
use serde::Serialize;

/// Calls twice, and expects the same answer from one load.
macro_rules! cached_once {
    ($($name:ident: $call:expr => $expected:expr;)+) => {{
        let cache = TestCache::new();
        cache.run(|| {
            $(
                assert_eq!($call, $expected, stringify!($call));
                assert_eq!($call, $expected, stringify!($call));
                cache.function(concat!(module_path!(), "::", stringify!($name))).hits(1).loads(1);
            )+
        });
    }};
}

#[derive(Clone, Debug, PartialEq, Serialize, HeapSize)]
struct Point {
    x: u32,
    y: u32,
}

#[cached]
fn nothing() -> u32 {
    7
}
#[cached]
fn unit(_id: u32) {}
#[cached]
fn slices(words: &[&str], more: &[String]) -> usize {
    words.len() + more.len()
}
#[cached]
fn nested_references(text: &&&str) -> usize {
    text.len()
}
#[cached]
fn options(text: Option<&str>, point: &Option<Point>) -> String {
    format!("{text:?} {point:?}")
}
#[cached]
fn floats(a: f32, b: f64) -> f64 {
    f64::from(a) + b
}
#[cached]
fn maps(map: &BTreeMap<String, Vec<u8>>) -> usize {
    map.len()
}
#[cached]
fn std_types(ip: IpAddr, life: Duration, path: &Path, bytes: [u8; 4], name: Arc<str>) -> String {
    format!("{ip} {life:?} {} {bytes:?} {name}", path.display())
}
#[cached]
fn cow(text: Cow<'_, str>) -> String {
    text.into_owned()
}
#[cached]
fn structs(point: &Point, owned: Point) -> u32 {
    point.x + owned.y
}
#[cached]
fn patterns((a, b): (u32, u32), Point { x, .. }: Point, _: u32, mut c: u32) -> u32 {
    c += 1;
    a + b + x + c
}
#[cached]
fn lifetimes<'a>(a: &'a str, b: &'a str) -> bool
where
    'a: 'a,
{
    a == b
}
#[cached]
fn generic<T, const N: usize>(values: [T; N]) -> usize
where
    T: Serialize,
    [T; N]: Serialize,
{
    values.len() * size_of::<T>()
}
#[cached]
fn implementors(value: impl Serialize + ToString) -> String {
    value.to_string()
}
#[cached]
fn r#type(r#fn: u32) -> u32 {
    r#fn
}
#[cached]
fn collisions(
    key: u8,
    cache: u8,
    result: u8,
    now: u8,
    ttl: u8,
    lock: u8,
    value: u8,
    miss: u8,
    terms: u8,
    out: u8,
) -> u32 {
    [key, cache, result, now, ttl, lock, value, miss, terms, out].into_iter().map(u32::from).sum()
}
#[cached]
fn thirteen(
    a: u8,
    b: u8,
    c: u8,
    d: u8,
    e: u8,
    f: u8,
    g: u8,
    h: u8,
    i: u8,
    j: u8,
    k: u8,
    l: u8,
    m: u8,
) -> u32 {
    [a, b, c, d, e, f, g, h, i, j, k, l, m].into_iter().map(u32::from).sum()
}
#[cached]
fn collects(n: u32) -> Vec<u32> {
    (0..n).collect()
}
#[cached]
fn converts(n: u8) -> u64 {
    n.into()
}
#[cached]
fn early(n: i32) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
    if n < 0 {
        return Err("negative".into());
    }
    let parsed: i32 = n.to_string().parse()?;
    let found = 'search: {
        for candidate in 0.. {
            if candidate == parsed {
                break 'search candidate;
            }
        }
        unreachable!()
    };
    Ok(found)
}
#[cached(size = |_| 100)]
fn shared(n: u32) -> Arc<dyn Fn() -> u32 + Send + Sync>
where
    u32: Copy,
{
    Arc::new(move || n)
}

#[test]
fn functions_of_any_signature_are_cached() {
    let map: BTreeMap<String, Vec<u8>> = [("a".to_owned(), vec![1])].into();
    let point = Point { x: 1, y: 2 };
    cached_once! {
        nothing: nothing() => 7;
        unit: unit(1) => ();
        slices: slices(&["a"], &["b".to_owned()]) => 2;
        nested_references: nested_references(&&"abc") => 3;
        options: options(Some("a"), &None) => "Some(\"a\") None";
        floats: floats(1.5, 2.5) => 4.0;
        maps: maps(&map) => 1;
        std_types: std_types([127, 0, 0, 1].into(), Duration::from_secs(1), Path::new("/a"), [1; 4], "n".into())
            => "127.0.0.1 1s /a [1, 1, 1, 1] n";
        cow: cow("a".into()) => "a";
        structs: structs(&point, point.clone()) => 3;
        patterns: patterns((1, 2), point.clone(), 9, 3) => 8;
        lifetimes: lifetimes("a", "b") => false;
        generic: generic([1_u16, 2, 3]) => 6;
        implementors: implementors(5_u8) => "5";
        collisions: collisions(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) => 55;
        thirteen: thirteen(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) => 13;
        collects: collects(3) => [0, 1, 2];
        converts: converts(3) => 3;
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((r#type(3), r#type(3), r#type::stats().hits), (3, 3, 1));
        assert_eq!((early(3).ok(), early(3).ok(), early(-1).is_err()), (Some(3), Some(3), true));
        assert_eq!((shared(5)(), shared(5)()), (5, 5));
        assert_eq!(implementors("text"), "text", "another type, another key");
        cache.function("early").hits(1).loads(2);
    });
}

struct Counter {
    id: u32,
}

impl Counter {
    #[cached(key = (self.id, by))]
    fn add(&self, by: u32) -> u32 {
        self.id + by
    }
    #[cached]
    fn without_self(n: u32) -> Self {
        Self { id: n }
    }
    #[cached(key = self.id)]
    fn by_value(self) -> u32 {
        self.id
    }
    #[cached(key = self.id)]
    fn by_arc(self: Arc<Self>) -> u32 {
        self.id
    }
    #[cached(key = self.id)]
    async fn later(&self) -> u32 {
        self.id
    }
}

impl Clone for Counter {
    fn clone(&self) -> Self {
        Self { id: self.id }
    }
}

impl HeapSize for Counter {
    fn heap_size(&self, _: &mut cache_core::Seen) -> usize {
        0
    }
}

trait Price {
    fn price(&self, article: u32) -> u32;
    #[cached(skip(self))]
    fn standard(&self) -> &'static str {
        std::any::type_name::<Self>()
    }
}

struct Cheap;
struct Dear(u32);

impl Price for Cheap {
    #[cached(skip(self))]
    fn price(&self, article: u32) -> u32 {
        article
    }
}

impl Price for Dear {
    #[cached(key = (self.0, article))]
    fn price(&self, article: u32) -> u32 {
        article * self.0
    }
}

#[async_trait::async_trait]
trait Store {
    async fn load(&self, id: u32) -> Result<String, String>;
    async fn find(&self, name: &str) -> Option<u32>;
}

struct Memory;
struct Disk;

#[async_trait::async_trait]
impl Store for Memory {
    #[cached(skip(self))]
    async fn load(&self, id: u32) -> Result<String, String> {
        futures::future::ready(()).await;
        let text = std::str::from_utf8(b"m").map_err(|error| error.to_string())?;
        Ok(format!("{text}{id}"))
    }
    #[cached(skip(self), ttl = 5m)]
    async fn find(&self, name: &str) -> Option<u32> {
        name.parse().ok()
    }
}

#[cached]
#[async_trait::async_trait]
impl Store for Disk {
    #[cached(skip(self))]
    async fn load(&self, id: u32) -> Result<String, String> {
        Ok(format!("d{id}"))
    }
    async fn find(&self, name: &str) -> Option<u32> {
        name.parse().ok()
    }
}

#[test]
fn methods_of_any_kind_are_cached() {
    let cache = TestCache::new();
    let (one, two) = (Counter { id: 1 }, Counter { id: 2 });
    cache.run(|| {
        for _ in 0..2 {
            assert_eq!((one.add(5), two.add(5)), (6, 7));
            assert_eq!(Counter::without_self(3).id, 3);
            assert_eq!((one.clone().by_value(), two.clone().by_value()), (1, 2));
            assert_eq!((Arc::new(one.clone()).by_arc(), Arc::new(two.clone()).by_arc()), (1, 2));
            assert_eq!((pollster::block_on(one.later()), pollster::block_on(two.later())), (1, 2));
            assert_eq!((Cheap.price(5), Dear(10).price(5), Dear(100).price(5)), (5, 50, 500));
            assert!(Cheap.standard().ends_with("Cheap") && Dear(1).standard().ends_with("Dear"));
            assert_eq!(pollster::block_on(Memory.load(1)), Ok("m1".to_owned()));
            assert_eq!(pollster::block_on(Memory.find("7")), Some(7));
            assert_eq!(pollster::block_on(Disk.load(1)), Ok("d1".to_owned()));
            assert_eq!(pollster::block_on(Disk.find("7")), Some(7));
        }
        let stats = cache.stats();
        assert_eq!((stats.hits, stats.loads), (17, 17), "{stats}");
    });
}

#[test]
fn attributes_of_the_function_keep_their_effect() {
    /// Documented.
    #[cached]
    #[must_use = "that is the point"]
    #[inline]
    #[deprecated = "not really"]
    fn old(n: u32) -> u32 {
        n
    }
    #[cached]
    #[cfg(any())]
    fn configured_away(n: NoSuchType) -> NoSuchType {
        n
    }
    #[cached]
    #[allow(clippy::too_many_arguments, unused_variables)]
    fn allowed(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8) -> u8 {
        let unused = 1;
        a
    }
    TestCache::new().run(|| {
        #[expect(deprecated, reason = "the attribute must still warn")]
        let value = old(1);
        assert_eq!((value, allowed(1, 2, 3, 4, 5, 6, 7, 8)), (1, 1));
        #[expect(unused_must_use, deprecated, reason = "the attribute must still warn")]
        {
            old(1);
        }
    });
}

#[test]
fn labels_name_entries() {
    #[cached(label = "img:{model}:{style}", skip(prompt))]
    fn image(model: &str, style: String, prompt: &str) -> usize {
        model.len() + style.len() + prompt.len()
    }
    #[cached(label = "user {id:03}")]
    async fn user(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        image("dalle3", "vivid".to_owned(), "secret");
        pollster::block_on(user(7));
        let labels: Vec<_> =
            cache.entries(9).into_iter().map(|entry| (entry.function, entry.label)).collect();
        assert_eq!(
            labels,
            [("user", Some("user 007".to_owned())), ("image", Some("img:dalle3:vivid".to_owned()))]
        );
    });
}
