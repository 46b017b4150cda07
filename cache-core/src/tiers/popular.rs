//! Which results are used most, and having them at hand when a program starts.
//!
//! Hits are not reported to anybody. Now and then a process notes in each tier which results its memory has served most
//! often, by their keys: a list that a process reads when it starts, to load what stands on it, the most used first.
//! Each time it is written, what was there before counts half, so that it forgets, and processes that share a tier
//! share it.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Duration;

use crate::backend::{BackendKey, CacheBackend, Value};
use crate::codec::Encoded;
use crate::executor::block_on;
use crate::outer::MOST_USED;
use crate::sync::Arc;
use crate::task::{BoxFuture, all, within};
use crate::time::Time;

use super::lane::Lane;
use super::marks;
use super::stage::Placed;

/// So many values are loaded at the same time.
const AT_ONCE: usize = 16;

/// What was slow, or changed on its way, is loaded anew so often.
const TRIES: usize = 2;

/// How often a result was used, which is less for each time that it was noted without a use.
type Uses = Vec<(BackendKey, u64)>;

/// Where the list is.
fn place(namespace: &str) -> BackendKey {
    BackendKey::new(namespace, "popular", "", b"")
}

/// Adds to the list what was used.
pub(super) async fn note(lane: &Lane, used: Uses) {
    let place = place(&lane.namespace);
    let before = lane.guarded.get(&place).await.ok().flatten();
    let before = before.map_or(Vec::new(), |value| read(value.payload()));
    let mut uses: HashMap<BackendKey, u64> =
        before.into_iter().map(|(key, uses)| (key, uses / 2)).collect();
    for (key, n) in used {
        *uses.entry(key).or_default() += n;
    }
    let mut uses: Uses = uses.into_iter().filter(|(_, n)| *n > 0).collect();
    uses.sort_by(|one, other| (Reverse(one.1), &one.0).cmp(&(Reverse(other.1), &other.0)));
    uses.truncate(MOST_USED);
    let list = Value::seal(&place, &Encoded::raw(written(&uses)), None, &Time::system());
    lane.guarded.note(&place, list);
}

fn written(uses: &Uses) -> Vec<u8> {
    let lines = uses.iter().map(|(key, n)| format!("{n} {key}\n"));
    lines.collect::<String>().into_bytes()
}

fn read(list: &[u8]) -> Uses {
    let lines = std::str::from_utf8(list).unwrap_or_default().lines();
    let line = |line: &str| {
        let (n, key) = line.split_once(' ')?;
        Some((BackendKey::of_text(key), n.parse().ok()?))
    };
    lines.filter_map(line).collect()
}

/// Loads what is used most in a tier, up to so many bytes and for so long.
pub(super) fn load(lane: &Arc<Lane>, max_bytes: usize, patience: Duration) {
    if !patience.is_zero() {
        block_on(within(&Time::system(), patience, load_all(lane, max_bytes)));
    }
}

async fn load_all(lane: &Arc<Lane>, max_bytes: usize) {
    // What is there before others are heard is dropped when they are.
    if !lane.hears().await {
        return;
    }
    let place = place(&lane.namespace);
    let Some(list) = lane.get(&place).await else { return };
    let mut left: Vec<_> = read(list.payload()).into_iter().map(|(key, _)| key).collect();
    for _ in 0..TRIES {
        let mut missed = Vec::new();
        for keys in left.chunks(AT_ONCE) {
            let loads =
                keys.iter().map(|key| -> BoxFuture<'_, _> { Box::pin(load_one(lane, key)) });
            // In their order, whichever comes first: the most used ones have room.
            for (key, loaded) in keys.iter().zip(all(loads).await) {
                let placed = loaded.map(|Loaded { value, digests, n_changes }| {
                    lane.stage.put(key.clone(), value, digests, n_changes, max_bytes)
                });
                match placed {
                    Some(Placed::Yes) => {}
                    Some(Placed::NoRoom) => return,
                    Some(Placed::Outdated) | None => missed.push(key.clone()),
                }
            }
        }
        left = missed;
    }
}

/// A value, what processes call the events that it goes with, and how much had changed before it was read.
struct Loaded {
    value: Value,
    digests: Vec<u64>,
    n_changes: u64,
}

/// Loads one value, as a call would find it.
async fn load_one(lane: &Lane, key: &BackendKey) -> Option<Loaded> {
    let n_changes = lane.stage.n_changes();
    let value = lane.get(key).await?;
    let (marks, _) = marks::split(value.payload())?;
    if !lane.has(&marks).await {
        return None;
    }
    let digests = marks::digests(key, &marks);
    Some(Loaded { value, digests, n_changes })
}
