//! `batch = load_users`: many calls are answered as one by one, and what is missing is loaded by one call.

use std::collections::BTreeMap;
use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{Cache, Event, cached, current, emit};
use futures::future::join;

use crate::support::{Gate, Runs, eventually, on_every_executor, pause, watched};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Event)]
struct Changed {
    id: u32,
}

/// The calls of a function that loads, each with the keys that it was asked for.
struct Calls(Mutex<Vec<Vec<u32>>>);

impl Calls {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    fn note(&self, keys: &[u32]) {
        self.0.lock().expect("not poisoned").push(keys.to_vec());
    }

    fn count(&self) -> usize {
        self.0.lock().expect("not poisoned").len()
    }

    fn take(&self) -> Vec<Vec<u32>> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }
}

#[test]
fn results_come_in_the_order_of_the_keys_and_only_what_is_missing_is_loaded() {
    static CALLS: Calls = Calls::new();
    fn load_squares(ids: Vec<u32>) -> Vec<u32> {
        CALLS.note(&ids);
        ids.into_iter().map(|id| id * id).collect()
    }
    #[cached(batch = load_squares)]
    fn square(id: u32) -> u32 {
        panic!("{id} is loaded with others")
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(square::get_many([3, 1, 2]), [9, 1, 4]);
        cache.function("square").hits(0).misses(3).loads(3).insertions(3);
        assert_eq!(square::get_many([5, 2, 4, 1]), [25, 4, 16, 1]);
        cache.function("square").hits(2).misses(5).loads(5).insertions(5);
        assert_eq!((square(4), square::get_many([])), (16, vec![]));
        assert!(square::invalidate(&2) && square::put(7, 7));
        assert_eq!(square::get_many(vec![7, 2]), [7, 4]);
        cache.function("square").coalesced(0).errors(0).entries(6);
        assert_eq!(CALLS.take(), [vec![3, 1, 2], vec![5, 4], vec![2]]);
    });
}

#[test]
fn async_functions_do_the_same() {
    static CALLS: Calls = Calls::new();
    async fn load_squares(ids: Vec<u32>) -> Vec<u32> {
        pause().await;
        CALLS.note(&ids);
        ids.into_iter().map(|id| id * id).collect()
    }
    #[cached(batch = load_squares)]
    async fn square(id: u32) -> u32 {
        id * id
    }
    fn is_send<T: Send>(it: T) -> T {
        it
    }
    on_every_executor(|cache| async move {
        assert_eq!(square(1).await, 1);
        assert_eq!(is_send(square::get_many([3, 1, 2])).await, [9, 1, 4]);
        assert_eq!(square::get_many([1, 2, 3]).await, [1, 4, 9]);
        cache.function("square").hits(4).misses(3).loads(3);
        assert_eq!(CALLS.take(), [[3, 2]]);
    });
}

#[test]
fn a_key_that_is_asked_for_twice_is_loaded_once() {
    static CALLS: Calls = Calls::new();
    fn load_results(ids: Vec<u32>) -> Vec<Result<u32, String>> {
        CALLS.note(&ids);
        ids.into_iter().map(|id| if id == 0 { Err("zero".to_owned()) } else { Ok(id) }).collect()
    }
    #[cached(batch = load_results)]
    fn result(id: u32) -> Result<u32, String> {
        load_results(vec![id]).remove(0)
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| {
            let zero = || Err("zero".to_owned());
            let results = result::get_many([1, 0, 1, 0, 1]);
            assert_eq!(results, [Ok(1), zero(), Ok(1), zero(), Ok(1)]);
            assert_eq!(CALLS.take(), [[1, 0]]);
            cache.function("result").misses(5).loads(2).coalesced(3).insertions(1);
        });
    });
}

