//! What a body says of its result: it wins over the attribute, and is said of no other result.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::thread;
use std::time::Duration;

use cache_core::testing::TestCache;
use cache_core::{
    Cache, CurrentLoad, Event, cached, current, emit, emit_all, in_current_load,
    in_current_load_sync,
};

use crate::support::{Gate, Runs, eventually, on_every_executor, pause, watched};

const SECOND: Duration = Duration::from_secs(1);

#[derive(Event)]
struct Changed {
    id: u32,
}

/// Says how long its result lives, some calls below the body.
#[cached(ttl = 10s)]
fn lives(seconds: u32) -> u32 {
    fn below(seconds: u32) -> u32 {
        current().ttl(SECOND).ttl(seconds * SECOND);
        seconds
    }
    below(seconds)
}

#[test]
fn the_last_word_on_a_lifetime_counts_and_wins_over_the_attribute() {
    let cache = TestCache::new();
    cache.run(|| {
        for seconds in [0, 5, 20] {
            lives(seconds);
        }
        cache.function("lives").loads(3).insertions(2);
        cache.advance(5 * SECOND);
        assert_eq!((lives::peek(&5), lives::peek(&20)), (None, Some(20)));
        cache.advance(15 * SECOND);
        assert_eq!(lives::peek(&20), None);
    });
}

#[test]
fn a_lifetime_that_a_body_chooses_wins_over_every_form_of_the_word() {
    #[cached(ttl = Duration::MAX)]
    fn by_expression(id: u32) -> u32 {
        current().ttl(SECOND);
        id
    }
    #[cached(ttl = |id| SECOND * 100 * *id)]
    fn by_value(id: u32) -> u32 {
        current().ttl(SECOND);
        id
    }
    #[cached(err_ttl = 1h, none_ttl = 1h)]
    fn failures(id: u32) -> Result<Option<u32>, String> {
        current().ttl(SECOND);
        if id == 0 { Ok(None) } else { Err("down".to_owned()) }
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((by_expression(1), by_value(1)), (1, 1));
        assert!(failures(0).is_ok() && failures(1).is_err());
        assert_eq!(cache.stats().entries, 4);
        cache.advance(SECOND);
        assert_eq!(cache.cleanup_expired(), 4);
    });
}

#[test]
fn a_lifetime_does_not_have_a_failure_stored() {
    #[cached]
    fn fails(id: u32) -> Result<u32, u32> {
        current().ttl(SECOND);
        Err(id)
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((fails(1), fails(1)), (Err(1), Err(1)));
        cache.function("fails").loads(2).insertions(0);
    });
}

#[test]
fn idleness_and_jitter_and_lifetimes_of_any_length_hold() {
    #[cached(idle = 1h)]
    fn idles(id: u32) -> u32 {
        current().idle(10 * SECOND).ttl(Duration::MAX);
        id
    }
    #[cached(idle = 1h)]
    fn is_never_idle(id: u32) -> u32 {
        current().idle(Duration::ZERO);
        id
    }
    #[cached(jitter = 100%)]
    fn is_jittered(id: u32) -> u32 {
        current().ttl(10 * SECOND);
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((idles(1), is_never_idle(1)), (1, 1));
        assert_eq!(is_never_idle::stats().entries, 0);
        assert_eq!((0..100).map(is_jittered).count(), 100);
        cache.advance(9 * SECOND);
        idles(1);
        cache.advance(9 * SECOND);
        assert_eq!(idles::peek(&1), Some(1));
        let n_left = (0..100).filter(|id| is_jittered::peek(id).is_some()).count();
        assert!((1..100).contains(&n_left), "{n_left} live for longer than 18 seconds");
        cache.advance(SECOND);
        assert_eq!(idles::peek(&1), None);
        cache.advance(SECOND);
        assert!((0..100).all(|id| is_jittered::peek(&id).is_none()), "none longer than 20");
    });
}

