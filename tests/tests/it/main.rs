//! Behaviour through the public surface: one file a behaviour, one binary.

mod audit;
mod config;
mod emitting;
mod events;
mod eviction;
mod freshness;
mod handle;
mod http;
mod inheritance;
mod invalidation;
mod keys;
mod loading_async;
mod loading_sync;
mod memory;
mod model;
mod panics;
mod registry;
mod responses;
mod signatures;
mod storing;
mod support;
mod testing_aids;
mod tidy;
mod traces;