#[test]
fn errors_and_nones_are_stored_as_in_single_calls() {
    fn load_users(ids: Vec<u32>) -> Vec<Result<Option<u32>, String>> {
        ids.into_iter().map(find).collect()
    }
    fn find(id: u32) -> Result<Option<u32>, String> {
        match id {
            0 => Err("down".to_owned()),
            1 => Ok(None),
            id => Ok(Some(id)),
        }
    }
    #[cached(batch = load_users)]
    fn user(id: u32) -> Result<Option<u32>, String> {
        find(id)
    }
    #[cached(batch = load_users, none_ttl = 5s, ttl = 10s)]
    fn user_or_none(id: u32) -> Result<Option<u32>, String> {
        find(id)
    }
    let cache = TestCache::new();
    cache.run(|| {
        for _ in 0..2 {
            assert_eq!(user::get_many(0..3), (0..3).map(find).collect::<Vec<_>>());
            assert_eq!(user_or_none::get_many(0..3), (0..3).map(find).collect::<Vec<_>>());
        }
        cache.function("user").hits(1).loads(5).insertions(1);
        cache.function("user_or_none").hits(2).loads(4).insertions(2);
        cache.advance(5 * SECOND);
        assert_eq!((user_or_none::peek(&1), user_or_none::peek(&2)), (None, Some(Ok(Some(2)))));
    });
}

#[test]
fn the_words_of_the_attribute_hold_for_each_result() {
    fn load_names(ids: Vec<u32>) -> Vec<String> {
        ids.into_iter().map(|id| "x".repeat(id as usize)).collect()
    }
    #[cached(
        batch = load_names,
        label = "name:{id}",
        ttl = |name| name.len() as u32 * SECOND,
        cache_if = |_| id != 4,
        size = |name| name.len() * 1_000,
        enabled = id != 5,
        invalidate_on = [Changed { id }]
    )]
    fn name(id: u32) -> String {
        "x".repeat(id as usize)
    }
    let cache = TestCache::new();
    cache.run(|| {
        let lengths = |names: Vec<String>| names.iter().map(String::len).collect::<Vec<_>>();
        assert_eq!(lengths(name::get_many(1..6)), [1, 2, 3, 4, 5]);
        cache.function("name").misses(5).loads(4).insertions(3);
        assert_eq!(name::stats().miss_reasons.disabled, 1);
        assert!(name::stats().bytes > 6_000);
        emit(Changed { id: 3 });
        assert_eq!(name::peek(&3), None);
        cache.advance(SECOND);
        assert_eq!((name::peek(&1), name::peek(&2).is_some()), (None, true));
        assert_eq!(cache.invalidate_matching("name:2"), 1);
    });
}

#[test]
fn several_arguments_are_a_tuple_and_those_that_are_skipped_come_first() {
    struct Bank {
        factor: f64,
    }
    #[derive(Clone, Copy)]
    struct Trace {
        is_on: bool,
    }
    fn load_rates(bank: &Bank, _: &Trace, pairs: Vec<(&str, u32)>) -> Vec<f64> {
        pairs.into_iter().map(|(name, n)| bank.factor * name.len() as f64 * f64::from(n)).collect()
    }
    #[cached(skip(bank, trace), batch = load_rates, enabled = trace.is_on)]
    fn rate(bank: &Bank, name: &str, trace: Trace, n: u32) -> f64 {
        load_rates(bank, &trace, vec![(name, n)]).remove(0)
    }
    let cache = TestCache::new();
    cache.run(|| {
        let (bank, trace) = (Bank { factor: 2.0 }, Trace { is_on: true });
        assert_eq!(rate::get_many(&bank, &trace, [("a", 1), ("bb", 2)]), [2.0, 8.0]);
        assert_eq!((rate(&bank, "bb", trace, 2), rate::peek("a", &1)), (8.0, Some(2.0)));
        rate::get_many(&bank, &Trace { is_on: false }, [("a", 1)]);
        cache.function("rate").hits(1).loads(2);
    });
}

