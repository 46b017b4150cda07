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

trait Scale: Sync {
    fn by(&self) -> u32;
}

struct Factor<'a>(&'a u32);

impl Scale for Factor<'_> {
    fn by(&self) -> u32 {
        *self.0
    }
}

#[test]
fn what_a_function_borrows_its_verbs_borrow() {
    #[cached(skip(scale))]
    fn by_dyn(scale: &dyn Scale, n: u32) -> u32 {
        scale.by() * n
    }
    #[cached(skip(scale))]
    fn by_lifetime(scale: &Factor<'_>, name: &'static str, digits: &[u8]) -> u32 {
        scale.by() * (name.len() + digits.len()) as u32
    }
    #[cached(skip(log))]
    fn by_mut(log: &mut Vec<u32>, n: &u32) -> u32 {
        log.push(*n);
        *n
    }
    #[cached]
    fn by_reference<'a>(first: &'a String, second: &'a [u32]) -> usize {
        first.len() + second.len()
    }
    let cache = TestCache::new();
    cache.run(|| {
        let two = 2;
        let factor = Factor(&two);
        assert_eq!(by_dyn::refresh(&factor, 3), 6);
        assert_eq!(by_dyn::warm([(&factor as &dyn Scale, 4)]).run(), 1);
        assert_eq!((by_dyn::peek(&3), by_dyn::peek(&4)), (Some(6), Some(8)));
        assert_eq!(by_lifetime::refresh(&factor, "ab", &[1]), 6);
        assert_eq!(by_lifetime::peek("ab", &[1]), Some(6));
        let mut log = Vec::new();
        assert_eq!((by_mut::uncached(&mut log, &1), by_mut::peek(&1)), (1, None));
        let name = "abc".to_owned();
        {
            let numbers = vec![1, 2];
            assert_eq!(by_reference::warm([(&name, &numbers[..])]).run(), 1);
            assert_eq!(by_reference::refresh(&name, &numbers), 5);
            assert!(by_reference::put(&name, &numbers, 6));
        }
        assert!(by_reference::invalidate(&name, &[1, 2]));
    });
}

#[test]
fn the_number_of_arguments_makes_no_difference() {
    #[cached]
    fn none() -> u32 {
        7
    }
    #[cached]
    #[expect(clippy::too_many_arguments, reason = "they are the point")]
    fn twelve(
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
    ) -> u8 {
        a + b + c + d + e + f + g + h + i + j + k + l
    }
    #[cached]
    #[expect(clippy::too_many_arguments, reason = "they are the point")]
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
    ) -> u8 {
        a + b + c + d + e + f + g + h + i + j + k + l + m
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((none::peek(), none::refresh(), none::peek()), (None, 7, Some(7)));
        assert_eq!(none::warm([()]).run(), 1);
        assert!(none::put(8) && none() == 8 && none::invalidate());
        assert_eq!(twelve::refresh(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 66);
        assert!(twelve::invalidate(&0, &1, &2, &3, &4, &5, &6, &7, &8, &9, &10, &11));
        assert_eq!(thirteen::refresh(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), 78);
        assert!(thirteen::invalidate(&0, &1, &2, &3, &4, &5, &6, &7, &8, &9, &10, &11, &12));
    });
}

#[test]
fn futures_of_verbs_are_sent_where_those_of_the_function_are() {
    #[cached(skip(db))]
    async fn name(db: &String, id: u64, prefix: &str) -> Result<String, String> {
        Ok(format!("{db}{prefix}{id}"))
    }
    fn sent<T: Send>(future: T) -> T {
        future
    }
    let cache = TestCache::new();
    pollster::block_on(cache.scope(async {
        let (db, prefix) = ("db".to_owned(), "p".to_owned());
        assert_eq!(sent(name::refresh(&db, 1, &prefix)).await, Ok("dbp1".to_owned()));
        assert_eq!(sent(name::uncached(&db, 2, &prefix)).await, Ok("dbp2".to_owned()));
        let ids = (3..5).map(|id| (&db, id, prefix.as_str()));
        assert_eq!(sent(name::warm(ids).run()).await, 2);
        let together = async { name::refresh(&db.clone(), 5, &prefix.clone()).await };
        assert_eq!(sent(together).await, Ok("dbp5".to_owned()));
    }));
    cache.function("name").loads(4).entries(4);
}
