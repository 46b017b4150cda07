//! Measures one workload of one contestant, in a process that does nothing else.
//!
//! Everything that is said of a hit is checked: a contestant that runs a body where it should find a
//! result, or finds a wrong one, is an error and not a number.

use std::{
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::runtime;

use crate::{
    contestants::{self, Contestant, Function, HUGE, LARGE, MEMORY, SMALL, Visitor, ZIPF},
    counter, inputs,
    work::{self, Order},
    workloads::{Runtime, Shape, Workload},
};

/// How many slices a measurement is cut into; their median is what is reported.
const N_SLICES: u32 = 12;

/// How many tasks ask for one cold key.
const N_TASKS: usize = 10_000;

/// How often one cold key after the other is asked for.
const N_STAMPEDES: u64 = 5;

/// How often so many events are emitted.
const N_EMIT_SLICES: usize = 9;
const N_EMITS: usize = 100;

/// How many calls allocations are counted over.
const N_COUNTED: usize = 10_000;

/// What one process found out.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Measurement {
    /// The median of the slices, in the unit of the workload.
    pub(crate) median: f64,
    /// The least of the slices.
    pub(crate) least: f64,
    /// The share of calls that ran no body, where that is a result.
    pub(crate) hit_rate: Option<f64>,
    /// Heap allocations a call.
    pub(crate) allocations: Option<f64>,
    /// Bodies that ran for one cold key.
    pub(crate) bodies: Option<f64>,
}

/// What is to be measured, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) workload: &'static Workload,
    pub(crate) time: Duration,
    /// Makes so many calls between [`counted_calls`]'s first and last instruction, and times nothing.
    pub(crate) n_counted: Option<usize>,
}

impl Visitor for Plan {
    type Output = Result<Measurement>;

    fn visit<C: Contestant>(&mut self) -> Result<Measurement> {
        let Workload { name, shape, function, capacity, .. } = *self.workload;
        if let Some(reason) = self.workload.leaves_out::<C>() {
            bail!("{} has no part in {name}: {reason}", C::NAME);
        }
        contestants::set_capacity(capacity);
        C::set_up(capacity);
        match shape {
            Shape::Hits { n_keys, n_threads: 1 } => match function {
                Function::Text => {
                    let pages = inputs::pages(n_keys);
                    self.hits(
                        &pages,
                        |(name, page)| C::text::<SMALL>(name, *page),
                        |(name, page)| work::text(name, *page),
                    )
                }
                Function::SharedText => {
                    let pages = inputs::pages(n_keys);
                    self.hits(
                        &pages,
                        |(name, page)| C::shared_text(name, *page),
                        |(name, page)| work::shared_text(name, *page),
                    )
                }
                Function::Price => {
                    let orders = inputs::orders(n_keys);
                    self.hits(&orders, |order: &Order| C::price(order), work::price)
                }
                Function::Expiring => self.number_hits(n_keys, C::expiring),
                Function::Depending => self.number_hits(n_keys, C::depending),
                Function::DependingOnThree => self.number_hits(n_keys, C::depending_on_three),
                _ => match capacity {
                    SMALL => self.number_hits(n_keys, C::number::<SMALL>),
                    LARGE => self.number_hits(n_keys, C::number::<LARGE>),
                    HUGE => self.number_hits(n_keys, C::number::<HUGE>),
                    _ => unreachable!("no workload of hits has this capacity"),
                },
            },
            Shape::Hits { n_keys, n_threads } => self.hits_on_threads::<C>(n_keys, n_threads),
            Shape::Misses => self.misses::<C>(),
            Shape::Mixed { n_threads } => self.mixed::<C>(n_threads),
            Shape::Zipf { n_threads } => self.zipf::<C>(n_threads),
            Shape::AsyncHits { runtime } => self.async_hits::<C>(runtime),
            Shape::Stampede { runtime } => stampede::<C>(runtime),
            Shape::Emits { n_entries } => emits::<C>(n_entries),
            Shape::Memory => match function {
                Function::Text => {
                    let pages = inputs::pages(MEMORY as u32);
                    let payload = |(name, _): &(String, u32)| name.len() + size_of::<u32>() + 100;
                    memory(&pages, payload, |(name, page)| _ = C::text::<MEMORY>(name, *page))
                }
                _ => {
                    let keys: Vec<u64> = (0..MEMORY as u64).collect();
                    let call = |key: &u64| _ = C::number::<MEMORY>(*key);
                    memory(&keys, |_| 2 * size_of::<u64>(), call)
                }
            },
        }
    }
}

