//! F4: what is stored is checked before it is served.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache_core::cached;
use cache_core::testing::TestCache;

use crate::support::{Runs, on_every_executor};

#[test]
fn a_value_that_is_refused_is_dropped_counted_and_computed_anew() {
    static RUNS: Runs = Runs::new();
    static IS_GOOD: AtomicBool = AtomicBool::new(true);
    #[cached(validate = |value| IS_GOOD.load(Ordering::SeqCst) && *value >= 0)]
    fn number(id: i64) -> i64 {
        RUNS.note() as i64 + id
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((number(0), number(0)), (0, 0));
        cache.function("number").hits(1).loads(1);
        IS_GOOD.store(false, Ordering::SeqCst);
        assert_eq!(number(0), 1);
        assert_eq!(number(0), 2, "what was just computed is not checked, but found it is");
        IS_GOOD.store(true, Ordering::SeqCst);
        assert_eq!(number(0), 2);
        cache.function("number").hits(2).loads(3).invalidations(2).entries(1);
        assert_eq!((number::stats().corruptions, cache.stats().corruptions), (2, 2));
        cache.reset_stats();
        assert_eq!(number::stats().corruptions, 0);
    });
}

#[test]
fn the_first_layer_that_refuses_is_named() {
    static ASKED: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    fn ask(layer: &'static str, answer: bool) -> bool {
        ASKED.lock().expect("nobody panics with it").push(layer);
        answer
    }
    #[cached(validate(
        shape = |text| ask("shape", !text.is_empty()),
        owner = |text| ask("owner", text.starts_with(owner)),
        both = |text| ask("both", text.len() + 3 > id as usize),
    ))]
    fn document(owner: &str, id: u32) -> String {
        STORED
            .lock()
            .expect("nobody panics with it")
            .clone()
            .unwrap_or_else(|| format!("{owner}:{id}"))
    }
    static STORED: Mutex<Option<String>> = Mutex::new(None);
    let cache = TestCache::new();
    let refusals = || {
        let functions = cache.functions();
        let function = functions.into_iter().find(|function| function.name == "document");
        function.expect("it is known").refusals
    };
    cache.run(|| {
        for (stored, asked, refused) in [
            (Some("ada:7"), vec!["shape", "owner", "both"], None),
            (Some(""), vec!["shape"], Some("shape")),
            (Some("bob:7"), vec!["shape", "owner"], Some("owner")),
            (Some("ada"), vec!["shape", "owner", "both"], Some("both")),
        ] {
            *STORED.lock().expect("nobody panics with it") = stored.map(str::to_owned);
            document::clear();
            document("ada", 7);
            ASKED.lock().expect("nobody panics with it").clear();
            let before = refusals();
            document("ada", 7);
            assert_eq!(*ASKED.lock().expect("nobody panics with it"), asked);
            let after = refusals();
            for ((layer, before), (_, after)) in before.into_iter().zip(after) {
                assert_eq!(after - before, u64::from(refused == Some(layer)), "{layer}");
            }
        }
    });
}

#[test]
fn a_check_that_panics_refuses() {
    static CHECKS: Runs = Runs::new();
    #[cached(validate = |_value| { CHECKS.note(); panic!("the check's own") })]
    fn number(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((number(7), number(7), number(7)), (7, 7, 7));
        assert_eq!((CHECKS.count(), number::stats().corruptions), (2, 2));
    });
}

#[test]
fn a_check_that_panics_is_the_one_that_is_named() {
    #[cached(validate(first = |_value| panic!("the check's own"), second = |_value| true))]
    fn checked_twice(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| assert_eq!((checked_twice(7), checked_twice(7)), (7, 7)));
    let functions = cache.functions();
    let function = functions.into_iter().find(|function| function.name == "checked_twice");
    assert_eq!(function.expect("it is known").refusals, [("first", 1), ("second", 0)]);
}

#[test]
fn a_check_may_call_what_it_checks() {
    #[cached(validate = |value| *value == number(id + 1 - u32::from(id > 3)))]
    fn number(id: u32) -> u32 {
        id / 100
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((number(1), number(1)), (0, 0));
        cache.function("number").hits(1);
    });
}

#[test]
fn what_has_expired_is_checked_before_it_stands_in() {
    static FAILS: AtomicBool = AtomicBool::new(false);
    static IS_GOOD: AtomicBool = AtomicBool::new(true);
    #[cached(
        ttl = 1s,
        stale = 1h,
        on_err = stale,
        validate = |_value| IS_GOOD.load(Ordering::SeqCst)
    )]
    async fn number(id: u32) -> Result<u32, String> {
        if FAILS.load(Ordering::SeqCst) { Err("the body's own".to_owned()) } else { Ok(id) }
    }
    on_every_executor(|cache| async move {
        assert_eq!(number(7).await, Ok(7));
        cache.advance(Duration::from_secs(2));
        FAILS.store(true, Ordering::SeqCst);
        assert_eq!(number(7).await, Ok(7));
        IS_GOOD.store(false, Ordering::SeqCst);
        assert!(number(7).await.is_err());
        FAILS.store(false, Ordering::SeqCst);
        IS_GOOD.store(true, Ordering::SeqCst);
    });
}

#[test]
fn errors_that_are_stored_are_not_checked() {
    #[cached(err_ttl = 1h, validate = |value| value.as_ref().is_ok_and(|value| *value > 0))]
    fn number(id: i32) -> Result<i32, String> {
        if id == 0 { Err("none".to_owned()) } else { Ok(id) }
    }
    // With `err_ttl` the whole result is stored, so the check sees it whole.
    let seen: HashSet<bool> = TestCache::new().run(|| {
        (0..2)
            .map(|id| {
                _ = number(id);
                number(id).is_ok()
            })
            .collect()
    });
    assert_eq!(seen, HashSet::from([true, false]));
}
