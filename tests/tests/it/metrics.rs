//! O5: the text that Prometheus reads.

use std::collections::{BTreeMap, BTreeSet};

use cache_core::cached;
use cache_core::testing::TestCache;

/// A sample: its name, its labels and its value.
#[derive(Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Reads the text format strictly: each family has its help and its type before its samples, and all in one place.
fn parse(text: &str) -> (BTreeMap<String, String>, Vec<Sample>) {
    let (mut types, mut samples, mut family) = (BTreeMap::new(), Vec::new(), String::new());
    assert!(text.ends_with('\n'), "the last line ends");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help");
            assert!(help.ends_with('.'), "{line}");
            assert!(!types.contains_key(name), "{name} is in two places");
            family = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(name, family);
            types.insert(family.clone(), kind.to_owned());
        } else {
            let sample = sample(line);
            assert_eq!(sample.name, family, "{line}");
            assert!(types.contains_key(&family), "{line}");
            samples.push(sample);
        }
    }
    (types, samples)
}

fn sample(line: &str) -> Sample {
    let end = line.find(['{', ' ']).expect("a name");
    let name = line[..end].to_owned();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    assert!(name.chars().all(is_name) && !name.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    let mut labels = BTreeMap::new();
    let mut rest = &line[end..];
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let (label, value) = rest.trim_start_matches(',').split_once("=\"").expect("a label");
            let mut text = String::new();
            let mut chars = value.char_indices();
            let end = loop {
                match chars.next().expect("a closing quote") {
                    (at, '"') => break at,
                    (_, '\\') => text.push(match chars.next().expect("an escape").1 {
                        'n' => '\n',
                        it @ ('\\' | '"') => it,
                        it => panic!("`\\{it}` is no escape"),
                    }),
                    (_, it) => text.push(it),
                }
            };
            assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
            rest = &value[end + 1..];
        }
        rest = &rest[1..];
    }
    Sample {
        name,
        labels,
        value: rest.strip_prefix(' ').expect("a value").parse().expect("a number"),
    }
}

#[test]
fn prometheus_gets_every_counter_of_the_process_and_of_each_function() {
    #[cached(name = "a \"quoted\"\\name\nof two lines")]
    fn hostile(n: u32) -> u32 {
        n
    }
    let cache = TestCache::new();
    cache.run(|| [1, 1, 1, 2].map(hostile));
    let text = cache.prometheus();
    let (types, samples) = parse(&text);
    for (name, kind) in &types {
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
    }
    let of = |name: &str, function: Option<&str>| {
        let is = |it: &&Sample| {
            it.name == name && it.labels.get("function").map(String::as_str) == function
        };
        samples.iter().find(is).map(|it| it.value)
    };
    let hostile = Some("a \"quoted\"\\name\nof two lines");
    assert_eq!(of("cache_hits_total", None), Some(2.0));
    assert_eq!(of("cache_function_hits_total", hostile), Some(2.0));
    assert_eq!(of("cache_function_misses_total", hostile), Some(2.0));
    assert_eq!(of("cache_bytes", None), of("cache_function_bytes", hostile));
    assert_eq!(of("cache_max_bytes", None), Some(f64::from(256 << 20)));
    assert_eq!(of("cache_function_max_bytes", hostile), None, "it has no limit of its own");
}

#[test]
fn there_are_as_many_series_as_functions_and_some_for_labels_whatever_they_are_called_with() {
    #[cached(label = "user {n}")]
    fn labelled(n: u32) -> u32 {
        n
    }
    #[cached]
    fn unlabelled(n: u32) -> u32 {
        n
    }
    let cache = TestCache::new();
    let n_samples = || parse(&cache.prometheus()).1.len();
    let before = n_samples();
    cache.run(|| (0..1000).map(unlabelled).sum::<u32>());
    assert_eq!(n_samples(), before);
    cache.run(|| (0..1000).map(labelled).sum::<u32>());
    assert_eq!(n_samples(), before + 65 * 4);
    let (_, samples) = parse(&cache.prometheus());
    let loads = |label: &str| {
        let is = |it: &&Sample| {
            it.name == "cache_label_loads_total"
                && it.labels.get("label").is_some_and(|it| it == label)
        };
        samples.iter().find(is).map(|it| it.value)
    };
    assert_eq!(
        (loads("user 0"), loads("user 999"), loads("other")),
        (Some(1.0), None, Some(936.0))
    );
}

#[test]
fn no_two_series_are_the_same() {
    fn one(cache: &TestCache) -> u32 {
        #[cached(name = "twin")]
        fn twin(n: u32) -> u32 {
            n
        }
        cache.run(|| twin(1))
    }
    fn other(cache: &TestCache) -> u32 {
        #[cached(name = "twin")]
        fn twin(n: u32) -> u32 {
            n + 1
        }
        cache.run(|| twin(1))
    }
    let cache = TestCache::new();
    assert_eq!((one(&cache), other(&cache)), (1, 2));
    let (_, samples) = parse(&cache.prometheus());
    let names: BTreeSet<_> = samples.iter().map(|it| (&it.name, &it.labels)).collect();
    assert_eq!(names.len(), samples.len());
    let twins = samples.iter().find(|it| {
        it.name == "cache_function_loads_total"
            && it.labels.get("function").is_some_and(|name| name == "twin")
    });
    assert_eq!(twins.map(|it| it.value), Some(2.0), "they are summed up");
}

#[test]
fn opentelemetry_collects_the_same_numbers() {
    use opentelemetry::metrics::MeterProvider;
    use opentelemetry_sdk::metrics::data::{AggregatedMetrics, MetricData};
    use opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};

    #[cached(cost = 2.0)]
    fn measured(n: u32) -> u32 {
        n
    }
    let (cache, exporter) = (TestCache::new(), InMemoryMetricExporter::default());
    let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    cache.measure(&provider.meter("cache"));
    cache.run(|| [1, 1, 1, 2].map(measured));
    provider.force_flush().expect("it collects");
    let collected = exporter.get_finished_metrics().expect("it keeps them");
    let mut told = BTreeMap::new();
    for metric in collected[0].scope_metrics().flat_map(|scope| scope.metrics()) {
        let mut note = |attributes: Vec<String>, value: f64| {
            told.insert((metric.name().to_owned(), attributes.join(" ")), value);
        };
        let names = |it: &opentelemetry::KeyValue| format!("{}={}", it.key, it.value);
        match metric.data() {
            AggregatedMetrics::F64(MetricData::Sum(sum)) => {
                assert!(sum.is_monotonic(), "{}", metric.name());
                sum.data_points()
                    .for_each(|it| note(it.attributes().map(names).collect(), it.value()));
            }
            AggregatedMetrics::F64(MetricData::Gauge(gauge)) => {
                gauge
                    .data_points()
                    .for_each(|it| note(it.attributes().map(names).collect(), it.value()));
            }
            other => panic!("{} is {other:?}", metric.name()),
        }
        if metric.name().ends_with("bytes") {
            assert_eq!(metric.unit(), "By");
        }
    }
    let of =
        |name: &str, attributes: &str| told.get(&(name.to_owned(), attributes.to_owned())).copied();
    let function = format!("function=measured module={}", module_path!());
    assert_eq!(of("cache.hits", ""), Some(2.0));
    assert_eq!(of("cache.function.hits", &function), Some(2.0));
    assert_eq!(of("cache.function.misses", &format!("{function} reason=cold")), Some(2.0));
    assert_eq!(of("cache.function.saved_money", &function), Some(4.0));
    assert_eq!(of("cache.bytes", ""), Some(cache.stats().bytes as f64));
}
