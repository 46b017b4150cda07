//! L1 and L2 for tasks, under every executor.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cache_core::cached;
use cache_core::testing::TestCache;
use futures::future::{join, join_all};

use crate::support::{Gate, Runs, on_every_executor, watched};

/// Polls a future once, and leaves it at that.
fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets everything else on this task go on.
async fn step_back() {
    let mut is_back = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut is_back, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[test]
fn many_tasks_on_a_cold_key_run_one_body() {
    on_every_executor(|cache| async move {
        #[cached]
        async fn report(gate: u32, id: u32) -> String {
            assert_eq!(gate, 0);
            for _ in 0..10 {
                step_back().await;
            }
            format!("report {id}")
        }
        let reports = join_all((0..1000).map(|_| report(0, 7))).await;
        assert!(reports.iter().all(|report| report == "report 7"));
        cache.function("report").loads(1).coalesced(999).misses(1000);
        assert_eq!(report(0, 7).await, "report 7");
        cache.function("report").hits(1);
    });
}

#[test]
fn many_tasks_on_many_threads_run_one_body() {
    static GATE: Gate = Gate::new();
    #[cached]
    async fn report(id: u32) -> Result<String, String> {
        GATE.pass().await;
        if id == 13 { Err("unlucky".to_owned()) } else { Ok(format!("report {id}")) }
    }
    watched(|| {
        let cache = TestCache::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let callers: Vec<_> = (0..10_000)
                .map(|n| tokio::spawn(cache.scope(report(if n % 2 == 0 { 7 } else { 13 }))))
                .collect();
            while cache.run(report::stats).misses < 10_000 {
                tokio::task::yield_now().await;
            }
            GATE.open_for_all();
            for (n, caller) in callers.into_iter().enumerate() {
                let expected =
                    if n % 2 == 0 { Ok("report 7".to_owned()) } else { Err("unlucky".to_owned()) };
                assert_eq!(caller.await.expect("no panic"), expected);
            }
        });
        cache.function("report").loads(2).coalesced(9_998).entries(1);
    });
}

#[test]
fn a_follower_goes_on_with_the_body_of_a_leader_that_is_dropped() {
    on_every_executor(|cache| async move {
        #[cached]
        async fn slow(id: u32) -> u32 {
            step_back().await;
            step_back().await;
            id
        }
        let mut leader = Box::pin(slow(1));
        assert!(poll_once(leader.as_mut()).is_pending());
        let followers = join_all((0..10).map(|_| slow(1)));
        let mut followers = pin!(followers);
        assert!(poll_once(followers.as_mut()).is_pending());
        cache.function("slow").loads(1).misses(11);
        drop(leader);
        assert_eq!(followers.await, [1; 10]);
        cache.function("slow").loads(1).coalesced(10).entries(1);
    });
}

#[test]
fn follower_takes_over_when_a_leader_that_borrows_is_dropped() {
    on_every_executor(|cache| async move {
        #[cached]
        async fn slow(name: &str) -> usize {
            step_back().await;
            step_back().await;
            name.len()
        }
        let mut leader = Box::pin(slow("ada"));
        assert!(poll_once(leader.as_mut()).is_pending());
        let followers = join_all((0..10).map(|_| slow("ada")));
        let mut followers = pin!(followers);
        assert!(poll_once(followers.as_mut()).is_pending());
        drop(leader);
        assert_eq!(followers.await, [3; 10]);
        cache.function("slow").loads(2).coalesced(9).entries(1);
    });
}

#[test]
fn callers_with_little_patience_do_not_begin_the_body_for_ever() {
    on_every_executor(|cache| async move {
        static N_STEPS: Runs = Runs::new();
        #[cached(label = "{id}")]
        async fn slow(id: u32) -> u32 {
            for _ in 0..100 {
                N_STEPS.note();
                step_back().await;
            }
            id
        }
        // Each caller gives up after it was polled three times, and the next one has come by then.
        let mut callers: Vec<_> = vec![Box::pin(slow(1))];
        let mut answer = None;
        while answer.is_none() {
            callers.push(Box::pin(slow(1)));
            for _ in 0..3 {
                for caller in &mut callers {
                    if let Poll::Ready(value) = poll_once(caller.as_mut()) {
                        answer = Some(value);
                        break;
                    }
                }
                if answer.is_some() {
                    break;
                }
            }
            drop(callers.remove(0));
        }
        assert_eq!(answer, Some(1));
        cache.function("slow").loads(1).entries(1);
        assert!(N_STEPS.count() % 100 == 0);
    });
}