#[test]
fn a_result_goes_with_the_events_that_its_body_names() {
    #[cached(invalidate_on = ["reset"])]
    fn row(id: u32) -> u32 {
        current().depends_on(Changed { id }).depends_on(("table", "rows"));
        id
    }
    #[cached(ttl = 1h)]
    async fn any_row(id: u32) -> u32 {
        pause().await;
        current().depends_on_any::<Changed>();
        pause().await;
        id
    }
    on_every_executor(|_| async {
        let events: [fn(); 4] = [
            || emit("reset"),
            || emit(Changed { id: 1 }),
            || emit(("table", "rows")),
            emit_all::<Changed>,
        ];
        for event in events {
            row(1);
            emit(Changed { id: 2 });
            emit(("table", "columns"));
            assert_eq!(row::peek(&1), Some(1));
            event();
            assert_eq!(row::peek(&1), None);
        }
        any_row(1).await;
        emit("reset");
        assert_eq!(any_row::peek(&1), Some(1));
        emit(Changed { id: 9 });
        assert_eq!(any_row::peek(&1), None);
    });
}

#[test]
fn an_event_that_is_emitted_after_a_body_has_named_it_reaches_the_load() {
    static GATE: Gate = Gate::new();
    static NAMED: Runs = Runs::new();
    #[cached]
    fn row(id: u32) -> usize {
        current().depends_on(Changed { id });
        let run = NAMED.note();
        GATE.pass_blocking();
        run
    }
    watched(|| {
        let cache = TestCache::new();
        let call = || cache.run(|| row(1));
        thread::scope(|scope| {
            let before = scope.spawn(call);
            eventually("the event is named", || NAMED.count() == 1);
            cache.run(|| emit(Changed { id: 1 }));
            let after = scope.spawn(call);
            eventually("a later caller does not wait for that", || NAMED.count() == 2);
            GATE.open_for_all();
            assert_eq!([before, after].map(|caller| caller.join().expect("a caller")), [0, 1]);
        });
        cache.run(|| assert_eq!(row::peek(&1), Some(1)));
    });
}

#[test]
fn what_is_not_to_be_stored_is_returned_and_shared_and_not_stored() {
    static GATE: Gate = Gate::new();
    #[cached]
    fn passing(id: u32) -> u32 {
        current().do_not_store().ttl(SECOND);
        GATE.pass_blocking();
        current().ttl(3600 * SECOND);
        id
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let callers = [(); 3].map(|()| scope.spawn(|| cache.run(|| passing(1))));
            eventually("all have missed", || cache.run(passing::stats).misses == 3);
            GATE.open();
            assert_eq!(callers.map(|caller| caller.join().expect("a caller")), [1; 3]);
        });
        cache.run(|| {
            cache.function("passing").loads(1).coalesced(2).insertions(0).rejected(0);
            GATE.open();
            passing(1);
            cache.function("passing").loads(2).hits(0);
        });
    });
}

#[test]
fn a_refreshed_result_that_is_not_to_be_stored_leaves_the_old_one() {
    static RUNS: Runs = Runs::new();
    #[cached]
    fn read(id: u32) -> usize {
        let run = RUNS.note();
        if run == 1 {
            current().do_not_store();
        }
        run + id as usize
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((read(0), read::refresh(0), read(0)), (0, 1, 0));
        assert_eq!((read::refresh(0), read(0)), (2, 2));
    });
}

