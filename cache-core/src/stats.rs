//! Counters, exact under concurrency, and the snapshot that people read.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use crate::clock::nanos;
use crate::epoch::{Slot, Tally, Threads};
use crate::latency::{Latencies, time};
use crate::serialize::{seconds, serialize_fields};
use crate::sync::{AtomicU64, Mutex, Ordering};

/// Why a call finds no fresh value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Cold = 0,
    Expired,
    Evicted,
    Invalidated,
    Refused,
}

impl Reason {
    /// It in one word, that of its field in [`MissReasons`].
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cold => "cold",
            Self::Expired => "expired",
            Self::Evicted => "evicted",
            Self::Invalidated => "invalidated",
            Self::Refused => "refused",
        }
    }
}

impl From<Reason> for Count {
    /// As what an entry is counted that goes.
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Expired => Self::Expirations,
            Reason::Evicted => Self::Evictions,
            Reason::Cold | Reason::Invalidated | Reason::Refused => Self::Invalidations,
        }
    }
}

const N_REASONS: usize = Reason::Refused as usize + 1;

/// What is counted under the lock of the memory. Misses come before, by their [`Reason`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Loads = N_REASONS as isize,
    Insertions,
    Evictions,
    Expirations,
    Invalidations,
    Rejected,
}

/// What is counted wherever it happens.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AnyTime {
    Coalesced = Count::Rejected as isize + 1,
    Errors,
    Recalled,
    Kept,
    Stale,
    Reloads,
    Timeouts,
    /// Misses because caching is switched off.
    Disabled,
    Verified,
    Divergences,
    /// Bodies that have ended, and the time that they took.
    Bodies,
    BodyNanos,
}

const N_COUNTS: usize = AnyTime::BodyNanos as usize + 1;

/// A number of hits.
pub(crate) struct Hits {
    /// Where each thread counts those in the global cache for itself: a plain store.
    tally: Tally,
    /// Those in a test's own cache, which comes and goes, and of calls that had to look twice.
    others: AtomicU64,
}

impl Hits {
    pub(crate) fn new(is_global: bool) -> Self {
        let tally = if is_global { Tally::new() } else { Tally::NONE };
        Self { tally, others: AtomicU64::new(0) }
    }

    /// Counts a hit of the thread that has this slot, and says how many that makes.
    #[inline]
    pub(crate) fn count(&self, slot: &Slot) -> u64 {
        slot.count_hit(self.tally).unwrap_or_else(|| self.count_other())
    }

    /// Counts a hit that does not go the common way.
    #[inline(never)]
    pub(crate) fn count_other(&self) -> u64 {
        self.others.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn total(&self, threads: &Threads) -> u64 {
        self.tally.total(threads) + self.others.load(Ordering::Relaxed)
    }
}

/// The counters of one function in one cache.
pub(crate) struct Counters {
    pub(crate) hits: Hits,
    others: [AtomicU64; N_COUNTS],
    /// What a run of the body costs, if that is known: here because all of it is read together.
    cost: Option<f64>,
    /// What the counters showed at the last reset. Counters themselves never go back,
    /// so a reset cannot lose an increment that happens meanwhile.
    baseline: OnceLock<Box<Mutex<Totals>>>,
}

#[derive(Clone, Copy, Default)]
struct Totals {
    hits: u64,
    others: [u64; N_COUNTS],
}

impl Counters {
    pub(crate) fn new(is_global: bool, cost: Option<f64>) -> Self {
        let (hits, baseline) = (Hits::new(is_global), OnceLock::new());
        Self { hits, others: Default::default(), cost, baseline }
    }

    /// Counts a miss, under the lock of the memory.
    pub(crate) fn miss(&self, reason: Reason) {
        step(&self.others[reason as usize]);
    }

    /// Counts a body that has ended.
    pub(crate) fn body(&self, span: Duration) {
        self.add(AnyTime::Bodies, 1);
        self.add(AnyTime::BodyNanos, nanos(span));
    }

    /// Counts what only happens under the lock of the memory: a plain store.
    pub(crate) fn note(&self, count: Count) {
        step(&self.others[count as usize]);
    }

