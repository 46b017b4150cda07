//! All numbers as instruments of OpenTelemetry, read when somebody collects them.

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Meter};

use crate::cache::Cache;
use crate::metrics::{Kind, LABEL, Metric, STATS, Series, TIER, by_function, by_label};

impl Cache {
    /// Gives a meter all numbers of this cache: of the process as `cache.hits`, of each function as
    /// `cache.function.hits`, by label as `cache.label.hits`, of each tier as `cache.tier.failures`.
    ///
    /// They are read when the meter is collected, and there are as many as functions and tiers, and up to 65 for each
    /// function with labels, whatever the calls are.
    ///
    /// ```
    /// use cache_core::Cache;
    ///
    /// Cache::global().measure(&opentelemetry::global::meter("cache"));
    /// ```
    pub fn measure(&self, meter: &Meter) {
        let cache = self.clone();
        register(meter, "cache", STATS, move |tell| {
            tell(&Series::new(Vec::new(), STATS, &cache.stats()));
        });
        let cache = self.clone();
        register(meter, "cache.function", STATS, move |tell| {
            by_function(&cache.functions()).iter().for_each(tell);
        });
        let cache = self.clone();
        register(meter, "cache.label", LABEL, move |tell| {
            by_label(&cache.functions()).iter().for_each(tell);
        });
        let cache = self.clone();
        register(meter, "cache.tier", TIER, move |tell| {
            for tier in cache.tiers() {
                tell(&Series::new(vec![("tier", tier.name)], TIER, &tier));
            }
        });
    }
}

/// Makes an instrument of each name, which tells of all series that `read` finds.
fn register<S: 'static>(
    meter: &Meter,
    prefix: &str,
    metrics: &'static [Metric<S>],
    read: impl Fn(&dyn Fn(&Series<'_>)) + Clone + Send + Sync + 'static,
) {
    for metric in metrics.chunk_by(|one, next| one.name == next.name).map(|group| &group[0]) {
        let read = read.clone();
        let observe = move |instrument: &dyn AsyncInstrument<f64>| {
            read(&|series| {
                let numbers = metrics.iter().zip(&series.values);
                for (metric, value) in numbers.filter(|(it, _)| it.name == metric.name) {
                    let labels = series.labels.iter().copied().chain(metric.label);
                    let attributes: Vec<_> =
                        labels.map(|(label, it)| KeyValue::new(label, it.to_owned())).collect();
                    value.iter().for_each(|value| instrument.observe(*value, &attributes));
                }
            });
        };
        let name = format!("{prefix}.{}", metric.name);
        match metric.kind {
            Kind::Counter => {
                let counter = meter.f64_observable_counter(name).with_description(metric.help);
                counter.with_unit(unit(metric.name)).with_callback(observe).build();
            }
            Kind::Gauge => {
                let gauge = meter.f64_observable_gauge(name).with_description(metric.help);
                gauge.with_unit(unit(metric.name)).with_callback(observe).build();
            }
        }
    }
}

/// A unit as UCUM writes it, which the end of a name tells.
fn unit(name: &str) -> &'static str {
    match name.rsplit('_').next() {
        Some("seconds") => "s",
        Some("bytes") => "By",
        _ => "1",
    }
}