#[test]
fn what_a_body_says_is_said_of_its_own_result_and_inherited_by_those_around() {
    #[cached]
    fn inner(id: u32) -> u32 {
        current().ttl(10 * SECOND).depends_on(Changed { id });
        id
    }
    #[cached]
    fn unstored(id: u32) -> u32 {
        current().do_not_store().ttl(20 * SECOND).depends_on(Changed { id });
        id
    }
    #[cached(ttl = 1m)]
    fn outer(id: u32) -> u32 {
        let before = current();
        let sum = inner(id) + unstored(id + 1);
        before.idle(30 * SECOND);
        sum
    }
    let cache = TestCache::new();
    cache.run(|| {
        for (id, is_there) in [(1, false), (2, false), (3, true)] {
            outer(1);
            emit(Changed { id });
            assert_eq!(outer::peek(&1).is_some(), is_there, "row {id}");
        }
        outer::clear();
        cache.advance(4 * SECOND);
        outer(1);
        cache.function("unstored").insertions(0);
        cache.advance(6 * SECOND);
        assert_eq!((inner::peek(&1), outer::peek(&1)), (None, None), "with the inner one");
        inner::put(1, 1);
        outer(1);
        cache.advance(20 * SECOND);
        assert_eq!((inner::peek(&1), outer::peek(&1)), (Some(1), None), "with the unstored one");
    });
}

#[test]
fn what_declines_to_inherit_can_name_events_and_hands_them_on() {
    #[cached]
    fn leaf(id: u32) -> u32 {
        current().depends_on(Changed { id }).ttl(SECOND);
        id
    }
    #[cached(inherit = false)]
    fn aloof(id: u32) -> u32 {
        let value = leaf(id);
        current().depends_on("aloof").ttl(10 * SECOND);
        value
    }
    #[cached]
    fn above(id: u32) -> u32 {
        aloof(id)
    }
    let cache = TestCache::new();
    cache.run(|| {
        above(1);
        emit(Changed { id: 1 });
        cache.advance(SECOND);
        assert_eq!((aloof::peek(&1), above::peek(&1)), (Some(1), Some(1)));
        emit("aloof");
        assert_eq!((aloof::peek(&1), above::peek(&1)), (None, None));
        above(1);
        cache.advance(10 * SECOND);
        assert_eq!((aloof::peek(&1), above::peek(&1)), (None, None));
    });
}

#[cached]
fn speaks(id: u32) -> u32 {
    current().ttl(Duration::MAX).do_not_store().depends_on(Changed { id });
    id
}

#[cached]
async fn speaks_async(id: u32) -> u32 {
    pause().await;
    current().ttl(Duration::MAX).do_not_store().depends_on(Changed { id });
    id
}

#[test]
fn a_body_that_speaks_runs_without_a_cache_as_well() {
    let cache = TestCache::from_builder(Cache::builder().enabled(false));
    cache.run(|| {
        current().ttl(SECOND).idle(SECOND).do_not_store().depends_on("nothing");
        assert_eq!((speaks(1), speaks::uncached(1)), (1, 1));
        assert_eq!(pollster::block_on(speaks_async(1)), 1);
        cache.function("speaks").misses(1).loads(0).insertions(0).errors(0);
        assert_eq!(cache.stats().miss_reasons.disabled, 2);
    });
}

#[test]
fn a_body_that_passes_the_cache_by_says_nothing_of_the_result_around() {
    #[cached(ttl = 10s)]
    fn around(id: u32) -> u32 {
        speaks::uncached(id)
    }
    #[cached(ttl = 10s)]
    async fn around_async(id: u32) -> u32 {
        let spawned = thread::spawn(in_current_load_sync(move || speaks::uncached(id)));
        speaks_async::uncached(id).await - spawned.join().expect("no panic") + id
    }
    #[cached(enabled = false, ttl = |life| *life)]
    fn switched_off(life: Duration) -> Duration {
        current().ttl(life).do_not_store();
        life
    }
    #[cached(ttl = 10s)]
    fn around_switched_off(id: u32) -> u32 {
        switched_off(Duration::MAX);
        id
    }
    on_every_executor(|cache| async move {
        let call_all = async || {
            assert_eq!((around(1), around_async(1).await, around_switched_off(1)), (1, 1, 1));
        };
        let n_stored = || cache.stats().entries;
        call_all().await;
        assert_eq!(n_stored(), 3);
        emit(Changed { id: 1 });
        assert_eq!((around::peek(&1), around_async::peek(&1)), (None, None), "but its events are");
        call_all().await;
        cache.advance(10 * SECOND);
        assert_eq!((cache.cleanup_expired(), n_stored()), (3, 0));
    });
}

