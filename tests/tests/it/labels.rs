//! C3: what a function has done is told by label.

use std::thread;

use cache_core::testing::TestCache;
use cache_core::{Cache, LabelStats, cached};

#[cached(label = "{model}", ttl = 10m, max_entries = 1000)]
fn image(model: &str, seed: u32) -> String {
    format!("{model} {seed}")
}

/// Label, hits, loads and entries.
fn rows(stats: &[LabelStats]) -> Vec<(&str, u64, u64, usize)> {
    stats.iter().map(|it| (&*it.label, it.hits, it.loads, it.entries)).collect()
}

#[test]
fn loads_hits_and_bytes_are_told_by_label() {
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!(rows(&image::labels()), []);
        for seed in [1, 2, 1, 1] {
            image("dalle3", seed);
        }
        for seed in (0..10).chain(0..10) {
            image("sdxl", seed);
        }
        let labels = image::labels();
        assert_eq!(rows(&labels), [("sdxl", 10, 10, 10), ("dalle3", 2, 2, 2)]);
        assert_eq!(labels[0].hit_rate(), 0.5);
        let (stats, function) = (image::stats(), cache.functions());
        assert_eq!(labels.iter().map(|it| it.bytes).sum::<usize>(), stats.bytes);
        assert_eq!(labels.iter().map(|it| it.hits).sum::<u64>(), stats.hits);
        let function = function.iter().find(|it| it.module == module_path!() && it.name == "image");
        assert_eq!(function.expect("it is known").labels, labels);
        cache.invalidate_matching("dalle3");
        assert_eq!(rows(&image::labels()), [("sdxl", 10, 10, 10), ("dalle3", 2, 2, 0)]);
        cache.reset_stats();
        image("sdxl", 1);
        assert_eq!(rows(&image::labels())[0], ("sdxl", 1, 0, 10));
        cache.clear();
        assert!(image::labels().iter().all(|it| (it.entries, it.bytes) == (0, 0)));
    });
}

#[test]
fn a_result_that_is_replaced_evicted_or_put_is_held_once() {
    let cache = TestCache::new();
    cache.run(|| {
        image::put("a", 1, "x".repeat(1000));
        image::put("a", 1, "x".repeat(10));
        image::refresh("a", 2);
        image::refresh("a", 2);
        let label = &image::labels()[0];
        assert_eq!((label.entries, label.loads, label.bytes), (2, 2, image::stats().bytes));
        cache.set_max_entries(1);
        let label = &image::labels()[0];
        assert_eq!((label.entries, label.bytes), (1, image::stats().bytes));
    });
}

#[test]
fn the_first_labels_are_told_apart_and_the_others_together() {
    let cache = TestCache::new();
    cache.run(|| {
        for n in (0..200).chain(0..200) {
            image(&format!("model {n}"), 0);
        }
        let labels = image::labels();
        assert_eq!(labels.len(), 65);
        let other = labels.iter().find(|it| it.label == "other").expect("the rest");
        assert_eq!((other.hits, other.loads, other.entries), (136, 136, 136));
        assert!(labels.iter().any(|it| it.label == "model 63" && it.hits == 1));
        assert_eq!(labels.iter().map(|it| it.bytes).sum::<usize>(), image::stats().bytes);
        assert!(cache.stats().stats_bytes < 512 << 10);
    });
}

#[test]
fn hits_of_the_global_cache_are_counted_by_label_exactly_under_threads() {
    #[cached(label = "is {even}")]
    fn parity(n: u32, even: bool) -> u32 {
        n + u32::from(even)
    }
    let parity_of = |n: u32| parity(n, n.is_multiple_of(2));
    (0..10).map(parity_of).for_each(drop);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..100_000).for_each(|n| _ = parity_of(n % 10)));
        }
    });
    let labels = parity::labels();
    assert_eq!(labels.iter().map(|it| (it.hits, it.loads)).collect::<Vec<_>>(), [(200_000, 5); 2]);
    assert_eq!(parity::stats().hits, 400_000);
    assert!(Cache::global().prometheus().contains("label=\"is true\"} 200000"));
}

#[test]
fn a_generic_function_and_one_without_labels_have_them_too() {
    #[cached(label = "{n}")]
    fn generic<T: From<u8> + Clone + Send + Sync + cache_core::HeapSize + 'static>(n: u8) -> T {
        T::from(n)
    }
    #[cached]
    fn unlabelled(n: u32) -> u32 {
        n
    }
    let cache = TestCache::new();
    cache.run(|| {
        assert_eq!((generic::<u32>(1), generic::<u64>(1), generic::<u64>(1)), (1, 1, 1));
        unlabelled(1);
        assert_eq!(rows(&generic::labels()), [("1", 1, 2, 2)]);
        assert_eq!(rows(&unlabelled::labels()), []);
    });
}