impl Plan {
    fn number_hits(&self, n_keys: u32, call: impl Fn(u64) -> u64) -> Result<Measurement> {
        for key in 0..u64::from(n_keys) {
            call(key);
        }
        let base = work::bodies();
        for key in 0..u64::from(n_keys) {
            ensure!(call(key) == work::answer(key), "wrong answer for {key}");
        }
        let visits = inputs::visits(n_keys, 1);
        let mut calls = Calls::new(&visits, |visit: &u32| {
            black_box(call(black_box(u64::from(*visit))));
        });
        let measurement = self.measure(|n_calls| calls.make(n_calls));
        found_everything(base)?;
        Ok(measurement)
    }

    fn hits<A, T: PartialEq>(
        &self,
        arguments: &[A],
        call: impl Fn(&A) -> T,
        body: impl Fn(&A) -> T,
    ) -> Result<Measurement> {
        let answers: Vec<T> = arguments.iter().map(body).collect();
        for argument in arguments {
            call(argument);
        }
        let base = work::bodies();
        for (argument, answer) in arguments.iter().zip(answers) {
            ensure!(call(argument) == answer, "wrong answer");
        }
        let visits = inputs::visits(arguments.len() as u32, 1);
        let visits: Vec<&A> = visits.iter().map(|visit| &arguments[*visit as usize]).collect();
        let mut calls = Calls::new(&visits, |argument: &&A| {
            black_box(call(black_box(argument)));
        });
        let measurement = self.measure(|n_calls| calls.make(n_calls));
        found_everything(base)?;
        Ok(measurement)
    }

    fn misses<C: Contestant>(&self) -> Result<Measurement> {
        let (base, mut keys) = (work::bodies(), 0..);
        let mut make = |n_calls: usize| {
            for key in keys.by_ref().take(n_calls) {
                black_box(C::number::<SMALL>(black_box(key)));
            }
        };
        make(5 * SMALL);
        let measurement = self.measure(&mut make);
        let n_calls = keys.next().expect("the range is open");
        ensure!(work::bodies() - base == n_calls, "a key that is new was found");
        Ok(measurement)
    }

    fn hits_on_threads<C: Contestant>(&self, n_keys: u32, n_threads: usize) -> Result<Measurement> {
        let (measurement, n_calls, n_bodies) = self.on_threads(n_threads, |thread_idx| {
            for key in 0..n_keys {
                C::number::<SMALL>(u64::from(key));
            }
            let visits = inputs::visits(n_keys, thread_idx);
            Calls::new(visits, |visit: &u32| {
                black_box(C::number::<SMALL>(black_box(u64::from(*visit))));
            })
        });
        ensure!(n_bodies == 0, "{n_bodies} of {n_calls} calls ran a body");
        Ok(measurement)
    }

    fn mixed<C: Contestant>(&self, n_threads: usize) -> Result<Measurement> {
        let n_keys = 1_000;
        let (measurement, n_calls, n_bodies) = self.on_threads(n_threads, |thread_idx| {
            for key in 0..n_keys {
                C::number::<SMALL>(u64::from(key));
            }
            let mut fresh = (thread_idx + 1) << 40;
            let visits = inputs::mixed_visits(n_keys, thread_idx);
            Calls::new(visits, move |visit: &u32| {
                let key = if *visit == inputs::FRESH {
                    fresh += 1;
                    fresh
                } else {
                    u64::from(*visit)
                };
                black_box(C::number::<SMALL>(black_box(key)));
            })
        });
        let share = n_bodies as f64 / n_calls as f64;
        ensure!((0.045..0.06).contains(&share), "{share} of all calls ran a body, not 0.05");
        Ok(Measurement { hit_rate: Some(1.0 - share), ..measurement })
    }

    fn zipf<C: Contestant>(&self, n_threads: usize) -> Result<Measurement> {
        let (measurement, n_calls, n_bodies) = self.on_threads(n_threads, |thread_idx| {
            let visits = inputs::zipf_visits(thread_idx);
            let (warm_up, visits) = visits.split_at(visits.len() / 2);
            for key in warm_up {
                C::number::<ZIPF>(u64::from(*key));
            }
            Calls::new(visits.to_vec(), |visit: &u32| {
                black_box(C::number::<ZIPF>(black_box(u64::from(*visit))));
            })
        });
        let hit_rate = 1.0 - n_bodies as f64 / n_calls as f64;
        Ok(Measurement { hit_rate: Some(hit_rate), ..measurement })
    }

