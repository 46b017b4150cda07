//! How long something takes: a histogram that many threads fill without a lock.
//!
//! It is log-linear, as in HdrHistogram: sixteen equal steps between one power of two and the next, so that what is
//! read off lies within 3.2 % of what was measured. An octave takes its memory when something first falls into it, or before
//! that where nothing may be allocated then.

use std::fmt;
use std::iter;
use std::sync::OnceLock;
use std::time::Duration;

use crate::clock::nanos;
use crate::serialize::{seconds, serialize_fields};
use crate::sync::{Figure, Ordering};

/// Steps of an octave.
const STEPS: usize = 16;
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// The first one holds what is below [`STEPS`] nanoseconds, each in a step of its own.
const OCTAVES: usize = (u64::BITS - STEP_BITS) as usize + 1;

/// Up to four seconds.
const N_RESERVED: usize = 29;

/// What shares of something took no longer than that.
///
/// Percentiles lie within 3.2 % of what was measured; `count` and `max` are exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Latencies {
    /// Half of them.
    pub p50: Duration,
    /// 90 of 100.
    pub p90: Duration,
    /// 99 of 100.
    pub p99: Duration,
    /// All of them.
    pub max: Duration,
    /// How many were measured; where it is 0, so is all else.
    pub count: u64,
}

serialize_fields!(Latencies {
    p50 as seconds,
    p90 as seconds,
    p99 as seconds,
    max as seconds,
    count,
});

impl fmt::Display for Latencies {
    /// In one line: `50% 1.2 ms   90% 3.4 ms   99% 12 ms   all 31 ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99, max] = [self.p50, self.p90, self.p99, self.max].map(time);
        write!(f, "50% {p50}   90% {p90}   99% {p99}   all {max}")
    }
}

