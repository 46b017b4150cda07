//! I1 for what can be invalidated by hand: no result from before is served afterwards, not even one still being computed.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread;

use cache_core::cached;
use cache_core::testing::TestCache;
use futures::future::join;

use crate::support::{Gate, Runs, eventually, on_every_executor, watched};

/// Something that is read, and changes. Bodies that read an odd version are held up until their gate opens.
struct Source {
    version: AtomicUsize,
    n_reads: Runs,
    gates: [Gate; 128],
}

impl Source {
    const fn new() -> Self {
        Self {
            version: AtomicUsize::new(0),
            n_reads: Runs::new(),
            gates: [const { Gate::new() }; 128],
        }
    }

    fn version(&self) -> usize {
        self.version.load(Ordering::SeqCst)
    }

    /// What a body does.
    fn read(&self) -> usize {
        let version = self.version();
        self.n_reads.note();
        version
    }

    fn change(&self) -> usize {
        self.version.fetch_add(1, Ordering::SeqCst) + 1
    }
}

static SYNC: Source = Source::new();
static ASYNC: Source = Source::new();

#[cached]
fn read(_id: u32) -> usize {
    let version = SYNC.read();
    if version % 2 == 1 {
        SYNC.gates[version].pass_blocking();
    }
    version
}

#[cached]
async fn fetch(_id: u32) -> usize {
    let version = ASYNC.read();
    if version % 2 == 1 {
        ASYNC.gates[version].pass().await;
    }
    version
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Invalidate,
    Clear,
    ClearAll,
    Put,
    Refresh,
}

const VERBS: [Verb; 5] = [Verb::Invalidate, Verb::Clear, Verb::ClearAll, Verb::Put, Verb::Refresh];

#[test]
fn a_load_in_flight_is_neither_stored_nor_joined_after_an_invalidation() {
    watched(|| {
        for (verb, old_ends_first) in
            VERBS.into_iter().flat_map(|verb| [(verb, true), (verb, false)])
        {
            let cache = TestCache::new();
            let stats = || cache.run(read::stats);
            let old = SYNC.change() + (SYNC.version() + 1) % 2;
            SYNC.version.store(old, Ordering::SeqCst);
            let n_reads = SYNC.n_reads.count();
            thread::scope(|scope| {
                let leader = scope.spawn(|| cache.run(|| read(0)));
                eventually("the old load has read", || SYNC.n_reads.count() > n_reads);
                let follower = scope.spawn(|| cache.run(|| read(0)));
                eventually("somebody follows it", || stats().misses == 2);
                let new = SYNC.change();
                // The old body is held up: a verb that waited for it would not return.
                cache.run(|| match verb {
                    Verb::Invalidate => assert!(!read::invalidate(&0)),
                    Verb::Clear => read::clear(),
                    Verb::ClearAll => cache.clear(),
                    Verb::Put => assert!(read::put(0, new)),
                    Verb::Refresh => assert_eq!(read::refresh(0), new),
                });
                if !old_ends_first {
                    assert_eq!(cache.run(|| read(0)), new, "{verb:?}: a later caller starts anew");
                }
                SYNC.gates[old].open_for_all();
                assert_eq!(
                    leader.join().expect("no panic"),
                    old,
                    "{verb:?}: its caller gets its result"
                );
                assert_eq!(
                    follower.join().expect("no panic"),
                    old,
                    "{verb:?}: and so do those who came before"
                );
                assert_eq!(cache.run(|| read(0)), new, "{verb:?}");
                assert_eq!(
                    cache.run(|| read::peek(&0)),
                    Some(new),
                    "{verb:?}: the old result was not stored"
                );
            });
        }
    });
}

