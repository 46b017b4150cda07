//! The verbs of a function's own handle.

use std::sync::Mutex;

use cache_core::testing::TestCache;
use cache_core::{Progress, cached};

use crate::support::{Runs, on_every_executor, watched};

static RUNS: Runs = Runs::new();

#[cached(skip(nonce))]
fn total(user: &str, items: Vec<u32>, nonce: u64) -> u64 {
    let _ = (user, nonce);
    items.into_iter().map(u64::from).sum()
}

#[cached]
async fn fetch(id: u64) -> Result<String, String> {
    RUNS.note();
    if id == 0 { Err("none".to_owned()) } else { Ok(format!("v{id}")) }
}

#[test]
fn verbs_take_the_arguments_of_the_key() {
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(total::peek("ada", &vec![1, 2]), None);
        total("ada", vec![1, 2], 7);
        assert_eq!(total::peek("ada", &vec![1, 2]), Some(3));
        assert!(total::invalidate("ada", &vec![1, 2]));
        assert!(!total::invalidate("ada", &vec![1, 2]));
        assert!(total::put("ada", vec![1, 2], 30));
        assert_eq!(total("ada", vec![1, 2], 8), 30);
        assert_eq!(total::uncached("ada", vec![1, 2], 9), 3);
        assert_eq!(total("ada", vec![1, 2], 10), 30);
        assert_eq!(total::refresh("ada", vec![1, 2], 11), 3);
        assert_eq!(total("ada", vec![1, 2], 12), 3);
        total("bob", vec![], 0);
        total::clear();
        cache.function("total").hits(3).misses(3).loads(3).invalidations(3).entries(0);
    });
}

#[test]
fn a_look_neither_counts_nor_keeps() {
    #[cached(max_entries = 2)]
    fn square(n: u32) -> u32 {
        n * n
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((square(1), square(2)), (1, 4));
        assert_eq!(square::peek(&1), Some(1));
        square(3);
        assert_eq!(square::peek(&1), None);
        cache.function("square").hits(0).misses(3).evictions(1);
    });
}

#[test]
fn async_verbs_do_the_same() {
    on_every_executor(|cache| async move {
        assert_eq!(fetch(7).await, Ok("v7".to_owned()));
        assert_eq!(fetch::peek(&7), Some(Ok("v7".to_owned())));
        assert_eq!(fetch::uncached(7).await, Ok("v7".to_owned()));
        cache.function("fetch").hits(0).misses(1).loads(1);
        assert!(fetch::put(7, Ok("new".to_owned())));
        assert_eq!(fetch(7).await, Ok("new".to_owned()));
        assert_eq!(fetch::refresh(7).await, Ok("v7".to_owned()));
        assert_eq!(fetch(7).await, Ok("v7".to_owned()));
        assert!(
            !fetch::put(7, Err("bad".to_owned())),
            "an error is not stored, and takes the old value along"
        );
        assert_eq!(fetch::peek(&7), None);
        cache.function("fetch").hits(2).loads(2).invalidations(1);
    });
}

#[test]
fn a_refresh_that_fails_keeps_nothing_newer_than_it_had() {
    on_every_executor(|cache| async move {
        assert_eq!(fetch::refresh(0).await, Err("none".to_owned()));
        cache.function("fetch").entries(0).loads(1);
    });
}

#[test]
fn warm_fills_in_parallel_within_bounds_and_reports() {
    #[cached]
    fn square(n: u64) -> u64 {
        n * n
    }
    watched(|| {
        let cache = TestCache::new();
        let seen = Mutex::new(Vec::new());
        let n_calls = cache.run(|| {
            square::warm((0..100).map(|n| (n,)))
                .parallelism(4)
                .on_progress(|progress: Progress| {
                    seen.lock().expect("no panic").push((progress.done, progress.total))
                })
                .run()
        });
        assert_eq!(n_calls, 100);
        assert_eq!(
            *seen.lock().expect("no panic"),
            (1..=100).map(|done| (done, Some(100))).collect::<Vec<_>>()
        );
        cache.function("square").loads(100).entries(100);
        cache.run(|| assert_eq!(square(9), 81));
        cache.function("square").hits(1);
    });
}

#[test]
fn warm_is_async_for_async_functions() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    #[cached]
    async fn slow(name: &str, n: u64) -> u64 {
        MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        futures::pending!();
        RUNNING.fetch_sub(1, Ordering::SeqCst);
        n + name.len() as u64
    }
    watched(|| {
        let cache = TestCache::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(cache.scope(async {
            let names = ["a".to_owned(), "bb".to_owned()];
            let calls = (0..50).map(|n| (names[n as usize % 2].as_str(), n));
            // `pending!` never wakes: something else on the task has to.
            let mut warm = Box::pin(slow::warm(calls).parallelism(5).run());
            let mut done = None;
            while done.is_none() {
                done = futures::poll!(warm.as_mut()).is_ready().then_some(());
                tokio::task::yield_now().await;
            }
        }));
        assert_eq!(MOST.load(Ordering::SeqCst), 5);
        cache.function("slow").loads(50).entries(50);
    });
}

mod shop {
    use cache_core::cached;

    pub(super) struct Shop {
        pub(super) id: u32,
        pub(super) factor: u32,
    }

    #[cached]
    impl Shop {
        #[cached(key = (self.id, article), handle = Price)]
        pub(super) fn price(&self, article: u32) -> u32 {
            article * self.factor
        }

        #[cached(skip(self), handle = Names)]
        pub(super) async fn name(&self, article: u32) -> String {
            format!("{article}")
        }

        pub(super) fn plain(&self) -> u32 {
            self.factor
        }
    }
}

#[test]
fn methods_have_handles_through_their_impl_block() {
    use shop::{Names, Price, Shop};
    let cache = TestCache::new();
    cache.run(|| {
        let (one, two) = (Shop { id: 1, factor: 10 }, Shop { id: 2, factor: 20 });
        assert_eq!((one.price(3), two.price(3), one.plain()), (30, 60, 10));
        assert_eq!(Price::peek(&one, &3), Some(30));
        assert!(Price::invalidate(&one, &3));
        assert_eq!((Price::peek(&one, &3), Price::peek(&two, &3)), (None, Some(60)));
        assert_eq!(Price::refresh(&two, 3), 60);
        assert_eq!(pollster::block_on(one.name(3)), "3");
        assert_eq!(Names::peek(&3), Some("3".to_owned()));
        assert_eq!((Price::stats().loads, Names::stats().loads), (3, 1));
    });
}

#[test]
fn generic_functions_have_verbs_for_each_instantiation() {
    #[cached]
    fn width<T: serde::Serialize + Default, const N: usize>(_value: T) -> usize {
        size_of::<T>() * N
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((width::<u8, 2>(1), width::<u64, 2>(1), width::<u8, 3>(1)), (2, 16, 3));
        assert_eq!(width::peek::<u8, 2>(&1), Some(2));
        assert!(width::invalidate::<u8, 2>(&1));
        assert_eq!((width::peek::<u8, 2>(&1), width::peek::<u8, 3>(&1)), (None, Some(3)));
        assert_eq!(width::stats().entries, 2);
        width::clear();
        assert_eq!(width::stats().entries, 0);
    });
}