    /// Counts what happens anywhere.
    pub(crate) fn add(&self, count: AnyTime, n: u64) {
        self.others[count as usize].fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn reset(&self) {
        *self.baseline.get_or_init(Box::default).lock() = self.totals(&Threads::all());
    }

    /// Adds these counters to `stats`.
    pub(crate) fn read(&self, stats: &mut Stats, threads: &Threads) {
        let baseline = self.baseline.get().map_or_else(Totals::default, |it| *it.lock());
        let totals = self.totals(threads);
        let since = |count: usize| totals.others[count].saturating_sub(baseline.others[count]);
        let hits = totals.hits.saturating_sub(baseline.hits);
        stats.hits += hits;
        let reasons = MissReasons {
            cold: since(Reason::Cold as usize),
            expired: since(Reason::Expired as usize),
            evicted: since(Reason::Evicted as usize),
            invalidated: since(Reason::Invalidated as usize),
            refused: since(Reason::Refused as usize),
            disabled: since(AnyTime::Disabled as usize),
        };
        stats.misses += reasons.total();
        stats.miss_reasons.add(&reasons);
        let body_nanos = since(AnyTime::BodyNanos as usize);
        stats.body_time += Duration::from_nanos(body_nanos);
        let n_bodies = since(AnyTime::Bodies as usize);
        if n_bodies > 0 {
            let saved = body_nanos as f64 / n_bodies as f64 * hits as f64;
            stats.time_saved += Duration::from_nanos(saved as u64);
        }
        if let Some(cost) = self.cost {
            *stats.money_saved.get_or_insert_default() += hits as f64 * cost;
        }
        let recalled = since(AnyTime::Recalled as usize);
        stats.recalled += recalled;
        stats.kept += since(AnyTime::Kept as usize);
        // A load begins before the outer tiers are asked whether its body has to run.
        stats.loads += since(Count::Loads as usize).saturating_sub(recalled);
        stats.coalesced += since(AnyTime::Coalesced as usize);
        stats.insertions += since(Count::Insertions as usize);
        stats.evictions += since(Count::Evictions as usize);
        stats.expirations += since(Count::Expirations as usize);
        stats.invalidations += since(Count::Invalidations as usize);
        stats.rejected += since(Count::Rejected as usize);
        stats.errors += since(AnyTime::Errors as usize);
        stats.stale += since(AnyTime::Stale as usize);
        stats.reloads += since(AnyTime::Reloads as usize);
        stats.timeouts += since(AnyTime::Timeouts as usize);
        stats.verified += since(AnyTime::Verified as usize);
        stats.divergences += since(AnyTime::Divergences as usize);
    }

    fn totals(&self, threads: &Threads) -> Totals {
        let mut totals = Totals { hits: self.hits.total(threads), ..Totals::default() };
        for (total, counter) in totals.others.iter_mut().zip(&self.others) {
            *total = counter.load(Ordering::Relaxed);
        }
        totals
    }
}

/// One more, where nobody else counts meanwhile.
fn step(counter: &AtomicU64) {
    counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// What a cached function, or the whole process, has done since it started or was last reset.
///
/// ```
/// let stats = cache_core::Cache::global().stats();
/// println!("{stats}");
/// assert_eq!(stats.hit_rate(), 0.0);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Calls answered with a stored value.
    pub hits: u64,
    /// Calls that found no fresh value; `hits + misses` is the number of calls.
    pub misses: u64,
    /// The misses by what they are due to.
    pub miss_reasons: MissReasons,
    /// Bodies that were started.
    pub loads: u64,
    /// Misses that shared the result of another caller's body.
    pub coalesced: u64,
    /// Misses that a tier outside of the process answered.
    pub recalled: u64,
    /// Values that were given to the tiers outside of the process.
    pub kept: u64,
    /// Values stored.
    pub insertions: u64,
    /// Values dropped because a limit was reached.
    pub evictions: u64,
    /// Values dropped because their lifetime had ended.
    pub expirations: u64,
    /// Values dropped because somebody said so.
    pub invalidations: u64,
    /// Results not stored because they are larger than the cache may be.
    pub rejected: u64,
    /// Troubles of the cache itself, such as a key that cannot be serialized. The calls went through.
    pub errors: u64,
    /// Calls answered with an expired value, as `stale` allows: of the hits, and of the misses whose load failed or was slow.
    pub stale: u64,
    /// Loads that were begun in the background; each is one of `loads`.
    pub reloads: u64,
    /// Stored values that `validate` has refused.
    pub corruptions: u64,
    /// Calls that ended with [`TimedOut`](crate::TimedOut).
    pub timeouts: u64,
    /// Hits whose stored values were compared with fresh ones, as [`Builder::verify`](crate::Builder::verify) asks for.
    pub verified: u64,
    /// Stored values that differed from fresh ones; each is one of `verified`.
    pub divergences: u64,
    /// The time that all bodies together took which have returned.
    pub body_time: Duration,
    /// The time that the bodies of the hits would have taken: for each function, its hits times the mean of its bodies.
    pub time_saved: Duration,
    /// What the bodies of the hits would have cost, of the functions that say so by `cost`; `None` if none does.
    pub money_saved: Option<f64>,
    /// How long hits took, from the lookup to the copy of the value.
    ///
    /// In the cache of the process this is a sample of about one hit in 1,024, in a test's cache each one.
    pub hit_latency: Latencies,
    /// How long bodies took, each one that has returned. Of one that loads many keys, each has its part.
    pub load_latency: Latencies,
    /// Values held now.
    pub entries: usize,
    /// Bytes held now: keys, values and overhead.
    pub bytes: usize,
    /// The most bytes ever held.
    pub peak_bytes: usize,
    /// The limit on `bytes`, if there is one.
    pub max_bytes: Option<usize>,
    /// The limit on `entries`, if there is one.
    pub max_entries: Option<usize>,
    /// The bytes that these statistics take themselves, beside `bytes`.
    pub stats_bytes: usize,
}

serialize_fields!(Stats {
    hits,
    misses,
    miss_reasons,
    loads,
    coalesced,
    recalled,
    kept,
    insertions,
    evictions,
    expirations,
    invalidations,
    rejected,
    errors,
    stale,
    reloads,
    corruptions,
    timeouts,
    verified,
    divergences,
    body_time as seconds,
    time_saved as seconds,
    money_saved,
    hit_latency,
    load_latency,
    entries,
    bytes,
    peak_bytes,
    max_bytes,
    max_entries,
    stats_bytes,
});

/// Why calls found no fresh value. Each miss has one reason, so that their sum is [`Stats::misses`].
///
/// What is known of a key that is not held is remembered of the last 65,536 that have left or were not stored, by 32 bits
/// of a hash: a cold miss is taken for another one with a probability of at most 1 in 65,536.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MissReasons {
    /// The call was made for the first time, or so long ago that it is forgotten.
    pub cold: u64,
    /// The lifetime of the value had ended.
    pub expired: u64,
    /// The value had made room for others.
    pub evicted: u64,
    /// The value was dropped because somebody said so, by an event or by hand.
    ///
    /// So is one that `refresh` or `refresh_if` replaces: such a call counts here.
    pub invalidated: u64,
    /// The last result was not stored or not served: an `Err` or a `None`, one that `cache_if`, `validate` or the body
    /// itself has refused, or one that is too large.
    pub refused: u64,
    /// Caching was switched off for the whole cache, for the function, or by `enabled` for the call.
    ///
    /// A call by `f::uncached(..)` touches nothing and is not counted.
    pub disabled: u64,
}

serialize_fields!(MissReasons { cold, expired, evicted, invalidated, refused, disabled });

impl MissReasons {
    /// How many misses that are.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { cold, expired, evicted, invalidated, refused, disabled } = self;
        cold + expired + evicted + invalidated + refused + disabled
    }