#[test]
fn methods_and_generic_functions_have_it_too() {
    struct Shop {
        prices: BTreeMap<String, u64>,
    }
    #[cached]
    impl Shop {
        #[cached(skip(self), batch = Self::load_prices, handle = Prices)]
        async fn price(&self, name: &str) -> Option<u64> {
            self.prices.get(name).copied()
        }

        fn load_prices(&self, names: Vec<&str>) -> impl Future<Output = Vec<Option<u64>>> {
            ready(names.into_iter().map(|name| self.prices.get(name).copied()).collect())
        }
    }
    fn load_texts<T: ToString>(values: Vec<T>) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }
    #[cached(batch = load_texts::<T>)]
    fn text<T: ToString + serde::Serialize>(value: T) -> String {
        value.to_string()
    }
    let shop = Shop { prices: BTreeMap::from([("pen".to_owned(), 2), ("ink".to_owned(), 5)]) };
    let cache = TestCache::new();
    cache.run(|| {
        let names = ["ink".to_owned(), "cup".to_owned(), "pen".to_owned()];
        let prices = Prices::get_many(&shop, names.iter().map(String::as_str));
        assert_eq!(pollster::block_on(prices), [Some(5), None, Some(2)]);
        assert_eq!(Prices::peek("pen"), Some(Some(2)));
        assert_eq!(text::get_many([1, 2]), ["1", "2"]);
        assert_eq!(text::get_many(["a", "b"]), ["a", "b"]);
        assert_eq!((text::stats().loads, pollster::block_on(shop.price("pen"))), (4, Some(2)));
    });
}

#[test]
fn arguments_may_have_any_name() {
    fn load_sums(keys: Vec<(u32, u32, u32, u32, u32)>) -> Vec<u32> {
        keys.into_iter().map(|(a, b, c, d, e)| a + b + c + d + e).collect()
    }
    #[cached(batch = load_sums, label = "{key}{call}", cache_if = |sum| *sum >= out + kept)]
    fn sum(keys: u32, key: u32, out: u32, kept: u32, call: u32) -> u32 {
        load_sums(vec![(keys, key, out, kept, call)]).remove(0)
    }
    TestCache::new().run(|| {
        assert_eq!(sum::get_many([(1, 2, 3, 4, 5), (0, 0, 0, 0, 1)]), [15, 1]);
        assert_eq!(sum::peek(&1, &2, &3, &4, &5), Some(15));
    });
}

#[test]
fn the_global_cache_answers_many_calls_as_well() {
    static CALLS: Calls = Calls::new();
    fn load_squares(ids: Vec<u32>) -> Vec<u32> {
        CALLS.note(&ids);
        ids.into_iter().map(|id| id * id).collect()
    }
    #[cached(batch = load_squares)]
    fn square(id: u32) -> u32 {
        load_squares(vec![id]).remove(0)
    }
    assert_eq!(
        (square(2), square::get_many(1..4), square::get_many(1..4)),
        (4, vec![1, 4, 9], vec![1, 4, 9])
    );
    assert_eq!(CALLS.take(), [vec![2], vec![1, 3]]);
    let stats = square::stats();
    assert_eq!((stats.hits, stats.misses, stats.loads, stats.entries), (4, 3, 3, 3));
}

static GATE: Gate = Gate::new();
static GATED: Calls = Calls::new();

async fn load_gated(ids: Vec<u32>) -> Vec<u32> {
    GATED.note(&ids);
    GATE.pass().await;
    ids
}

