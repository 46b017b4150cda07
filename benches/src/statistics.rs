//! How long does it take to read the statistics of a thousand functions?

use std::{hint::black_box, time::Duration, time::Instant};

use cache_core::Cache;

/// How often each is read.
const N_READS: usize = 1_001;

macro_rules! one {
    () => {
        #[cache_core::cached]
        fn double(n: u64) -> u64 {
            2 * n
        }

        pub(super) fn call(n: u64) -> u64 {
            double(n)
        }
    };
}

macro_rules! ten_of {
    ($what:ident: $($module:ident)*) => {
        $(mod $module { $what! {} })*

        pub(super) fn call(n: u64) -> u64 {
            [$($module::call(n)),*].into_iter().sum()
        }
    };
}

macro_rules! ten {
    () => {
        ten_of! { one: a b c d e f g h i j }
    };
}

macro_rules! hundred {
    () => {
        ten_of! { ten: a b c d e f g h i j }
    };
}

mod thousand {
    ten_of! { hundred: a b c d e f g h i j }
}

fn main() {
    let cache = Cache::global();
    (0..10).chain(0..10).for_each(|n| assert_eq!(thousand::call(n), 2_000 * n));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.loads, cache.functions().len()), (10_000, 10_000, 1_000));
    report("stats()", || cache.stats());
    report("functions()", || cache.functions());
    report("health()", || cache.health());
    report("prometheus()", || cache.prometheus());
}

fn report<T>(what: &str, read: impl Fn() -> T) {
    let mut times: Vec<Duration> = (0..N_READS)
        .map(|_| {
            let begin = Instant::now();
            black_box(read());
            begin.elapsed()
        })
        .collect();
    times.sort();
    println!("{what:<14}{:>12.1?} in the median", times[N_READS / 2]);
}
