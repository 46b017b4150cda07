//! Whether what is stored is still what bodies return: a share of the hits is computed anew and compared.
//!
//! Such a hit goes on as a load in its caller's place, which keeps the stored result aside and compares the two when it
//! has stored its own, see `lead`. While that is asked for, hits are not found the common way
//! ([`FunctionState::looked_up_as`](crate::function::FunctionState)), so that it costs others nothing.

use std::fmt;

use crate::sync::{AtomicU64, Ordering};

/// Which hits are compared with fresh results.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Verify {
    /// That share of them.
    pub(crate) share: f64,
    /// Whether a call panics that finds a difference.
    pub(crate) fails: bool,
}

/// Chooses a share of what happens.
#[derive(Default)]
pub(crate) struct Sampler(AtomicU64);

impl Sampler {
    /// Whether what happens now is one of the share: the first is, and the others are spread evenly.
    pub(crate) fn takes(&self, share: f64) -> bool {
        // The fractional parts of the multiples of the golden ratio, see Knuth, TAOCP 3, 6.4.
        let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The cast saturates, so that 1.0 takes all.
        n <= (share * 2_f64.powi(64)) as u64
    }
}

/// A stored result that differed from a fresh one.
pub(crate) struct Divergence<'a> {
    pub(crate) function: &'static str,
    pub(crate) file: &'static str,
    pub(crate) line: u32,
    /// The digest of its key.
    pub(crate) key: &'a str,
}

impl fmt::Display for Divergence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, file, line, key } = self;
        write!(
            f,
            "`{function}` at {file}:{line} has returned another result than is stored for the same key, {key}: \
             what it depends on is not all in its key, or its body is not pure, \
             or something has changed without an event that it names"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Sampler;

    #[test]
    fn a_share_is_taken_and_spread_evenly() {
        for share in [0.001, 0.01, 0.1, 0.5, 1.0] {
            let sampler = Sampler::default();
            assert!(sampler.takes(share), "the first one");
            let mut n_taken = 1;
            for n in 2..=100_000 {
                n_taken += u32::from(sampler.takes(share));
                let expected = f64::from(n) * share;
                assert!((f64::from(n_taken) - expected).abs() < 5.0, "{n_taken} of {n} at {share}");
            }
        }
    }
}