    fn async_hits<C: Contestant>(&self, runtime: Runtime) -> Result<Measurement> {
        let n_keys = 1_000;
        let (runtime, n_tasks) = (build(runtime), n_workers(runtime));
        runtime.block_on(async {
            for key in 0..n_keys {
                C::number_async(key).await;
            }
        });
        let base = work::bodies();
        runtime.block_on(async {
            for key in 0..n_keys {
                ensure!(C::number_async(key).await == work::answer(key), "wrong answer for {key}");
            }
            Ok(())
        })?;
        let visits: &'static [u32] = inputs::visits(n_keys as u32, 1).leak();
        let measurement = self.measure(|n_calls| {
            runtime.block_on(async {
                if n_tasks == 1 {
                    return async_calls::<C>(visits, 0, n_calls).await;
                }
                let task =
                    |idx| tokio::spawn(async_calls::<C>(visits, 97 * idx, n_calls / n_tasks));
                let tasks: Vec<_> = (0..n_tasks).map(task).collect();
                for task in tasks {
                    task.await.expect("no call panics");
                }
            });
        });
        found_everything(base)?;
        Ok(measurement)
    }

    /// Times calls on this thread, and counts what they allocate.
    fn measure(&self, mut make: impl FnMut(usize)) -> Measurement {
        if let Some(n_calls) = self.n_counted {
            counted_calls(|| make(n_calls));
            return Measurement::default();
        }
        let heap = counter::count(|| make(N_COUNTED));
        let slices = time_slices(self.time, |n_calls| {
            let started = Instant::now();
            make(n_calls);
            (started.elapsed(), n_calls)
        });
        let allocations = heap.n_allocations as f64 / N_COUNTED as f64;
        Measurement { allocations: Some(allocations), ..Measurement::of(slices) }
    }

    /// Times calls on several threads at once, all of which prepare themselves first.
    ///
    /// Also returns the number of calls, and of the bodies that they ran.
    fn on_threads<V: AsRef<[u32]>, F: FnMut(&u32)>(
        &self,
        n_threads: usize,
        prepare: impl Fn(u64) -> Calls<V, F> + Sync,
    ) -> (Measurement, u64, u64) {
        let barrier = Barrier::new(n_threads);
        // How many calls each thread makes in the next slice; none at the end.
        let n_calls = AtomicUsize::new(0);
        let run = |thread_idx: usize| {
            let mut calls = prepare(thread_idx as u64);
            let base = work::bodies();
            let mut slice = |n: usize| {
                n_calls.store(n, Ordering::SeqCst);
                barrier.wait();
                let started = Instant::now();
                calls.make(n);
                barrier.wait();
                (started.elapsed(), n * n_threads)
            };
            let slices = if thread_idx == 0 {
                let slices = time_slices(self.time, &mut slice);
                n_calls.store(0, Ordering::SeqCst);
                barrier.wait();
                slices
            } else {
                loop {
                    barrier.wait();
                    match n_calls.load(Ordering::SeqCst) {
                        0 => break,
                        n => calls.make(n),
                    }
                    barrier.wait();
                }
                Vec::new()
            };
            (slices, calls.n_made, work::bodies() - base)
        };
        thread::scope(|scope| {
            let run = &run;
            let others: Vec<_> =
                (1..n_threads).map(|thread_idx| scope.spawn(move || run(thread_idx))).collect();
            let (slices, mut n_calls, mut n_bodies) = run(0);
            for thread in others {
                let (_, calls, bodies) = thread.join().expect("no call panics");
                n_calls += calls;
                n_bodies += bodies;
            }
            (Measurement::of(slices), n_calls, n_bodies)
        })
    }
}

impl Measurement {
    fn of(mut slices: Vec<f64>) -> Measurement {
        slices.sort_by(f64::total_cmp);
        let median = slices[slices.len() / 2];
        Measurement { median, least: slices[0], ..Measurement::default() }
    }
}

/// Calls for one argument after the other, from the first again after the last.
struct Calls<V, F> {
    arguments: V,
    next: usize,
    call: F,
    n_made: u64,
}

impl<V, F> Calls<V, F> {
    fn new<A>(arguments: V, call: F) -> Calls<V, F>
    where
        V: AsRef<[A]>,
        F: FnMut(&A),
    {
        Calls { arguments, next: 0, call, n_made: 0 }
    }

    fn make<A>(&mut self, n_calls: usize)
    where
        V: AsRef<[A]>,
        F: FnMut(&A),
    {
        let arguments = self.arguments.as_ref();
        let mut n_left = n_calls;
        while n_left > 0 {
            let end = arguments.len().min(self.next + n_left);
            // The inner loop is nothing but the calls.
            arguments[self.next..end].iter().for_each(&mut self.call);
            n_left -= end - self.next;
            self.next = end % arguments.len();
        }
        self.n_made += n_calls as u64;
    }
}

/// Calls for one key after the other, from the first again after the last.
async fn async_calls<C: Contestant>(visits: &[u32], first: usize, n_calls: usize) {
    for visit in visits.iter().cycle().skip(first).take(n_calls) {
        black_box(C::number_async(black_box(u64::from(*visit))).await);
    }
}