#[test]
fn a_load_that_nobody_wants_any_more_is_dropped() {
    on_every_executor(|cache| async move {
        struct Noted(Arc<AtomicBool>);
        impl Drop for Noted {
            fn drop(&mut self) {
                self.0.store(true, Ordering::SeqCst);
            }
        }
        #[cached(skip(is_dropped))]
        async fn endless(id: u32, is_dropped: Arc<AtomicBool>) -> u32 {
            let _noted = Noted(is_dropped);
            std::future::pending::<()>().await;
            id
        }
        let flags: Vec<_> = (0..3).map(|_| Arc::new(AtomicBool::new(false))).collect();
        let mut callers: Vec<_> =
            flags.iter().map(|flag| Box::pin(endless(1, Arc::clone(flag)))).collect();
        for caller in &mut callers {
            assert!(poll_once(caller.as_mut()).is_pending());
        }
        drop(callers.remove(0));
        assert!(!flags[0].load(Ordering::SeqCst), "the others still want it");
        callers.clear();
        assert!(flags[0].load(Ordering::SeqCst));
        cache.function("endless").loads(1);
        drop(Box::pin(endless(1, Arc::clone(&flags[1]))));
    });
}

#[test]
fn a_dropped_follower_leaves_the_others_alone() {
    on_every_executor(|cache| async move {
        #[cached]
        async fn slow(id: u32) -> u32 {
            step_back().await;
            id
        }
        let mut leader = Box::pin(slow(1));
        assert!(poll_once(leader.as_mut()).is_pending());
        {
            let mut gone: Vec<_> = (0..9).map(|_| Box::pin(slow(1))).collect();
            for follower in &mut gone {
                assert!(poll_once(follower.as_mut()).is_pending());
            }
            drop(gone);
        }
        let (followed, led) = join(slow(1), leader).await;
        assert_eq!((followed, led), (1, 1));
        cache.function("slow").loads(1).coalesced(1);
    });
}

#[test]
fn a_leader_that_is_kept_but_not_polled_does_not_hold_the_others() {
    on_every_executor(|cache| async move {
        #[cached]
        async fn slow(id: u32) -> u32 {
            step_back().await;
            id
        }
        let mut kept = Box::pin(slow(1));
        assert!(poll_once(kept.as_mut()).is_pending());
        assert_eq!(join_all((0..10).map(|_| slow(1))).await, [1; 10]);
        cache.function("slow").loads(2);
        assert_eq!(kept.await, 1, "and it still answers its own caller");
    });
}

#[test]
fn a_leader_that_waits_for_something_slow_is_not_given_up() {
    static GATE: Gate = Gate::new();
    #[cached]
    async fn slow(id: u32) -> u32 {
        GATE.pass().await;
        id
    }
    watched(|| {
        let cache = TestCache::new();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(cache.scope(async {
            let opened = async {
                // Longer than a leader that could go on is waited for.
                tokio::time::sleep(Duration::from_millis(900)).await;
                GATE.open_for_all();
            };
            let (values, ()) = join(join_all((0..3).map(|_| slow(1))), opened).await;
            assert_eq!(values, [1; 3]);
        }));
        cache.function("slow").loads(1);
    });
}

#[test]
fn async_recursion_and_self_calls_return() {
    on_every_executor(|cache| async move {
        #[cached]
        fn fib(n: u64) -> Pin<Box<dyn Future<Output = u128>>> {
            Box::pin(
                async move { if n < 2 { n.into() } else { fib(n - 1).await + fib(n - 2).await } },
            )
        }
        static IS_INNER: AtomicBool = AtomicBool::new(false);
        #[cached]
        fn itself(id: u32) -> Pin<Box<dyn Future<Output = u32>>> {
            Box::pin(async move {
                if IS_INNER.swap(true, Ordering::SeqCst) { id } else { itself(id).await + 1 }
            })
        }
        assert_eq!(fib(90).await, 2_880_067_194_370_816_120);
        cache.function("fib").loads(91);
        IS_INNER.store(false, Ordering::SeqCst);
        assert_eq!(itself(5).await, 6);
    });
}