#[test]
fn the_same_holds_for_async_loads() {
    on_every_executor(|cache| async move {
        for (verb, old_ends_first) in
            VERBS.into_iter().flat_map(|verb| [(verb, true), (verb, false)])
        {
            cache.clear();
            let old = ASYNC.change() | 1;
            ASYNC.version.store(old, Ordering::SeqCst);
            let mut leader = pin!(fetch(0));
            let mut follower = pin!(fetch(0));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(leader.as_mut().poll(&mut cx).is_pending());
            assert!(follower.as_mut().poll(&mut cx).is_pending());
            let new = ASYNC.change();
            match verb {
                Verb::Invalidate => assert!(!fetch::invalidate(&0)),
                Verb::Clear => fetch::clear(),
                Verb::ClearAll => cache.clear(),
                Verb::Put => assert!(fetch::put(0, new)),
                Verb::Refresh => assert_eq!(fetch::refresh(0).await, new),
            }
            if !old_ends_first {
                assert_eq!(fetch(0).await, new, "{verb:?}: a later caller starts anew");
            }
            ASYNC.gates[old].open_for_all();
            assert_eq!(join(leader, follower).await, (old, old), "{verb:?}");
            assert_eq!(fetch(0).await, new, "{verb:?}");
            assert_eq!(fetch::peek(&0), Some(new), "{verb:?}: the old result was not stored");
        }
    });
}

#[test]
fn a_load_without_single_flight_is_not_stored_either() {
    static SOURCE: Source = Source::new();
    #[cached(single_flight = false)]
    fn read_alone(_id: u32) -> usize {
        let version = SOURCE.read();
        if version == 1 {
            SOURCE.gates[1].pass_blocking();
        }
        version
    }
    watched(|| {
        let cache = TestCache::new();
        SOURCE.change();
        thread::scope(|scope| {
            let old = scope.spawn(|| cache.run(|| read_alone(0)));
            eventually("the old load has read", || SOURCE.n_reads.count() == 1);
            SOURCE.change();
            cache.run(|| read_alone::invalidate(&0));
            SOURCE.gates[1].open_for_all();
            assert_eq!(old.join().expect("no panic"), 1);
            assert_eq!(cache.run(|| read_alone::peek(&0)), None);
        });
    });
}

#[test]
fn an_invalidation_reaches_one_key_only() {
    static GATE: Gate = Gate::new();
    #[cached]
    fn slow(id: u32) -> u32 {
        if id == 1 {
            GATE.pass_blocking();
        }
        id
    }
    watched(|| {
        let cache = TestCache::new();
        cache.run(|| (2..1000).for_each(|id| assert_eq!(slow(id), id)));
        thread::scope(|scope| {
            let running = scope.spawn(|| cache.run(|| slow(1)));
            eventually("the load runs", || cache.run(slow::stats).loads == 999);
            cache.run(|| (2..1000).for_each(|id| assert!(slow::invalidate(&id))));
            GATE.open();
            running.join().expect("no panic");
        });
        cache.run(|| {
            assert_eq!(slow::peek(&1), Some(1), "the other keys' invalidations are not its own")
        });
        cache.function("slow").invalidations(998).entries(1);
    });
}

#[test]
fn a_panicking_load_outlived_by_an_invalidation_leaves_nothing_behind() {
    static GATE: Gate = Gate::new();
    #[cached]
    fn fragile(id: u32) -> u32 {
        if id == 1 && fragile::stats().loads == 1 {
            GATE.pass_blocking();
            panic!("planned");
        }
        id
    }
    watched(|| {
        let cache = TestCache::new();
        thread::scope(|scope| {
            let old = scope.spawn(|| cache.run(|| fragile(1)));
            eventually("the load runs", || cache.run(fragile::stats).loads == 1);
            cache.run(|| fragile::invalidate(&1));
            assert_eq!(cache.run(|| fragile(1)), 1);
            GATE.open();
            assert!(old.join().is_err());
            assert_eq!(
                cache.run(|| fragile::peek(&1)),
                Some(1),
                "the old load does not take the new entry along"
            );
        });
    });
}