/// One test at a time holds the gate.
#[cached(batch = load_gated, invalidate_on = [Changed { id }])]
async fn gated(id: u32) -> u32 {
    GATED.note(&[id]);
    GATE.pass().await;
    id
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn single_calls_and_batches_wait_for_each_other_and_nothing_is_loaded_twice() {
    on_every_executor(|cache| async move {
        let mut single = pin!(gated(1));
        assert!(poll_once(single.as_mut()).is_pending());
        let mut many = pin!(gated::get_many([1, 2, 3]));
        assert!(poll_once(many.as_mut()).is_pending());
        let mut another = pin!(gated::get_many([4, 3, 2, 1]));
        assert!(poll_once(another.as_mut()).is_pending());
        let mut last = pin!(gated(4));
        assert!(poll_once(last.as_mut()).is_pending());
        assert_eq!(GATED.take(), [vec![1], vec![2, 3], vec![4]]);
        (0..3).for_each(|_| GATE.open());
        let (ends, beginnings) = (join(last, another), join(many, single));
        let ((last, another), (many, single)) = join(ends, beginnings).await;
        assert_eq!((single, many, another, last), (1, vec![1, 2, 3], vec![4, 3, 2, 1], 4));
        cache.function("gated").hits(0).misses(9).loads(4).coalesced(5).insertions(4);

        // What happens to a key while it is loaded happens to that key alone.
        gated::clear();
        let mut many = pin!(gated::get_many([1, 2, 3]));
        assert!(poll_once(many.as_mut()).is_pending());
        emit(Changed { id: 2 });
        assert!(!gated::invalidate(&3));
        let mut later = pin!(gated::get_many([3, 1, 2]));
        assert!(poll_once(later.as_mut()).is_pending());
        assert_eq!(GATED.take(), [vec![1, 2, 3], vec![3, 2]], "nobody waits for what is outdated");
        GATE.open();
        assert_eq!(many.await, [1, 2, 3]);
        assert_eq!([1, 2, 3].map(|id| gated::peek(&id)), [Some(1), None, None]);
        GATE.open();
        assert_eq!(later.await, [3, 1, 2]);
        assert_eq!([1, 2, 3].map(|id| gated::peek(&id)), [1, 2, 3].map(Some));

        // A batch that is dropped leaves its keys to who waits for them.
        gated::clear();
        let mut dropped = Box::pin(gated::get_many([1, 2, 3]));
        assert!(poll_once(dropped.as_mut()).is_pending());
        let (mut many, mut single) = (pin!(gated::get_many([3, 2])), pin!(gated(1)));
        assert!(poll_once(many.as_mut()).is_pending() && poll_once(single.as_mut()).is_pending());
        drop(dropped);
        (0..2).for_each(|_| GATE.open());
        assert_eq!(join(many, single).await, (vec![3, 2], 1));
        assert_eq!(GATED.take(), [vec![1, 2, 3], vec![3, 2], vec![1]]);

        // A single call that is dropped leaves its body to the batch that waits for it.
        gated::clear();
        let mut dropped = Box::pin(gated(1));
        assert!(poll_once(dropped.as_mut()).is_pending());
        let mut many = pin!(gated::get_many([1, 2]));
        assert!(poll_once(many.as_mut()).is_pending());
        drop(dropped);
        (0..2).for_each(|_| GATE.open());
        assert_eq!(many.await, [1, 2]);
        assert_eq!(GATED.take(), [vec![1], vec![2]]);
    });
}

#[test]
fn threads_that_want_each_others_keys_do_not_wait_for_each_other() {
    static GATE: Gate = Gate::new();
    static CALLS: Calls = Calls::new();
    fn load_rows(ids: Vec<u32>) -> Vec<u32> {
        CALLS.note(&ids);
        GATE.pass_blocking();
        ids
    }
    #[cached(batch = load_rows)]
    fn row(id: u32) -> u32 {
        load_rows(vec![id]).remove(0)
    }
    #[cached]
    fn sum(ids: Vec<u32>) -> u32 {
        row::get_many(ids).iter().sum()
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            // Each begins with a key of its own, and all in a load of their own.
            let sums = [[1, 2, 3], [2, 3, 1], [3, 1, 2]].map(|ids| {
                let cache = &cache;
                scope.spawn(move || cache.run(|| sum(ids.to_vec())))
            });
            eventually("all have missed", || cache.run(row::stats).misses == 9);
            GATE.open_for_all();
            assert_eq!(sums.map(|sum| sum.join().expect("a caller")), [6; 3]);
        });
        cache.run(|| {
            cache.function("row").loads(3).coalesced(6).entries(3);
            let mut loaded = CALLS.take().concat();
            loaded.sort_unstable();
            assert_eq!(loaded, [1, 2, 3]);
            row::invalidate(&2);
            assert_eq!(cache.stats().entries, 2, "the sums depend on it");
        });
    });
}