#[test]
fn tasks_that_wait_for_each_other_return() {
    on_every_executor(|_| async move {
        static N: Runs = Runs::new();
        // f(1) needs f(2) and the other way round, in the first run of each.
        #[cached]
        fn f(id: u32) -> Pin<Box<dyn Future<Output = u32>>> {
            Box::pin(async move {
                if N.note() % 3 < 2 {
                    step_back().await;
                    return f(3 - id).await + 1;
                }
                0
            })
        }
        let mut sums = <[u32; 2]>::from(join(f(1), f(2)).await);
        sums.sort_unstable();
        assert_eq!(sums, [1, 2]);
    });
}

#[test]
fn a_future_is_send_and_holds_up_no_other_key() {
    on_every_executor(|_| async move {
        #[cached]
        async fn slow(id: u32) -> u32 {
            step_back().await;
            id
        }
        fn is_send<T: Send>(value: T) -> T {
            value
        }
        let mut running: Vec<_> = (0..100).map(|id| Box::pin(is_send(slow(id)))).collect();
        for future in &mut running {
            assert!(poll_once(future.as_mut()).is_pending());
        }
        // A hundred loads are running now.
        assert_eq!(join_all((100..200).map(slow)).await, (100..200).collect::<Vec<_>>());
    });
}

#[test]
fn a_panic_in_an_async_body_is_the_callers_and_the_key_works_on() {
    on_every_executor(|cache| async move {
        #[cached(skip(explode))]
        async fn fragile(id: u32, explode: Arc<AtomicBool>) -> u32 {
            step_back().await;
            assert!(!explode.swap(false, Ordering::SeqCst), "planned");
            id
        }
        let explode = Arc::new(AtomicBool::new(true));
        let leader = futures::FutureExt::catch_unwind(std::panic::AssertUnwindSafe(fragile(
            1,
            Arc::clone(&explode),
        )));
        let (led, followed) = join(leader, fragile(1, Arc::clone(&explode))).await;
        assert!(led.is_err());
        assert_eq!(followed, 1);
        cache.function("fragile").loads(2).entries(1);
    });
}

#[test]
fn a_runtime_that_is_shut_down_with_loads_running_leaves_the_cache_usable() {
    #[cached]
    async fn endless(id: u32) -> u32 {
        if id == 0 {
            std::future::pending::<()>().await;
        }
        id
    }
    watched(|| {
        let cache = TestCache::new();
        let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
        for _ in 0..100 {
            runtime.spawn(cache.scope(endless(0)));
        }
        runtime.block_on(async {
            while cache.run(endless::stats).misses < 100 {
                tokio::task::yield_now().await;
            }
        });
        drop(runtime);
        assert_eq!(pollster::block_on(cache.scope(endless(1))), 1);
        cache.run(endless::clear);
    });
}

#[test]
fn a_future_does_not_grow_with_the_cached_functions_that_it_goes_through() {
    #[cached]
    async fn first(id: u32) -> u32 {
        id
    }
    #[cached]
    async fn second(id: u32) -> u32 {
        first(id).await
    }
    #[cached]
    async fn third(id: u32) -> u32 {
        second(id).await
    }
    #[cached]
    async fn borrowing(id: &u32) -> u32 {
        third(*id).await
    }
    #[cached(label = "{id}")]
    async fn labelled(id: &u32) -> u32 {
        borrowing(id).await
    }
    let sizes = [
        size_of_val(&first(1)),
        size_of_val(&second(1)),
        size_of_val(&third(1)),
        size_of_val(&borrowing(&1)),
        size_of_val(&labelled(&1)),
    ];
    assert!(sizes.iter().all(|size| *size < 2 * sizes[0]), "{sizes:?}");
    assert_eq!(pollster::block_on(TestCache::new().scope(labelled(&1))), 1);
}
