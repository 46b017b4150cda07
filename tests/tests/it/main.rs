//! Behaviour through the public surface: one file a behaviour, one binary.

mod backends;
mod codecs;
mod config;
mod filesystem;
mod freshness;
mod guarded;
mod handle;
mod invalidation;
mod keys;
mod loading_async;
mod loading_sync;
mod memory;
mod panics;
mod redis;
mod registry;
mod signatures;
mod storing;
mod support;
mod testing_aids;
mod tidy;
mod tiered;
mod traces;