    fn add(&mut self, other: &Self) {
        let Self { cold, expired, evicted, invalidated, refused, disabled } = other;
        self.cold += cold;
        self.expired += expired;
        self.evicted += evicted;
        self.invalidated += invalidated;
        self.refused += refused;
        self.disabled += disabled;
    }
}

/// How a tier behind the memory is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TierStats {
    /// `disk`, `redis` or `custom`.
    pub name: &'static str,
    /// Whether it is asked. One that keeps failing is left in peace for a while.
    pub is_working: bool,
    /// Operations that failed.
    pub failures: u64,
    /// Lookups that nobody waited for any more.
    pub slow: u64,
    /// Lookups that were not made because the tier does not work.
    pub skipped: u64,
    /// Changes that have yet to be made.
    pub queued: usize,
    /// Changes that removed more than was asked for, because there was no room for them or they failed.
    pub coarsened: u64,
    /// Values that a warm start has loaded, and nobody has asked for yet.
    pub staged: usize,
    /// What these take, besides the budget of the memory.
    pub staged_bytes: usize,
    /// How long lookups took, each one; those that were skipped are among them.
    pub latency: Latencies,
}

serialize_fields!(TierStats {
    name,
    is_working,
    failures,
    slow,
    skipped,
    queued,
    coarsened,
    staged,
    staged_bytes,
    latency,
});

