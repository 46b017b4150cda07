//! What to change, in words, from the reasons of misses and from the curve.

use std::fmt;

use crate::curve::Curve;
use crate::function::FunctionStats;
use crate::serialize::{serialize_display, serialize_fields};
use crate::stats::{MissReasons, Stats};

/// So many calls are behind an advice.
const MIN_CALLS: u64 = 1_000;

/// So much more of the calls have to be hits for more memory to be worth it,
const WORTH: f64 = 0.05;
/// and so much fewer of them with half the memory are as good as none.
const LITTLE: f64 = 0.005;

/// Something that could be better, as [`Cache::advice`](crate::Cache::advice) finds it. It is displayed as a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Advice {
    /// The name of the function that it is about, or `cache` for all together.
    pub function: &'static str,
    /// The module of the function; empty for all together.
    pub module: &'static str,
    /// What it is about.
    pub topic: Topic,
    /// The sentence, without the name.
    pub text: String,
}

serialize_fields!(Advice { function, module, topic, text });

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.function, self.text)
    }
}

/// What an [`Advice`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topic {
    /// More memory would make many more hits.
    MoreMemory,
    /// Half the memory would make about as many hits.
    LessMemory,
    /// Most misses are expiries.
    Expired,
    /// Most misses are invalidations.
    Invalidated,
    /// Most misses are of results that are not stored.
    Refused,
    /// Most misses are of calls that were never made before.
    Cold,
    /// The body is as fast as a hit.
    Fast,
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MoreMemory => "more_memory",
            Self::LessMemory => "less_memory",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
            Self::Refused => "refused",
            Self::Cold => "cold",
            Self::Fast => "fast",
        })
    }
}

serialize_display!(Topic);

/// What to change in a cache, from what all have done and what each function has.
pub(crate) fn advise(all: &Stats, curve: &Curve, functions: &[FunctionStats]) -> Vec<Advice> {
    let of_all = memory(all, curve).map(|(topic, text)| Advice {
        function: "cache",
        module: "",
        topic,
        text,
    });
    let of_functions = functions.iter().filter_map(|it| {
        let (topic, text) = of_function(it, all)?;
        Some(Advice { function: it.name, module: it.module, topic, text })
    });
    of_all.into_iter().chain(of_functions).collect()
}

/// What would help a function most.
fn of_function(function: &FunctionStats, all: &Stats) -> Option<(Topic, String)> {
    let stats = &function.stats;
    if n_calls(stats) < MIN_CALLS {
        return None;
    }
    not_worth_it(stats, all).or_else(|| memory(stats, &function.curve)).or_else(|| misses(function))
}

/// Whether the body is as fast as a hit, of which there are few.
fn not_worth_it(stats: &Stats, all: &Stats) -> Option<(Topic, String)> {
    // Where it has no hits, those of others tell.
    let hits = if stats.hit_latency.count > 0 { stats.hit_latency } else { all.hit_latency };
    let bodies = stats.load_latency;
    let is_fast = hits.count > 0 && bodies.count > 0 && bodies.p50 <= hits.p50;
    (is_fast && stats.hit_rate() < 0.05).then(|| {
        let (rate, body, hit) = (percent(stats.hit_rate()), bodies.p50, hits.p50);
        let text = format!(
            "{rate} of its calls are hits, and its body takes {body:?} where a hit takes {hit:?}: \
             do not cache it"
        );
        (Topic::Fast, text)
    })
}

/// Whether more memory would make more hits, or less memory about as many.
fn memory(stats: &Stats, curve: &Curve) -> Option<(Topic, String)> {
    let [half, now, twice, fourfold] = curve.points;
    // Where nothing has ever made room, more of it is of no use.
    if n_calls(stats) < MIN_CALLS || stats.evictions == 0 {
        return None;
    }
    let gain = |hit_rate: f64| hit_rate - now.hit_rate;
    let more = if 2.0 * gain(twice.hit_rate) >= gain(fourfold.hit_rate) { twice } else { fourfold };
    if gain(more.hit_rate) >= WORTH {
        let (from, to) = (percent(now.hit_rate), percent(more.hit_rate));
        let text = format!("{}× memory would lift hits from {from} to {to}", more.factor);
        return Some((Topic::MoreMemory, text));
    }
    (now.hit_rate > 0.0 && gain(half.hit_rate) >= -LITTLE).then(|| {
        let (from, to) = (percent(now.hit_rate), percent(half.hit_rate));
        (Topic::LessMemory, format!("half the memory would do, with {to} hits in place of {from}"))
    })
}

/// What most misses have in common, where there are many.
fn misses(function: &FunctionStats) -> Option<(Topic, String)> {
    let stats = &function.stats;
    let MissReasons { cold, expired, evicted: _, invalidated, refused, disabled } =
        stats.miss_reasons;
    let n_misses = stats.misses - disabled;
    if n_misses * 10 < n_calls(stats) {
        return None;
    }
    let share = |n: u64| n as f64 / n_misses as f64;
    let most = |n: u64| share(n) > 0.5;
    let text = |n: u64, what: &str| format!("{} of misses are {what}", percent(share(n)));
    let (topic, text) = if most(expired) {
        let ttl = function.ttl.map_or(String::new(), |ttl| format!(" of {ttl:?}"));
        let reuse = format!("expiries, its TTL{ttl} is shorter than its reuse");
        (Topic::Expired, text(expired, &reuse))
    } else if most(invalidated) {
        let what = "invalidations, name events that are about less, or call what changes apart";
        (Topic::Invalidated, text(invalidated, what))
    } else if most(refused) && 2 * stats.rejected > refused {
        let what = "of results that are too large to be stored, raise the limit on bytes";
        (Topic::Refused, text(refused, what))
    } else if most(refused) {
        let what = "of results that are not stored, such as errors or what `cache_if` refuses";
        (Topic::Refused, text(refused, what))
    } else if share(cold) > 0.9 && stats.hit_rate() < 0.2 {
        let what = "of calls that were never made before, \
                    leave out of the key what does not matter, or do not cache it";
        (Topic::Cold, text(cold, what))
    } else {
        return None;
    };
    Some((topic, text))
}

/// Calls that the cache had to do with.
fn n_calls(stats: &Stats) -> u64 {
    stats.hits + stats.misses - stats.miss_reasons.disabled
}

fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
