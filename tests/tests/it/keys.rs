//! K1 to K4: every argument is in the key, and equal means equal.

use std::collections::{BTreeMap, HashMap, HashSet};

use cache_core::cached;
use cache_core::key::{Unordered, unordered};
use cache_core::testing::TestCache;
use serde::Serialize;

use crate::support::Runs;

#[test]
fn every_argument_is_in_the_key() {
    #[cached]
    fn total(user: u64, currency: &str, cents: Option<i32>) -> String {
        format!("{user} {currency} {cents:?}")
    }
    TestCache::new().run(|| {
        assert_eq!(total(1, "EUR", Some(5)), "1 EUR Some(5)");
        assert_eq!(total(2, "EUR", Some(5)), "2 EUR Some(5)");
        assert_eq!(total(1, "USD", Some(5)), "1 USD Some(5)");
        assert_eq!(total(1, "EUR", None), "1 EUR None");
        assert_eq!(total(1, "EUR", Some(5)), "1 EUR Some(5)");
        assert_eq!((total::stats().hits, total::stats().loads), (1, 4));
    });
}

#[test]
fn skipped_arguments_are_not_in_the_key() {
    struct Connection;
    #[cached(skip(connection, trace))]
    fn user(connection: &Connection, id: u64, trace: u128) -> u128 {
        let Connection = connection;
        u128::from(id) + trace
    }
    TestCache::new().run(|| {
        assert_eq!(user(&Connection, 1, 100), 101);
        assert_eq!(user(&Connection, 1, 200), 101);
        assert_eq!(user::stats().hits, 1);
    });
}

#[test]
fn a_key_expression_replaces_the_arguments() {
    struct Context {
        tenant: String,
        noise: u32,
    }
    #[cached(key = (context.tenant, path.to_lowercase()))]
    fn page(context: &Context, path: String) -> String {
        format!("{}:{path}:{}", context.tenant, context.noise)
    }
    let context = |tenant: &str, noise| Context { tenant: tenant.to_owned(), noise };
    TestCache::new().run(|| {
        assert_eq!(page(&context("a", 1), "/X".to_owned()), "a:/X:1");
        assert_eq!(page(&context("a", 2), "/x".to_owned()), "a:/X:1");
        assert_eq!(page(&context("b", 3), "/x".to_owned()), "b:/x:3");
    });
}

#[test]
fn arguments_do_not_run_into_each_other() {
    #[cached]
    fn both(first: &str, second: &str) -> (usize, usize) {
        (first.len(), second.len())
    }
    #[cached]
    fn listed(names: &[&str]) -> Vec<usize> {
        names.iter().map(|name| name.len()).collect()
    }
    TestCache::new().run(|| {
        assert_eq!(both("ab", "c"), (2, 1));
        assert_eq!(both("a", "bc"), (1, 2));
        assert_eq!(listed(&["ab", "c"]), [2, 1]);
        assert_eq!(listed(&["a", "bc"]), [1, 2]);
        assert_eq!(listed(&["abc"]), [3]);
        assert_eq!(listed(&["abc", ""]), [3, 0]);
    });
}

#[test]
fn floats_are_told_apart_by_their_bits() {
    #[cached]
    fn sign(x: f64) -> (bool, bool) {
        (x.is_nan(), x.is_sign_negative())
    }
    TestCache::new().run(|| {
        assert_eq!(sign(f64::NAN), sign(f64::NAN));
        assert_eq!(sign(0.0), (false, false));
        assert_eq!(sign(-0.0), (false, true));
        assert_eq!((sign::stats().hits, sign::stats().loads), (1, 3));
    });
}

#[test]
fn equal_maps_are_one_key_whatever_their_order() {
    static RUNS: Runs = Runs::new();
    #[cached]
    fn weight(parts: &HashMap<String, u32>) -> u32 {
        RUNS.note();
        parts.values().sum()
    }
    TestCache::new().run(|| {
        for seed in 0..50_u32 {
            let parts: HashMap<String, u32> =
                (0..20).map(|n| (n + seed) % 20).map(|n| (format!("part {n}"), n)).collect();
            assert_eq!(weight(&parts), 190);
        }
        assert_eq!(RUNS.count(), 1);
    });
}

#[test]
fn sets_are_one_key_through_the_helper() {
    #[derive(Serialize)]
    struct Query {
        #[serde(serialize_with = "unordered")]
        tags: HashSet<u32>,
    }
    #[cached]
    fn by_field(query: &Query) -> usize {
        query.tags.len()
    }
    #[cached(key = (Unordered(tags), limit))]
    fn by_expression(tags: &HashSet<u32>, limit: usize) -> usize {
        tags.len().min(limit)
    }
    TestCache::new().run(|| {
        for _ in 0..20 {
            let tags: HashSet<u32> = (0..50).collect();
            assert_eq!(by_expression(&tags, 9), 9);
            assert_eq!(by_field(&Query { tags }), 50);
        }
        assert_eq!((by_field::stats().loads, by_expression::stats().loads), (1, 1));
    });
}

