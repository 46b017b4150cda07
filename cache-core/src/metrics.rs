//! What is counted, as one list of numbers with names, by which everything goes that exports them.
//!
//! A number of the whole process is called `cache_hits_total` in Prometheus, that of one function
//! `cache_function_hits_total`, with its name and its module as labels. There are as many series as functions, and up to 65
//! for each that labels its results, whatever the calls are.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt::{Display, Write};
use std::iter;
use std::time::Duration;

use crate::function::FunctionStats;
use crate::labels::LabelStats;
use crate::stats::{Stats, TierStats};

/// A number that something of type `S` shows.
pub(crate) struct Metric<S> {
    pub(crate) name: &'static str,
    /// What tells it from others of its name, which follow it.
    pub(crate) label: Option<(&'static str, &'static str)>,
    /// What it is, as a sentence.
    pub(crate) help: &'static str,
    pub(crate) kind: Kind,
    /// `None` where there is no such number, such as a limit that is not set.
    pub(crate) read: fn(&S) -> Option<f64>,
}

/// How a number moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Up only, but for a reset.
    Counter,
    /// Up and down.
    Gauge,
}

impl<S> Metric<S> {
    const fn new(
        kind: Kind,
        name: &'static str,
        help: &'static str,
        read: fn(&S) -> Option<f64>,
    ) -> Self {
        Self { name, label: None, help, kind, read }
    }

    const fn counter(name: &'static str, help: &'static str, read: fn(&S) -> Option<f64>) -> Self {
        Self::new(Kind::Counter, name, help, read)
    }

    const fn gauge(name: &'static str, help: &'static str, read: fn(&S) -> Option<f64>) -> Self {
        Self::new(Kind::Gauge, name, help, read)
    }

    const fn label(mut self, label: &'static str, value: &'static str) -> Self {
        self.label = Some((label, value));
        self
    }
}

const fn misses(reason: &'static str, read: fn(&Stats) -> Option<f64>) -> Metric<Stats> {
    Metric::counter("misses", "Calls that found no fresh value, by what that is due to.", read)
        .label("reason", reason)
}

const fn hits_took(share: &'static str, read: fn(&Stats) -> Option<f64>) -> Metric<Stats> {
    Metric::gauge("hit_latency_seconds", "How long hits took at the most, by shares of them.", read)
        .label("quantile", share)
}

const fn loads_took(share: &'static str, read: fn(&Stats) -> Option<f64>) -> Metric<Stats> {
    Metric::gauge(
        "load_latency_seconds",
        "How long bodies took at the most, by shares of them.",
        read,
    )
    .label("quantile", share)
}