#[test]
fn a_batch_that_asks_for_its_own_keys_does_not_wait_for_itself() {
    static DEPTH: Runs = Runs::new();
    async fn load_rows(ids: Vec<u32>) -> Vec<u32> {
        match DEPTH.note() {
            0 => Box::pin(row::get_many(ids)).await,
            1 => vec![row(ids[0]).await; ids.len()],
            _ => ids,
        }
    }
    #[cached(batch = load_rows)]
    async fn row(id: u32) -> u32 {
        id
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| assert_eq!(pollster::block_on(row::get_many([1])), [1]));
    });
}

#[test]
fn a_panic_abandons_all_keys() {
    static GATE: Gate = Gate::new();
    static RUNS: Runs = Runs::new();
    fn load_rows(ids: Vec<u32>) -> Vec<u32> {
        GATE.pass_blocking();
        assert!(RUNS.note() > 0, "planned");
        ids
    }
    #[cached(batch = load_rows)]
    fn row(id: u32) -> u32 {
        load_rows(vec![id]).remove(0)
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let leader = scope.spawn(|| cache.run(|| row::get_many([1, 2])));
            eventually("it leads", || cache.run(row::stats).loads == 2);
            let follower = scope.spawn(|| cache.run(|| row::get_many([2, 1])));
            eventually("another waits", || cache.run(row::stats).misses == 4);
            GATE.open_for_all();
            assert!(leader.join().is_err());
            assert_eq!(follower.join().expect("it goes on"), [2, 1]);
        });
        cache.run(|| cache.function("row").loads(4).insertions(2));
    });
}

#[test]
fn a_wrong_number_of_results_is_a_panic_that_says_whose_mistake_it_is() {
    fn load_rows(ids: Vec<u32>) -> Vec<u32> {
        ids.into_iter().filter(|id| id % 2 == 0).collect()
    }
    #[cached(batch = load_rows)]
    fn row(id: u32) -> u32 {
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        let panic = catch_unwind(AssertUnwindSafe(|| row::get_many([1, 2, 3])));
        let message = panic.expect_err("two are missing").downcast::<String>().expect("a text");
        let expected = "`load_rows` returned 1 results for 3 keys of `row`: it must return one for each key, in their order";
        assert_eq!(*message, expected);
        cache.function("row").insertions(0);
        assert_eq!((row(1), row::get_many([1])), (1, vec![1]));
    });
}

#[test]
fn what_a_batch_is_computed_from_and_says_goes_for_all_its_results() {
    #[cached(ttl = 10s, invalidate_on = ["source"])]
    async fn source() -> u32 {
        1
    }
    async fn load_rows(ids: Vec<u32>) -> Vec<u32> {
        pause().await;
        current().depends_on("rows").ttl(60 * SECOND);
        let factor = source().await;
        ids.into_iter().map(|id| id * factor).collect()
    }
    #[cached(batch = load_rows, ttl = 1s)]
    async fn row(id: u32) -> u32 {
        id
    }
    #[cached]
    async fn sum() -> u32 {
        row::get_many([1, 2]).await.iter().sum()
    }
    on_every_executor(|cache| async move {
        let stored = || (row::peek(&1).is_some(), row::peek(&2).is_some(), sum::peek().is_some());
        for event in ["rows", "source"] {
            sum().await;
            assert_eq!(stored(), (true, true, true));
            emit(event);
            assert_eq!(stored(), (false, false, false), "{event}");
        }
        sum().await;
        cache.advance(9 * SECOND);
        assert_eq!(stored(), (true, true, true));
        cache.advance(SECOND);
        assert_eq!(stored(), (false, false, false));
        sum().await;
        assert!(row::invalidate(&2));
        assert_eq!(stored(), (true, false, false));
    });
}