/// A span of time as people read it: `12 ns`, `1.2 ms`, `3.4 s`, `2.0 h`.
pub(crate) fn time(span: Duration) -> String {
    const UNITS: [(&str, f64); 6] =
        [("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)];
    let seconds = span.as_secs_f64();
    let unit = UNITS.into_iter().find(|(_, size)| seconds >= *size);
    let (unit, size) = unit.unwrap_or(("s", 1.0));
    let scaled = seconds / size;
    let n_decimals = usize::from(scaled < 10.0 && unit != "ns" && scaled > 0.0);
    format!("{scaled:.n_decimals$} {unit}")
}

/// How long the hits and the bodies of a function took, or of a cache.
#[derive(Default)]
pub(crate) struct Times {
    pub(crate) hits: Histogram,
    pub(crate) bodies: Histogram,
}

impl Times {
    pub(crate) fn reset(&self) {
        self.hits.reset();
        self.bodies.reset();
    }

    /// The bytes that they take beside themselves.
    pub(crate) fn size(&self) -> usize {
        self.hits.size() + self.bodies.size()
    }
}

/// Spans of time, by how many lie in which step. It is small until there is one.
#[derive(Default)]
pub(crate) struct Histogram {
    octaves: OnceLock<Box<[Octave; OCTAVES]>>,
    /// Into which octaves something has ever fallen, a bit for each: the others need not be read.
    used: Figure,
    /// Which octaves have their memory besides those, in the same way.
    reserved: Figure,
    max: Figure,
}

type Steps = [Figure; STEPS];
type Octave = OnceLock<Box<Steps>>;

impl Histogram {
    /// Takes the memory for all that lasts no more than some seconds, so that recording it takes none.
    pub(crate) fn reserve(&self) {
        if self.octaves.get().is_none() {
            for octave in self.octaves().iter().take(N_RESERVED) {
                octave.get_or_init(Box::default);
            }
            self.reserved.store((1 << N_RESERVED) - 1, Ordering::Relaxed);
        }
    }

    pub(crate) fn record(&self, span: Duration) {
        let nanos = nanos(span);
        let (octave, step) = place(nanos);
        self.octaves()[octave].get_or_init(Box::default)[step].fetch_add(1, Ordering::Relaxed);
        if self.used.load(Ordering::Relaxed) & 1 << octave == 0 {
            self.used.fetch_or(1 << octave, Ordering::Relaxed);
        }
        if nanos > self.max.load(Ordering::Relaxed) {
            self.max.fetch_max(nanos, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Latencies {
        let count: u64 = self.counts().map(|(_, n)| n).sum();
        if count == 0 {
            return Latencies::default();
        }
        let max = self.max.load(Ordering::Relaxed);
        let mut n_seen = 0;
        let mut counts = self.counts().map(|(nanos, n)| {
            n_seen += n;
            (nanos, n_seen)
        });
        let mut last = counts.next();
        let mut percentile = |percent: u64| {
            while let Some((_, n_seen)) = last
                && n_seen < (count * percent).div_ceil(100)
            {
                last = counts.next();
            }
            Duration::from_nanos(last.map_or(max, |(nanos, _)| nanos.min(max)))
        };
        Latencies {
            p50: percentile(50),
            p90: percentile(90),
            p99: percentile(99),
            max: Duration::from_nanos(max),
            count,
        }
    }

    /// Begins anew. What is recorded meanwhile counts before or after, and nothing twice.
    pub(crate) fn reset(&self) {
        for n in self.used().flat_map(|(_, steps)| steps) {
            n.swap(0, Ordering::Relaxed);
        }
        self.max.swap(0, Ordering::Relaxed);
    }

    /// The bytes that it takes beside itself.
    fn size(&self) -> usize {
        if self.octaves.get().is_none() {
            return 0;
        }
        let there = self.used.load(Ordering::Relaxed) | self.reserved.load(Ordering::Relaxed);
        size_of::<[Octave; OCTAVES]>() + there.count_ones() as usize * size_of::<Steps>()
    }

    fn octaves(&self) -> &[Octave; OCTAVES] {
        self.octaves.get_or_init(|| Box::new([const { OnceLock::new() }; OCTAVES]))
    }

    /// The octaves into which something has fallen.
    fn used(&self) -> impl Iterator<Item = (usize, &Steps)> {
        let mut used = self.used.load(Ordering::Relaxed);
        iter::from_fn(move || {
            let octave = used.trailing_zeros() as usize;
            used &= used.checked_sub(1)?;
            Some((octave, &**self.octaves.get()?[octave].get()?))
        })
    }

    /// The middles of steps in nanoseconds, and how many lie in each.
    fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        self.used().flat_map(|(octave, steps)| {
            let count = |(step, n): (usize, &Figure)| (step, n.load(Ordering::Relaxed));
            steps.iter().enumerate().map(count).map(move |(step, n)| (middle(octave, step), n))
        })
    }
}

/// The octave of a number of nanoseconds, and the step in that.
fn place(nanos: u64) -> (usize, usize) {
    let octave = (nanos | (STEPS as u64 - 1)).ilog2() + 1 - STEP_BITS;
    let shift = octave.saturating_sub(1);
    (octave as usize, (nanos >> shift) as usize % STEPS)
}

/// The number of nanoseconds in the middle of a step.
fn middle(octave: usize, step: usize) -> u64 {
    let Some(shift) = octave.checked_sub(1) else { return step as u64 };
    (((STEPS + step) as u64) << shift) + ((1_u64 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_lies_next_to_what_was_measured() {
        let mut nanos: u64 = 1;
        while nanos < 1 << 62 {
            for nanos in [nanos, nanos + nanos / 3, nanos * 2 - 1] {
                let histogram = Histogram::default();
                histogram.record(Duration::from_nanos(nanos));
                // Not to be cut to what the maximum tells.
                histogram.record(Duration::from_nanos(u64::MAX));
                let found = histogram.read().p50.as_nanos() as f64;
                assert!((found / nanos as f64 - 1.0).abs() <= 0.032, "{nanos} is read as {found}");
            }
            nanos *= 2;
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_spans() {
        let histogram = Histogram::default();
        // In another order than sorted.
        (1..=1_000).for_each(|n| histogram.record(Duration::from_micros(n * 3 % 1_001)));
        let Latencies { p50, p90, p99, max, count } = histogram.read();
        assert_eq!((max, count), (Duration::from_micros(1_000), 1_000));
        for (found, micros) in [(p50, 500.0), (p90, 900.0), (p99, 990.0)] {
            assert!((found.as_secs_f64() * 1e6 / micros - 1.0).abs() <= 0.032, "{found:?}");
        }
    }

    #[test]
    fn nothing_measured_is_nothing_read() {
        let histogram = Histogram::default();
        assert_eq!(histogram.read(), Latencies::default());
        histogram.record(Duration::ZERO);
        histogram.record(Duration::MAX);
        assert_eq!((histogram.read().p50, histogram.read().count), (Duration::ZERO, 2));
        histogram.reset();
        assert_eq!(histogram.read(), Latencies::default());
    }
}
