//! The arguments of the calls, made before anything is timed and the same for all contestants.

use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};
use rand_distr::Zipf;

use crate::work::Order;

/// How many different arguments a Zipf workload knows.
const N_ZIPF_KEYS: u32 = 1_000_000;

/// Stands for a key that was never asked for.
pub(crate) const FRESH: u32 = u32::MAX;

/// Numbers below `n_keys` in random order, enough of them that no processor learns it.
pub(crate) fn visits(n_keys: u32, seed: u64) -> Vec<u32> {
    let n_visits = if n_keys > 10_000 { 1 << 20 } else { 1 << 14 };
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..n_visits).map(|_| rng.random_range(0..n_keys)).collect()
}

/// The same with [`FRESH`] in every twentieth place, on average.
pub(crate) fn mixed_visits(n_keys: u32, seed: u64) -> Vec<u32> {
    let mut rng = SmallRng::seed_from_u64(!seed);
    let fresh = |visit| if rng.random_ratio(1, 20) { FRESH } else { visit };
    visits(n_keys, seed).into_iter().map(fresh).collect()
}

/// Numbers by Zipf's law.
pub(crate) fn zipf_visits(seed: u64) -> Vec<u32> {
    let law = Zipf::new(f64::from(N_ZIPF_KEYS), 0.99).expect("the exponent is positive");
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..1 << 21).map(|_| rng.sample(law) as u32).collect()
}

/// A name of 24 bytes and a page.
pub(crate) fn pages(n_keys: u32) -> Vec<(String, u32)> {
    let mut rng = SmallRng::seed_from_u64(24);
    (0..n_keys).map(|page| (format!("{:016x}{page:08}", rng.next_u64()), page)).collect()
}

pub(crate) fn orders(n_keys: u32) -> Vec<Order> {
    let mut rng = SmallRng::seed_from_u64(5);
    let mut order = |id| Order {
        id,
        customer: format!("customer {:08}", rng.random_range(0..100_000)),
        items: (0..8).map(|_| rng.random()).collect(),
        discount: rng.random_bool(0.5).then_some(10),
        express: rng.random(),
    };
    (0..u64::from(n_keys)).map(&mut order).collect()
}
