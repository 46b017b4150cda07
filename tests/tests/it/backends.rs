//! Every backend passes the same suite.

use std::sync::Arc;
use std::time::Duration;

use cache_core::backend::{CacheBackend, Filesystem, Guarded, Memory, Noop, Tiered};
use cache_core::testing::{backend_conformance, backend_safety};

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