/// What a function, or the whole process, has done and holds.
pub(crate) const STATS: &[Metric<Stats>] = &[
    Metric::counter("hits", "Calls answered with a stored value.", |it| some(it.hits)),
    misses("cold", |it| some(it.miss_reasons.cold)),
    misses("expired", |it| some(it.miss_reasons.expired)),
    misses("evicted", |it| some(it.miss_reasons.evicted)),
    misses("invalidated", |it| some(it.miss_reasons.invalidated)),
    misses("refused", |it| some(it.miss_reasons.refused)),
    misses("disabled", |it| some(it.miss_reasons.disabled)),
    Metric::counter("loads", "Bodies that were started.", |it| some(it.loads)),
    Metric::counter("coalesced", "Misses that shared the result of another caller's body.", |it| {
        some(it.coalesced)
    }),
    Metric::counter("recalled", "Misses that a tier outside of the process answered.", |it| {
        some(it.recalled)
    }),
    Metric::counter("kept", "Values given to the tiers outside of the process.", |it| {
        some(it.kept)
    }),
    Metric::counter("insertions", "Values stored.", |it| some(it.insertions)),
    Metric::counter("evictions", "Values dropped because a limit was reached.", |it| {
        some(it.evictions)
    }),
    Metric::counter("expirations", "Values dropped because their lifetime had ended.", |it| {
        some(it.expirations)
    }),
    Metric::counter("invalidations", "Values dropped because somebody said so.", |it| {
        some(it.invalidations)
    }),
    Metric::counter("rejected", "Results not stored because they are too large.", |it| {
        some(it.rejected)
    }),
    Metric::counter("errors", "Troubles of the cache itself; the calls went through.", |it| {
        some(it.errors)
    }),
    Metric::counter("stale", "Calls answered with an expired value.", |it| some(it.stale)),
    Metric::counter("reloads", "Loads that were begun in the background.", |it| some(it.reloads)),
    Metric::counter("corruptions", "Stored values that a check has refused.", |it| {
        some(it.corruptions)
    }),
    Metric::counter("timeouts", "Calls that ended because they took too long.", |it| {
        some(it.timeouts)
    }),
    Metric::counter("verified", "Hits that were compared with fresh values.", |it| {
        some(it.verified)
    }),
    Metric::counter("divergences", "Stored values that differed from fresh ones.", |it| {
        some(it.divergences)
    }),
    Metric::counter("body_seconds", "The time that bodies took.", |it| some(it.body_time)),
    Metric::gauge(
        "saved_seconds",
        "The time that the bodies of the hits would have taken.",
        |it| some(it.time_saved),
    ),
    Metric::gauge("saved_money", "What the bodies of the hits would have cost.", |it| {
        it.money_saved
    }),
    hits_took("0.5", |it| some(it.hit_latency.p50)),
    hits_took("0.9", |it| some(it.hit_latency.p90)),
    hits_took("0.99", |it| some(it.hit_latency.p99)),
    loads_took("0.5", |it| some(it.load_latency.p50)),
    loads_took("0.9", |it| some(it.load_latency.p90)),
    loads_took("0.99", |it| some(it.load_latency.p99)),
    Metric::gauge("entries", "Values held now.", |it| some(it.entries)),
    Metric::gauge("bytes", "Bytes held now: keys, values and overhead.", |it| some(it.bytes)),
    Metric::gauge("peak_bytes", "The most bytes ever held.", |it| some(it.peak_bytes)),
    Metric::gauge("max_entries", "The limit on entries, if there is one.", |it| {
        it.max_entries.and_then(some)
    }),
    Metric::gauge("max_bytes", "The limit on bytes, if there is one.", |it| {
        it.max_bytes.and_then(some)
    }),
    Metric::gauge("stats_bytes", "The bytes that the statistics take.", |it| some(it.stats_bytes)),
];

/// What a function has done under a label, of which it has so many at the most.
pub(crate) const LABEL: &[Metric<LabelStats>] = &[
    Metric::counter("hits", "Calls answered with a stored value.", |it| some(it.hits)),
    Metric::counter("loads", "Bodies that have returned.", |it| some(it.loads)),
    Metric::gauge("entries", "Values held now.", |it| some(it.entries)),
    Metric::gauge("bytes", "Bytes held now: keys, values and overhead.", |it| some(it.bytes)),
];

/// How a tier behind the memory is doing.
pub(crate) const TIER: &[Metric<TierStats>] = &[
    Metric::gauge("is_working", "Whether the tier is asked.", |it| some(it.is_working)),
    Metric::counter("failures", "Operations that failed.", |it| some(it.failures)),
    Metric::counter("slow", "Lookups that nobody waited for any more.", |it| some(it.slow)),
    Metric::counter("skipped", "Lookups not made because the tier does not work.", |it| {
        some(it.skipped)
    }),
    Metric::gauge("queued", "Changes that have yet to be made.", |it| some(it.queued)),
    Metric::counter("coarsened", "Changes that removed more than was asked for.", |it| {
        some(it.coarsened)
    }),
];

/// Whole numbers are exact up to nine quadrillions.
fn some(number: impl Number) -> Option<f64> {
    Some(number.into_f64())
}

trait Number {
    fn into_f64(self) -> f64;
}

impl Number for u64 {
    fn into_f64(self) -> f64 {
        self as f64
    }
}

impl Number for usize {
    fn into_f64(self) -> f64 {
        self as f64
    }
}

impl Number for Duration {
    fn into_f64(self) -> f64 {
        self.as_secs_f64()
    }
}

impl Number for bool {
    fn into_f64(self) -> f64 {
        self.into()
    }
}

/// The numbers of one series of each metric.
pub(crate) struct Series<'a> {
    pub(crate) labels: Vec<(&'static str, &'a str)>,
    /// In the order of the metrics.
    pub(crate) values: Vec<Option<f64>>,
}

