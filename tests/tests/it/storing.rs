//! L4, L5 and the words about storing: what is kept, and what is not.

use cache_core::testing::TestCache;
use cache_core::{Cache, HeapSize, cached};
use serde::Serialize;

use crate::support::Runs;

type Answer<T> = Result<T, String>;

#[test]
fn errors_and_nones_are_not_stored_whatever_the_type_is_called() {
    type Maybe = Option<u32>;
    #[cached]
    fn by_alias(id: u32) -> Answer<u32> {
        if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
    }
    #[cached]
    fn by_path(id: u32) -> std::io::Result<u32> {
        if id == 0 { Err(std::io::ErrorKind::NotFound.into()) } else { Ok(id) }
    }
    #[cached]
    fn boxed(id: u32) -> Result<u32, Box<dyn std::error::Error>> {
        if id == 0 { Err("zero".into()) } else { Ok(id) }
    }
    #[cached]
    fn maybe(id: u32) -> Maybe {
        (id > 0).then_some(id)
    }
    #[cached]
    fn nested(id: u32) -> Answer<Maybe> {
        match id {
            0 => Ok(None),
            1 => Err("one".to_owned()),
            _ => Ok(Some(id)),
        }
    }
    let cache = TestCache::new();
    cache.run(|| {
        for _ in 0..2 {
            for id in [0, 2] {
                assert_eq!(by_alias(id).ok(), (id > 0).then_some(id));
                assert_eq!(by_path(id).ok(), (id > 0).then_some(id));
                assert_eq!(boxed(id).ok(), (id > 0).then_some(id));
                assert_eq!(maybe(id), (id > 0).then_some(id));
            }
            for id in [0, 1, 2] {
                let _ = nested(id);
            }
        }
        for name in ["by_alias", "by_path", "boxed", "maybe"] {
            cache.function(name).hits(1).loads(3).entries(1);
        }
        cache.function("nested").hits(1).loads(5).entries(1);
    });
}

#[test]
fn a_struct_that_is_called_result_is_a_plain_value() {
    #[derive(Clone, HeapSize)]
    struct QueryResult {
        rows: Vec<u32>,
    }
    #[cached]
    fn query(n: u32) -> QueryResult {
        QueryResult { rows: (0..n).collect() }
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(query(3).rows, query(3).rows);
        cache.function("query").hits(1);
    });
}

#[test]
fn cache_err_and_cache_none_store_them() {
    #[cached(cache_err)]
    fn fetch(id: u32) -> Answer<u32> {
        if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
    }
    #[cached(cache_none)]
    fn find(id: u32) -> Option<u32> {
        (id > 0).then_some(id)
    }
    #[cached(cache_none)]
    fn find_checked(id: u32) -> Answer<Option<u32>> {
        if id == 1 { Err("one".to_owned()) } else { Ok((id > 0).then_some(id)) }
    }
    let cache = TestCache::new();
    cache.run(|| {
        for _ in 0..2 {
            assert_eq!((fetch(0), fetch(1)), (Err("zero".to_owned()), Ok(1)));
            assert_eq!((find(0), find(1)), (None, Some(1)));
            assert_eq!((find_checked(0), find_checked(1)), (Ok(None), Err("one".to_owned())));
        }
        cache.function("fetch").hits(2).loads(2);
        cache.function("find").hits(2).loads(2);
        cache.function("find_checked").hits(1).loads(3);
    });
}

#[test]
fn cache_if_decides_by_the_value_and_the_arguments() {
    #[cached(cache_if = |page| !page.is_empty() && name != "draft")]
    fn page(name: String) -> String {
        if name == "empty" { String::new() } else { name }
    }
    #[cached(cache_if = |value| *value > 1)]
    fn fallible(id: u32) -> Answer<u32> {
        if id == 0 { Err("zero".to_owned()) } else { Ok(id) }
    }
    let cache = TestCache::new();
    cache.run(|| {
        for name in ["empty", "draft", "index"].into_iter().flat_map(|name| [name, name]) {
            page(name.to_owned());
        }
        cache.function("page").hits(1).loads(5).entries(1).rejected(0);
        for id in [0, 1, 2, 0, 1, 2] {
            let _ = fallible(id);
        }
        cache.function("fallible").hits(1).loads(5);
    });
}