#[test]
fn options_units_and_their_look_alikes_differ() {
    #[cached]
    fn text(name: Option<&str>) -> String {
        format!("{name:?}")
    }
    #[cached]
    fn nested(depth: Option<Option<u8>>) -> String {
        format!("{depth:?}")
    }
    TestCache::new().run(|| {
        for _ in 0..2 {
            for name in [None, Some("None"), Some(""), Some("null")] {
                assert_eq!(text(name), format!("{name:?}"));
            }
            for depth in [None, Some(None), Some(Some(0))] {
                assert_eq!(nested(depth), format!("{depth:?}"));
            }
        }
    });
}

#[test]
fn untagged_variants_and_skipped_fields_differ() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Length {
        Feet { feet: u32 },
        Metres { metres: u32 },
    }
    #[derive(Serialize)]
    struct Filter {
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        to: Option<u32>,
    }
    #[cached]
    fn unit(length: &Length) -> &'static str {
        match length {
            Length::Feet { .. } => "ft",
            Length::Metres { .. } => "m",
        }
    }
    #[cached]
    fn bounds(filter: &Filter) -> (Option<u32>, Option<u32>) {
        (filter.from, filter.to)
    }
    TestCache::new().run(|| {
        assert_eq!(unit(&Length::Feet { feet: 7 }), "ft");
        assert_eq!(unit(&Length::Metres { metres: 7 }), "m");
        assert_eq!(bounds(&Filter { from: Some(7), to: None }), (Some(7), None));
        assert_eq!(bounds(&Filter { from: None, to: Some(7) }), (None, Some(7)));
    });
}

#[test]
fn a_redacting_debug_hides_nothing_from_the_key() {
    #[derive(Serialize)]
    struct Secret(String);
    impl std::fmt::Debug for Secret {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("***")
        }
    }
    #[cached]
    fn owner(token: &Secret) -> String {
        token.0.clone()
    }
    TestCache::new().run(|| {
        assert_eq!(owner(&Secret("alice".to_owned())), "alice");
        assert_eq!(owner(&Secret("mallory".to_owned())), "mallory");
    });
}

#[test]
fn instantiations_do_not_share_keys() {
    #[cached]
    fn size<T: Serialize>(_value: T) -> usize {
        size_of::<T>()
    }
    #[cached]
    fn nth<const N: usize>() -> usize {
        N
    }
    trait Rate {
        const RATE: u32;
        #[cached(skip(self))]
        fn price(&self, amount: u32) -> u32 {
            amount * Self::RATE
        }
    }
    struct Cheap;
    struct Dear;
    impl Rate for Cheap {
        const RATE: u32 = 1;
    }
    impl Rate for Dear {
        const RATE: u32 = 10;
    }
    struct Wrapper<T>(T);
    impl<T> Wrapper<T> {
        #[cached(skip(self))]
        fn width(&self) -> usize {
            size_of_val(&self.0)
        }
    }
    TestCache::new().run(|| {
        for _ in 0..2 {
            assert_eq!((size(1_u8), size(1_u64)), (1, 8));
            assert_eq!((nth::<3>(), nth::<4>()), (3, 4));
            assert_eq!((Cheap.price(2), Dear.price(2)), (2, 20));
            assert_eq!((Wrapper(1_u8).width(), Wrapper(1_u64).width()), (1, 8));
        }
    });
}

#[test]
fn functions_of_one_name_do_not_share_keys() {
    mod a {
        #[cache_core::cached]
        pub fn get(id: u32) -> String {
            format!("a{id}")
        }
    }
    mod b {
        #[cache_core::cached]
        pub fn get(id: u32) -> String {
            format!("b{id}")
        }
    }
    TestCache::new().run(|| {
        assert_eq!((a::get(1), b::get(1)), ("a1".to_owned(), "b1".to_owned()));
        a::get::clear();
        assert_eq!((a::get::stats().entries, b::get::stats().entries), (0, 1));
    });
}

#[test]
fn a_call_without_a_key_runs_its_body_and_is_counted() {
    #[derive(Clone)]
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no idea"))
        }
    }
    #[cached]
    fn body(_what: &Broken) -> u32 {
        7
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((body(&Broken), body(&Broken)), (7, 7));
        assert!(!body::invalidate(&Broken));
        cache.function("body").hits(0).entries(0).errors(3);
    });
}

#[test]
fn large_and_deep_keys_work() {
    #[cached]
    fn fold(bytes: &[u8], tree: &BTreeMap<u32, Vec<Option<String>>>) -> u64 {
        bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>() + tree.len() as u64
    }
    let tree: BTreeMap<u32, Vec<Option<String>>> =
        (0..200).map(|n| (n, vec![None, Some("x".repeat(n as usize))])).collect();
    TestCache::new().run(|| {
        let bytes = vec![1; 100_000];
        assert_eq!(fold(&bytes, &tree), 100_200);
        assert_eq!(fold(&bytes, &tree), 100_200);
        assert_eq!(fold(&bytes[1..], &tree), 100_199);
        assert_eq!((fold::stats().hits, fold::stats().loads), (1, 2));
    });
}
