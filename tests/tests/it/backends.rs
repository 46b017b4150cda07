//! Every backend passes the same suite.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use cache_core::backend::{
    BackendKey, CacheBackend, Filesystem, Guarded, Memory, Noop, Redis, Tiered, Time, Value,
};
use cache_core::codec::Encoded;
use cache_core::testing::{backend_conformance, backend_safety};

use crate::redis::Server;
use crate::support::watched;

fn conforms(backend: impl CacheBackend + 'static) {
    watched(|| pollster::block_on(backend_conformance(Arc::new(backend))));
}

#[test]
fn noop_is_safe() {
    watched(|| pollster::block_on(backend_safety(Arc::new(Noop))));
}

#[test]
fn memory_conforms() {
    conforms(Memory::new(64 << 20));
}

#[test]
fn a_memory_that_is_too_small_is_safe() {
    watched(|| pollster::block_on(backend_safety(Arc::new(Memory::new(1_000)))));
}

#[test]
fn files_conform() {
    let folder = tempfile::tempdir().expect("a folder");
    conforms(Filesystem::new(folder.path()).expect("a path"));
}

#[test]
fn files_under_a_small_limit_are_safe() {
    let folder = tempfile::tempdir().expect("a folder");
    let backend = Filesystem::new(folder.path()).expect("a path").max_bytes(20 << 20);
    watched(|| pollster::block_on(backend_safety(Arc::new(backend))));
}

#[test]
fn a_guarded_backend_conforms() {
    conforms(Guarded::new(Arc::new(Memory::new(64 << 20))));
}

#[test]
fn a_guarded_backend_without_room_for_changes_is_safe() {
    let guarded = Guarded::new(Arc::new(Memory::new(64 << 20))).max_queued(2, 1_000);
    watched(|| pollster::block_on(backend_safety(Arc::new(guarded))));
}

#[test]
fn tiers_conform() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = Filesystem::new(folder.path()).expect("a path");
    let patient = |backend| Guarded::new(backend).soft_timeout(Duration::from_secs(20));
    conforms(Tiered::new([patient(Arc::new(Memory::new(1 << 20))), patient(Arc::new(files))]));
}

/// Has four processes add a value of their own to the same keys at the same moment.
fn one_of_many_is_added(open: impl Fn() -> Arc<dyn CacheBackend>) {
    let processes: Vec<_> = (0..4_u8).map(|n| (n, open())).collect();
    for n in 0..50_u32 {
        let key = BackendKey::new("shop", "price", "1", &n.to_le_bytes());
        let add = |(own, backend): &(u8, Arc<dyn CacheBackend>)| {
            let value = Value::seal(&key, &Encoded::raw(vec![*own]), None, &Time::system());
            let added = pollster::block_on(backend.set_if_absent(&key, value));
            added.expect("it works").then_some(*own)
        };
        let added: Vec<u8> = thread::scope(|scope| {
            let adding: Vec<_> =
                processes.iter().map(|process| scope.spawn(|| add(process))).collect();
            adding.into_iter().filter_map(|added| added.join().expect("no panic")).collect()
        });
        let found = pollster::block_on(processes[0].1.get(&key)).expect("it works");
        assert_eq!(added, found.expect("it is there").payload(), "one was added, and is found");
    }
}

#[test]
fn of_files_that_are_added_at_once_one_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let open =
        || -> Arc<dyn CacheBackend> { Arc::new(Filesystem::new(folder.path()).expect("a path")) };
    one_of_many_is_added(open);
}

#[test]
fn of_values_that_are_added_to_redis_at_once_one_is() {
    let server = Server::start(&[]);
    one_of_many_is_added(|| {
        let redis = Redis::new(&server.url()).expect("an address");
        Arc::new(redis.timeout(Duration::from_secs(10)))
    });
}
