//! What a function has done by the labels that it gives its results: `label = "img:{model}"`.
//!
//! A function may make any number of labels, so only those that came first are told apart. An entry knows what is counted
//! for its label, which costs hits of entries without labels nothing.

use std::collections::BTreeMap;

use crate::epoch::{Slot, Threads};
use crate::serialize::serialize_fields;
use crate::stats::Hits;
use crate::sync::{Arc, AtomicU64, AtomicUsize, Mutex, Ordering};

/// How many labels of a function are told apart.
const MAX_LABELS: usize = 64;

/// What stands for all the others.
const OTHER: &str = "other";

/// What is counted for the labels of one function.
pub(crate) struct Labels {
    is_global: bool,
    all: Mutex<BTreeMap<Box<str>, Arc<Counts>>>,
    /// The bytes that all of it takes.
    size: AtomicUsize,
}

/// The label of an entry.
pub(crate) struct Label {
    pub(crate) text: Box<str>,
    counts: Arc<Counts>,
}

/// What is counted for one label.
pub(crate) struct Counts {
    hits: Hits,
    loads: AtomicU64,
    entries: AtomicUsize,
    bytes: AtomicUsize,
    /// The hits and the loads at the last reset.
    baseline: Mutex<(u64, u64)>,
}

impl Labels {
    pub(crate) fn new(is_global: bool) -> Self {
        Self { is_global, all: Mutex::default(), size: AtomicUsize::new(0) }
    }

    /// The label of an entry.
    pub(crate) fn label(&self, text: Box<str>) -> Box<Label> {
        let counts = self.counts(&text);
        Box::new(Label { text, counts })
    }

    /// Counts a body that has returned.
    pub(crate) fn note_load(&self, text: &str) {
        self.counts(text).loads.fetch_add(1, Ordering::Relaxed);
    }

    fn counts(&self, text: &str) -> Arc<Counts> {
        let mut all = self.all.lock();
        let name = if all.len() < MAX_LABELS || all.contains_key(text) { text } else { OTHER };
        if let Some(counts) = all.get(name) {
            return Arc::clone(counts);
        }
        let counts = Arc::new(Counts::new(self.is_global));
        self.size.fetch_add(name.len() + size_of::<Counts>(), Ordering::Relaxed);
        all.insert(name.into(), Arc::clone(&counts));
        counts
    }

    /// What has happened, the label with the most hits first.
    pub(crate) fn stats(&self, threads: &Threads) -> Vec<LabelStats> {
        let all = self.all.lock().clone();
        let mut stats: Vec<_> =
            all.iter().map(|(label, counts)| counts.stats(label, threads)).collect();
        stats.sort_by_key(|it| std::cmp::Reverse(it.hits));
        stats
    }

    pub(crate) fn reset(&self) {
        let (all, threads) = (self.all.lock().clone(), Threads::all());
        for counts in all.values() {
            let totals = counts.totals(&threads);
            *counts.baseline.lock() = totals;
        }
    }

    /// The bytes that all of it takes.
    pub(crate) fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }
}

impl Counts {
    fn new(is_global: bool) -> Self {
        Self {
            hits: Hits::new(is_global),
            loads: AtomicU64::new(0),
            entries: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            baseline: Mutex::default(),
        }
    }

    fn totals(&self, threads: &Threads) -> (u64, u64) {
        (self.hits.total(threads), self.loads.load(Ordering::Relaxed))
    }

    fn stats(&self, label: &str, threads: &Threads) -> LabelStats {
        let (baseline, totals) = (*self.baseline.lock(), self.totals(threads));
        LabelStats {
            label: label.to_owned(),
            hits: totals.0.saturating_sub(baseline.0),
            loads: totals.1.saturating_sub(baseline.1),
            entries: self.entries.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Label {
    /// Counts a hit of the thread that has this slot.
    pub(crate) fn note_hit(&self, slot: &Slot) {
        self.counts.hits.count(slot);
    }

    /// Counts a hit that does not go the common way.
    pub(crate) fn note_other_hit(&self) {
        self.counts.hits.count_other();
    }

    /// Counts an entry that is held from now on.
    pub(crate) fn hold(&self, charge: usize) {
        self.counts.entries.fetch_add(1, Ordering::Relaxed);
        self.counts.bytes.fetch_add(charge, Ordering::Relaxed);
    }

    /// Counts an entry that is not held any more.
    pub(crate) fn release(&self, charge: usize) {
        self.counts.entries.fetch_sub(1, Ordering::Relaxed);
        self.counts.bytes.fetch_sub(charge, Ordering::Relaxed);
    }
}

/// What a function has done under one of its labels, as [`FunctionStats::labels`](crate::FunctionStats::labels) lists it.
///
/// The first 64 labels are told apart, and `other` is the rest, with what is labelled so.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LabelStats {
    /// What `label = "…"` has made.
    pub label: String,
    /// Calls answered with a stored value.
    pub hits: u64,
    /// Bodies that have returned.
    pub loads: u64,
    /// Values held now.
    pub entries: usize,
    /// Bytes held now.
    pub bytes: usize,
}

serialize_fields!(LabelStats { label, hits, loads, entries, bytes });

impl LabelStats {
    /// The share of hits among hits and loads, from 0.0 to 1.0; 0.0 before the first of both.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        let calls = self.hits + self.loads;
        if calls == 0 { 0.0 } else { self.hits as f64 / calls as f64 }
    }
}
