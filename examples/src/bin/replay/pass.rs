//! One pass over a workload: every request served, timed and remembered in a checksum.

use std::{
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use foldhash::quality::FixedState;
use hdrhistogram::Histogram;
use indicatif::ProgressBar;

use crate::args::Args;

#[derive(Debug)]
pub(crate) struct Pass {
    pub(crate) wall: Duration,
    /// Nanoseconds from asking for a page to having it.
    pub(crate) latency: Histogram<u64>,
    /// The sum over all requests of a hash of the request's number and the page served for it, so
    /// it does not depend on which thread served which request.
    pub(crate) checksum: u64,
}

impl Pass {
    /// Serves `requests` on all threads, each request to the next thread that is free.
    #[expect(clippy::disallowed_methods, reason = "measuring time is its job")]
    pub(crate) fn run(
        args: &Args,
        requests: &[u64],
        bar: &ProgressBar,
        page: impl Fn(u64) -> Arc<str> + Sync,
    ) -> Pass {
        let next = AtomicUsize::new(0);
        let serve = || {
            let mut share = Pass::empty();
            loop {
                let request_idx = next.fetch_add(1, Ordering::Relaxed);
                let Some(&product) = requests.get(request_idx) else {
                    break share;
                };
                let asked = Instant::now();
                let page = page(product);
                share.latency += asked.elapsed().as_nanos() as u64;
                let hash = FixedState::default().hash_one((request_idx, page));
                share.checksum = share.checksum.wrapping_add(hash);
                // Drawing is cheap but not free; a hit should not wait for it.
                if request_idx % 512 == 0 {
                    bar.set_position(request_idx as u64);
                }
            }
        };
        let started = Instant::now();
        let mut pass = thread::scope(|scope| {
            let threads: Vec<_> = (0..args.n_threads.get()).map(|_| scope.spawn(serve)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("rendering a page does not panic"))
                .fold(Pass::empty(), Pass::join)
        });
        pass.wall = started.elapsed();
        pass
    }

    pub(crate) fn throughput(&self) -> f64 {
        self.latency.len() as f64 / self.wall.as_secs_f64()
    }

    fn empty() -> Pass {
        let latency = Histogram::new(3).expect("three digits are within what a histogram can do");
        Pass { wall: Duration::ZERO, latency, checksum: 0 }
    }

    fn join(mut self, other: Pass) -> Pass {
        self.latency += other.latency;
        self.checksum = self.checksum.wrapping_add(other.checksum);
        self
    }
}