#[test]
fn size_says_what_a_value_costs() {
    struct Foreign(usize);
    impl Clone for Foreign {
        fn clone(&self) -> Self {
            Self(self.0)
        }
    }
    #[cached(size = |value| value.0 + extra)]
    fn foreign(n: usize, extra: usize) -> Foreign {
        Foreign(n)
    }
    let cache = TestCache::new();
    cache.run(|| {
        foreign(1_000, 0);
        let first = foreign::stats().bytes;
        foreign(2_000, 500);
        assert_eq!(foreign::stats().bytes - first, first + 1_500);
        foreign::put(2_000, 500, Foreign(5_000));
        assert_eq!(foreign::stats().bytes - first, first + 4_500);
    });
}

#[test]
fn the_cost_of_serialize_and_of_the_derive_is_found_by_itself() {
    #[derive(Clone, Serialize)]
    struct Described {
        text: String,
        parts: Vec<String>,
    }
    #[derive(Clone, HeapSize)]
    struct Derived {
        text: String,
        parts: Vec<String>,
    }
    #[cached]
    fn described(n: usize) -> Described {
        Described { text: "x".repeat(n), parts: vec!["y".repeat(n); 2] }
    }
    #[cached]
    fn derived(n: usize) -> Derived {
        Derived { text: "x".repeat(n), parts: vec!["y".repeat(n); 2] }
    }
    let cache = TestCache::new();
    cache.run(|| {
        described(10_000);
        derived(10_000);
        for stats in [described::stats(), derived::stats()] {
            assert!((30_000..30_600).contains(&stats.bytes), "{stats}");
        }
        assert_eq!(described(1).text.len() + described(1).parts.len(), 3);
        assert_eq!(derived(1).text.len() + derived(1).parts.len(), 3);
    });
}

#[test]
fn enabled_and_refresh_if_are_asked_at_each_call() {
    static RUNS: Runs = Runs::new();
    #[cached(enabled = user != 0, refresh_if = force, skip(force))]
    fn profile(user: u32, force: bool) -> usize {
        let _ = (user, force);
        RUNS.note()
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((profile(0, false), profile(0, false)), (0, 1));
        cache.function("profile").misses(2).loads(0).entries(0);
        assert_eq!(cache.stats().miss_reasons.disabled, 2);
        assert_eq!((profile(1, false), profile(1, false)), (2, 2));
        assert_eq!((profile(1, true), profile(1, false)), (3, 3));
    });
}

#[test]
fn switched_off_everything_passes_through() {
    static RUNS: Runs = Runs::new();
    #[cached]
    fn body(id: u32) -> u32 {
        RUNS.note();
        id
    }
    let cache = TestCache::from_builder(Cache::builder().enabled(false));
    cache.run(|| {
        assert_eq!((body(1), body(1)), (1, 1));
        assert!(!body::put(1, 5));
        assert_eq!(RUNS.count(), 2);
        cache.function("body").misses(2).loads(0).insertions(0).entries(0);
        assert_eq!(cache.stats().miss_reasons.disabled, 2);
        cache.set_enabled(true);
        assert_eq!((body(1), body(1)), (1, 1));
        assert_eq!((RUNS.count(), body::stats().hits), (3, 1));
        cache.set_enabled(false);
        body(1);
        assert_eq!(RUNS.count(), 4);
        assert!(!body::put(1, 9), "nothing is stored while it is off");
        cache.set_enabled(true);
        assert_eq!((body(1), RUNS.count()), (1, 5), "what was put over does not come back");
    });
}