/// What callgrind counts the instructions of: it finds this function by its name.
#[inline(never)]
fn counted_calls(make: impl FnOnce()) {
    make();
    // So that the call above is no tail call, after which this function would have been left.
    black_box(());
}

/// Nanoseconds a call, of slices that share the time.
fn time_slices(time: Duration, mut slice: impl FnMut(usize) -> (Duration, usize)) -> Vec<f64> {
    let wanted = time / N_SLICES;
    let mut n_calls = 500;
    // The first slices warm up and find out how many calls fill a slice.
    loop {
        let (taken, _) = slice(n_calls);
        if taken >= wanted / 2 {
            break;
        }
        let factor = wanted.as_secs_f64() / taken.as_secs_f64().max(1e-9);
        n_calls = (n_calls as f64 * factor.clamp(1.5, 8.0)) as usize;
    }
    let nanoseconds =
        |(taken, n_calls): (Duration, usize)| taken.as_nanos() as f64 / n_calls as f64;
    (0..N_SLICES).map(|_| nanoseconds(slice(n_calls))).collect()
}

/// The bodies that ran for one cold key, and the time until all tasks have its result.
fn stampede<C: Contestant>(runtime: Runtime) -> Result<Measurement> {
    let runtime = build(runtime);
    let mut n_bodies = 0;
    let mut slices = Vec::new();
    // The first one warms up.
    for key in 0..=N_STAMPEDES {
        let base = work::bodies();
        let (taken, is_right) = runtime.block_on(async {
            let started = Instant::now();
            let tasks: Vec<_> = (0..N_TASKS).map(|_| tokio::spawn(C::slow(key))).collect();
            let mut is_right = true;
            for task in tasks {
                is_right &= task.await.expect("no call panics") == work::answer(key);
            }
            (started.elapsed(), is_right)
        });
        ensure!(is_right, "wrong answer for {key}");
        if key > 0 {
            n_bodies = n_bodies.max(work::bodies() - base);
            slices.push(taken.as_secs_f64() * 1e3);
        }
    }
    Ok(Measurement { bodies: Some(n_bodies as f64), ..Measurement::of(slices) })
}

/// The time of an emit for one user, who has one entry, while another one has so many.
fn emits<C: Contestant>(n_entries: u32) -> Result<Measurement> {
    const ONE: u64 = 7;
    const OTHER: u64 = 8;
    let keys = 0..u64::from(n_entries);
    for key in keys.clone() {
        C::of_user(OTHER, key);
    }
    let mut slices = Vec::new();
    for _ in 0..N_EMIT_SLICES {
        let (mut taken, base) = (Duration::ZERO, work::bodies());
        for _ in 0..N_EMITS {
            C::of_user(ONE, 0);
            let started = Instant::now();
            C::emit(ONE);
            taken += started.elapsed();
        }
        ensure!(work::bodies() - base == N_EMITS as u64, "an emit dropped nothing");
        slices.push(taken.as_secs_f64() * 1e9 / N_EMITS as f64);
        let base = work::bodies();
        keys.clone().for_each(|key| _ = C::of_user(OTHER, key));
        ensure!(work::bodies() == base, "an emit dropped what does not depend on its event");
    }
    Ok(Measurement::of(slices))
}

/// The bytes that an entry takes beyond its key and its value.
fn memory<A>(
    arguments: &[A],
    payload: impl Fn(&A) -> usize,
    call: impl Fn(&A),
) -> Result<Measurement> {
    let heap = counter::count(|| arguments.iter().for_each(&call));
    let base = work::bodies();
    // The youngest first: what misses evicts the oldest.
    arguments.iter().rev().for_each(&call);
    let n_resident = arguments.len() as u64 - (work::bodies() - base);
    ensure!(n_resident > arguments.len() as u64 / 10 * 9, "only {n_resident} entries are held");
    let payload: usize = arguments.iter().map(payload).sum();
    let payload = payload as f64 / arguments.len() as f64;
    Ok(Measurement::of(vec![heap.bytes as f64 / n_resident as f64 - payload]))
}

fn found_everything(base: u64) -> Result<()> {
    let n_bodies = work::bodies() - base;
    ensure!(n_bodies == 0, "{n_bodies} calls ran a body where all should have found a result");
    Ok(())
}

fn build(runtime: Runtime) -> runtime::Runtime {
    let mut builder = match runtime {
        Runtime::CurrentThread => runtime::Builder::new_current_thread(),
        Runtime::TwoWorkers => runtime::Builder::new_multi_thread(),
    };
    if runtime == Runtime::TwoWorkers {
        builder.worker_threads(2);
    }
    builder.enable_time().build().expect("threads can be started")
}

fn n_workers(runtime: Runtime) -> usize {
    match runtime {
        Runtime::CurrentThread => 1,
        Runtime::TwoWorkers => 2,
    }
}