impl Stats {
    /// The share of calls that were hits, from 0.0 to 1.0; 0.0 before the first call.
    #[must_use]
    pub fn hit_rate(&self) -> f64 {
        let calls = self.hits + self.misses;
        if calls == 0 { 0.0 } else { self.hits as f64 / calls as f64 }
    }
}

impl Stats {
    /// Whether anything has been counted.
    pub(crate) fn is_active(&self) -> bool {
        let counters = [
            self.hits,
            self.misses,
            self.insertions,
            self.invalidations,
            self.rejected,
            self.errors,
        ];
        counters.into_iter().any(|n| n > 0)
    }
}

impl fmt::Display for Stats {
    /// Two columns; what is told of few functions only where there is something to tell.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |one: &str, value: String, other: &str, beside: String| {
            format!("{one:<10}{value:>14}   {other:<14}{beside:>14}")
        };
        let count = |n: u64| n.to_string();
        let limit = |limit: Option<usize>, show: fn(usize) -> String| {
            limit.map_or("no limit".to_owned(), show)
        };
        let rate = format!("{:.1}%", 100.0 * self.hit_rate());
        let mut rows = vec![
            row("hits", count(self.hits), "hit rate", rate),
            row("misses", count(self.misses), "coalesced", count(self.coalesced)),
        ];
        if self.misses > 0 {
            rows.push(format!("          {}", self.miss_reasons));
        }
        rows.push(row("loads", count(self.loads), "errors", count(self.errors)));
        let rare = [
            ("stale", self.stale, "reloads", self.reloads),
            ("recalled", self.recalled, "kept", self.kept),
            ("refused", self.corruptions, "timeouts", self.timeouts),
            ("compared", self.verified, "differed", self.divergences),
        ];
        let rare = rare.into_iter().filter(|(_, n, _, beside)| n + beside > 0);
        rows.extend(rare.map(|(one, n, other, beside)| row(one, count(n), other, count(beside))));
        rows.extend([
            row("inserted", count(self.insertions), "evicted", count(self.evictions)),
            row("expired", count(self.expirations), "invalidated", count(self.invalidations)),
            row("rejected", count(self.rejected), "peak", bytes(self.peak_bytes)),
            row(
                "entries",
                self.entries.to_string(),
                "of",
                limit(self.max_entries, |n| n.to_string()),
            ),
            row("bytes", bytes(self.bytes), "of", limit(self.max_bytes, bytes)),
        ]);
        if self.load_latency.count > 0 {
            rows.push(row("in bodies", time(self.body_time), "time saved", time(self.time_saved)));
        }
        rows.extend(
            self.money_saved
                .map(|money| format!("{:<24}   {:<14}{money:>14.2}", "", "money saved")),
        );
        for (of, took) in [("hits", &self.hit_latency), ("loads", &self.load_latency)] {
            if took.count > 0 {
                rows.push(format!("{of} took {took}"));
            }
        }
        f.write_str(&rows.join("\n"))
    }
}

impl fmt::Display for MissReasons {
    /// Those that there are: `12 cold, 3 expired`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cold, expired, evicted, invalidated, refused, disabled } = *self;
        let all = [
            (cold, Reason::Cold.name()),
            (expired, Reason::Expired.name()),
            (evicted, Reason::Evicted.name()),
            (invalidated, Reason::Invalidated.name()),
            (refused, Reason::Refused.name()),
            (disabled, "disabled"),
        ];
        let some = all.iter().filter(|(n, _)| *n > 0);
        let texts: Vec<_> = some.map(|(n, name)| format!("{n} {name}")).collect();
        f.write_str(&texts.join(", "))
    }
}

/// A number of bytes as people read it: `512 B`, `1.5 MiB`.
pub(crate) fn bytes(n: usize) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} B");
    }
    let mut scaled = n as f64 / 1024.0;
    let mut unit = 0;
    while scaled >= 1024.0 && unit + 1 < UNITS.len() {
        scaled /= 1024.0;
        unit += 1;
    }
    format!("{scaled:.1} {}", UNITS[unit])
}