impl<'a> Series<'a> {
    pub(crate) fn new<S>(
        labels: Vec<(&'static str, &'a str)>,
        metrics: &[Metric<S>],
        of: &S,
    ) -> Self {
        Self { labels, values: metrics.iter().map(|metric| (metric.read)(of)).collect() }
    }
}

/// One series for each name of a function; those of one name and module are one.
pub(crate) fn by_function(functions: &[FunctionStats]) -> Vec<Series<'_>> {
    merged(functions.iter().map(|it| Series::new(names(it), STATS, &it.stats)))
}

/// One series for each label of each name of a function.
pub(crate) fn by_label(functions: &[FunctionStats]) -> Vec<Series<'_>> {
    merged(functions.iter().flat_map(|function| {
        function.labels.iter().map(|it| {
            let labels = names(function).into_iter().chain([("label", it.label.as_str())]);
            Series::new(labels.collect(), LABEL, it)
        })
    }))
}

fn names(function: &FunctionStats) -> Vec<(&'static str, &str)> {
    vec![("function", function.name), ("module", function.module)]
}

/// The sums of series that go by the same labels.
fn merged<'a>(series: impl Iterator<Item = Series<'a>>) -> Vec<Series<'a>> {
    let mut all = BTreeMap::<_, Series<'_>>::new();
    for series in series {
        match all.entry(series.labels.clone()) {
            Entry::Vacant(entry) => drop(entry.insert(series)),
            Entry::Occupied(mut entry) => {
                for (sum, value) in entry.get_mut().values.iter_mut().zip(series.values) {
                    *sum = value.map(|value| value + sum.unwrap_or_default()).or(*sum);
                }
            }
        }
    }
    all.into_values().collect()
}

/// All of it in the text format of Prometheus, version 0.0.4.
pub(crate) fn prometheus(
    stats: &Stats,
    functions: &[FunctionStats],
    tiers: &[TierStats],
) -> String {
    let mut text = String::new();
    let tiers: Vec<_> =
        tiers.iter().map(|tier| Series::new(vec![("tier", tier.name)], TIER, tier)).collect();
    write_all(&mut text, "cache", STATS, &[Series::new(Vec::new(), STATS, stats)]);
    write_all(&mut text, "cache_function", STATS, &by_function(functions));
    write_all(&mut text, "cache_label", LABEL, &by_label(functions));
    write_all(&mut text, "cache_tier", TIER, &tiers);
    text
}

fn write_all<S>(text: &mut String, prefix: &str, metrics: &[Metric<S>], series: &[Series<'_>]) {
    let labels: Vec<String> = series.iter().map(|it| list(&it.labels)).collect();
    let mut last = None;
    for (nth, metric) in metrics.iter().enumerate() {
        let values = series.iter().map(|it| it.values[nth]);
        let mut present = iter::zip(&labels, values).filter_map(|(it, value)| Some((it, value?)));
        let Some(first) = present.next() else { continue };
        let (kind, ending) = match metric.kind {
            Kind::Counter => ("counter", "_total"),
            Kind::Gauge => ("gauge", ""),
        };
        let name = format!("{prefix}_{}{ending}", metric.name);
        if last.replace(metric.name) != Some(metric.name) {
            line(text, format_args!("# HELP {name} {}", metric.help));
            line(text, format_args!("# TYPE {name} {kind}"));
        }
        let own = list(&Vec::from_iter(metric.label));
        for (labels, value) in iter::once(first).chain(present) {
            match (&**labels, &*own) {
                ("", "") => line(text, format_args!("{name} {value}")),
                (one, "") | ("", one) => line(text, format_args!("{name}{{{one}}} {value}")),
                (labels, own) => line(text, format_args!("{name}{{{labels},{own}}} {value}")),
            }
        }
    }
}

/// Labels as they stand between braces.
fn list(labels: &[(&str, &str)]) -> String {
    let label = |(label, it): &(&str, &str)| format!("{label}=\"{}\"", escaped(it));
    Vec::from_iter(labels.iter().map(label)).join(",")
}

fn line(text: &mut String, content: impl Display) {
    writeln!(text, "{content}").expect("a `String` takes everything");
}

/// What a label may hold between its quotes.
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n")
}