#[test]
fn threads_and_tasks_that_are_attached_speak_of_the_same_result() {
    #[cached(ttl = 1h)]
    fn by_thread(id: u32) -> u32 {
        let speak = move || {
            current().ttl(10 * SECOND).depends_on(Changed { id });
        };
        thread::spawn(in_current_load_sync(speak)).join().expect("no panic");
        id
    }
    #[cached(ttl = 1h)]
    async fn by_task(id: u32) -> u32 {
        let speak = async move {
            pause().await;
            current().ttl(10 * SECOND).depends_on(Changed { id });
        };
        tokio::spawn(in_current_load(speak)).await.expect("no panic");
        id
    }
    /// The handle goes elsewhere by itself.
    #[cached(ttl = 1h)]
    fn by_handle(id: u32) -> u32 {
        let load = current();
        let speak = move || {
            load.ttl(10 * SECOND).depends_on(Changed { id });
        };
        thread::spawn(speak).join().expect("no panic");
        id
    }
    #[cached(ttl = 1h)]
    fn by_nobody(id: u32) -> u32 {
        let speak = move || {
            current().ttl(10 * SECOND).depends_on(Changed { id });
        };
        thread::spawn(speak).join().expect("no panic");
        id
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    let cache = TestCache::new();
    runtime.block_on(cache.scope(async {
        let call_all = async || {
            let sync = by_thread(1) + by_handle(1) + by_nobody(1);
            assert_eq!(sync + by_task(1).await, 4);
        };
        let stored = || {
            [by_thread::peek(&1), by_task::peek(&1), by_handle::peek(&1), by_nobody::peek(&1)]
                .map(|result| result.is_some())
        };
        call_all().await;
        assert_eq!(stored(), [true; 4]);
        emit(Changed { id: 1 });
        assert_eq!(stored(), [false, false, false, true]);
        call_all().await;
        cache.advance(10 * SECOND);
        assert_eq!(stored(), [false, false, false, true]);
    }));
}

#[test]
fn what_is_said_when_the_load_has_ended_does_nothing() {
    fn keep(load: Option<CurrentLoad>) -> Option<CurrentLoad> {
        static KEPT: std::sync::Mutex<Option<CurrentLoad>> = std::sync::Mutex::new(None);
        std::mem::replace(&mut *KEPT.lock().expect("not poisoned"), load)
    }
    #[cached(ttl = 1h)]
    fn keeps(id: u32) -> u32 {
        keep(Some(current()));
        id
    }
    let cache = TestCache::new();
    cache.run(|| {
        keeps(1);
        let load = keep(None).expect("it was kept");
        load.do_not_store().ttl(Duration::ZERO).depends_on(Changed { id: 1 });
        emit(Changed { id: 1 });
        assert_eq!(keeps::peek(&1), Some(1));
    });
}

#[test]
fn what_a_leader_has_said_holds_when_another_caller_goes_on_with_its_load() {
    #[cached(ttl = 1h)]
    async fn row(id: u32) -> u32 {
        current().ttl(10 * SECOND).depends_on(Changed { id });
        pause().await;
        id
    }
    on_every_executor(|cache| async move {
        for is_by_event in [false, true] {
            let mut leader = Box::pin(row(1));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(leader.as_mut().poll(&mut cx).is_pending());
            let mut follower = pin!(row(1));
            assert!(follower.as_mut().poll(&mut cx).is_pending());
            drop(leader);
            assert_eq!(follower.await, 1);
            assert_eq!(row::peek(&1), Some(1));
            if is_by_event {
                emit(Changed { id: 1 });
            } else {
                cache.advance(10 * SECOND);
            }
            assert_eq!(row::peek(&1), None);
        }
        cache.function("row").loads(2);
    });
}
