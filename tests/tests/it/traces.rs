//! M4 on a recorded workload: exact up to about a thousand entries, and next to exact beyond.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cache_core::testing::TestCache;
use cache_core::{Cache, Eviction, cached};

use crate::support::watched;

#[cached]
fn page(id: u64) -> u64 {
    id
}

pub(crate) fn requests() -> Vec<u64> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/cache2k-web07.trace.zst");
    let mut bytes = Vec::new();
    let file = File::open(path).expect("the trace is part of the repository");
    ruzstd::decoding::StreamingDecoder::new(file)
        .expect("zstd")
        .read_to_end(&mut bytes)
        .expect("a whole trace");
    bytes.as_chunks::<8>().0.iter().map(|id| u64::from_le_bytes(*id)).collect()
}

fn hits(requests: &[u64], builder: cache_core::Builder) -> u64 {
    let cache = TestCache::from_builder(builder);
    cache.run(|| {
        for id in requests {
            page(*id);
        }
    });
    cache.stats().hits
}

/// What an exact LRU of that many entries hits, counted with independent implementations.
const EXACT: [(usize, u64); 4] = [(205, 29_812), (1_024, 38_487), (2_048, 42_371), (5_121, 47_866)];

#[test]
fn hits_on_a_recorded_trace_are_those_of_an_exact_lru() {
    watched(|| {
        let requests = requests();
        for (capacity, expected) in EXACT {
            let found = hits(&requests, Cache::builder().max_entries(capacity));
            let difference = (found as f64 - expected as f64) / requests.len() as f64;
            println!("{capacity:>6} entries: {found} hits, exact LRU {expected}");
            assert!(
                difference.abs() <= if capacity <= 1_024 { 0.0 } else { 0.002 },
                "{capacity}: {difference}"
            );
        }
    });
}

#[test]
fn a_cache_told_to_is_exact_at_any_size() {
    watched(|| {
        let requests = requests();
        for (capacity, expected) in EXACT {
            assert_eq!(
                hits(&requests, Cache::builder().max_entries(capacity).exact_order(true)),
                expected
            );
        }
    });
}

#[test]
fn a_scan_resistant_cache_hits_more_often_than_lru_on_a_recorded_trace() {
    let requests = requests();
    // In hits of a hundred requests. Measured were 4.0, 3.5, 2.6 and 0.9; it differs a little from one process to the
    // next, as the hashes do.
    for ((capacity, lru), least) in EXACT.into_iter().zip([3.6, 3.1, 2.3, 0.6]) {
        let builder = Cache::builder().max_entries(capacity).eviction(Eviction::ScanResistant);
        let found = hits(&requests, builder);
        let more = 100.0 * (found as f64 - lru as f64) / requests.len() as f64;
        println!("{capacity:>6} entries: {found} hits, exact LRU {lru}, {more:+.2}");
        assert!(more >= least, "{capacity}: {more:+.2}");
    }
}