#[test]
fn without_a_cache_all_keys_are_loaded_by_one_call() {
    static CALLS: Calls = Calls::new();
    fn load_rows(_: &bool, ids: Vec<u32>) -> Vec<u32> {
        current().do_not_store();
        CALLS.note(&ids);
        ids
    }
    #[cached(batch = load_rows, enabled = is_on, skip(is_on))]
    fn row(id: u32, is_on: bool) -> u32 {
        assert!(is_on);
        id
    }
    #[cached]
    fn sum() -> u32 {
        row::get_many(&false, [1, 1, 2]).iter().sum()
    }
    TestCache::from_builder(Cache::builder().enabled(false)).run(|| {
        assert_eq!(row::get_many(&true, [1, 1, 2]), [1, 1, 2]);
        assert_eq!(CALLS.take(), [[1, 1, 2]]);
    });
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((sum(), sum::peek()), (4, Some(4)), "its refusal is not the sum's");
        let disabled = row::stats().miss_reasons.disabled;
        assert_eq!((disabled, row::stats().loads, CALLS.count()), (3, 0, 1));
    });
}

#[test]
fn a_batch_that_is_not_polled_any_more_does_not_hold_the_others() {
    static STEP: Mutex<Option<Waker>> = Mutex::new(None);
    static RUNS: Runs = Runs::new();
    async fn load_rows(ids: Vec<u32>) -> Vec<u32> {
        if RUNS.note() == 0 {
            let mut is_first = true;
            std::future::poll_fn(|cx| {
                *STEP.lock().expect("not poisoned") = Some(cx.waker().clone());
                if std::mem::take(&mut is_first) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
        }
        ids
    }
    #[cached(batch = load_rows)]
    async fn row(id: u32) -> u32 {
        id
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| {
            let mut kept = Box::pin(row::get_many([1, 2]));
            assert!(poll_once(kept.as_mut()).is_pending());
            STEP.lock().expect("not poisoned").take().expect("it waits").wake();
            assert_eq!(pollster::block_on(row::get_many([2, 1])), [2, 1]);
            assert_eq!(pollster::block_on(kept), [1, 2]);
            // Each key is given up by itself, so that they may be taken over by one call or by two.
            assert_eq!(row::stats().loads, 4);
        });
    });
}

#[test]
fn what_is_due_is_loaded_together_with_what_is_missing() {
    static BATCHES: Mutex<Vec<Vec<u32>>> = Mutex::new(Vec::new());
    static FAILS: AtomicBool = AtomicBool::new(false);
    fn load(ids: Vec<u32>) -> Vec<Result<u32, String>> {
        let n_before = BATCHES.lock().expect("nobody panics with it").len() as u32;
        BATCHES.lock().expect("nobody panics with it").push(ids.clone());
        let fails = FAILS.load(Ordering::SeqCst);
        let load =
            |id| if fails { Err("the body's own".to_owned()) } else { Ok(id + 100 * n_before) };
        ids.into_iter().map(load).collect()
    }
    #[cached(ttl = 10s, refresh_at = 80%, stale = 10s, on_err = stale, batch = load)]
    fn number(id: u32) -> Result<u32, String> {
        load(vec![id]).remove(0)
    }
    let batches = || std::mem::take(&mut *BATCHES.lock().expect("nobody panics with it"));
    let cache = TestCache::new();
    cache.run(|| {
        let many = |ids: &[u32]| -> Vec<u32> {
            let results = number::get_many(ids.iter().copied());
            results.into_iter().map(|result| result.expect("a value")).collect()
        };
        assert_eq!(many(&[1, 2]), [1, 2]);
        cache.advance(Duration::from_secs(9));
        assert_eq!(many(&[1, 3]), [101, 103], "what is due, and what is missing");
        cache.advance(Duration::from_secs(3));
        FAILS.store(true, Ordering::SeqCst);
        assert_eq!(many(&[2, 1]), [2, 101], "the old one, for the load has failed");
        assert_eq!(many(&[2]), [2], "and is not tried again so soon");
        assert_eq!(batches(), [vec![1, 2], vec![1, 3], vec![2]]);
        cache.function("number").loads(5);
    });
}
