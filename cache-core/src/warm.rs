//! Filling the cache ahead of the calls: many calls, a bounded number at a time.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use crate::context::{self, CacheScope};
use crate::sync::Mutex;

/// How far the warming of a function has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Calls that have returned.
    pub done: usize,
    /// All calls, where the iterator knows how many there are.
    pub total: Option<usize>,
}

/// How many async calls run at a time by default: they wait more than they compute.
const N_TASKS: usize = 16;

struct Options<'a> {
    parallelism: usize,
    on_progress: Box<dyn FnMut(Progress) + Send + 'a>,
    total: Option<usize>,
}

impl Options<'_> {
    fn new(calls: &impl Iterator, parallelism: usize) -> Self {
        let (least, most) = calls.size_hint();
        Self {
            parallelism,
            on_progress: Box::new(|_| {}),
            total: most.filter(|most| *most == least),
        }
    }

    fn report(&mut self, done: usize) {
        (self.on_progress)(Progress { done, total: self.total });
    }
}

macro_rules! options {
    ($warm:ident) => {
        impl<'a, I: Iterator> $warm<'a, I> {
            /// How many calls run at a time: by default one a core for a sync function and 16 for an async one; at least one.
            pub fn parallelism(mut self, n: usize) -> Self {
                self.options.parallelism = n.max(1);
                self
            }

            /// Has `report` called after each call that returns.
            pub fn on_progress(mut self, report: impl FnMut(Progress) + Send + 'a) -> Self {
                self.options.on_progress = Box::new(report);
                self
            }
        }

        impl<I: Iterator> std::fmt::Debug for $warm<'_, I> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($warm))
                    .field("parallelism", &self.options.parallelism)
                    .finish_non_exhaustive()
            }
        }
    };
}

/// Calls of a sync function that fill the cache: see the `warm` of its handle.
///
/// ```
/// use cache_core::cached;
///
/// #[cached]
/// fn area(width: u64, height: u64) -> u64 {
///     width * height
/// }
///
/// let n_calls = area::warm((1..=100).map(|n| (n, n))).parallelism(2).on_progress(|progress| {
///     println!("{} of {:?}", progress.done, progress.total);
/// }).run();
/// assert_eq!(n_calls, 100);
/// assert_eq!(area::stats().entries, 100);
/// ```
#[must_use = "nothing is called before `run`"]
pub struct Warm<'a, I: Iterator> {
    arguments: I,
    call: fn(I::Item),
    options: Options<'a>,
}

/// Calls of an async function that fill the cache: see the `warm` of its handle.
#[must_use = "nothing is called before `run`"]
pub struct WarmAsync<'a, I> {
    calls: I,
    options: Options<'a>,
}

options!(Warm);
options!(WarmAsync);

impl<I: Iterator + Send> Warm<'_, I> {
    /// `call` is to be made for each of the arguments.
    #[doc(hidden)]
    pub fn new(arguments: impl IntoIterator<IntoIter = I>, call: fn(I::Item)) -> Self {
        let n_cores = thread::available_parallelism().map_or(1, usize::from);
        let arguments = arguments.into_iter();
        Self { options: Options::new(&arguments, n_cores), arguments, call }
    }

    /// Makes the calls, and says how many have returned.
    ///
    /// # Panics
    ///
    /// If a call panics, after the others have returned.
    pub fn run(mut self) -> usize {
        let cache = context::current_cache();
        // Workers take turns at the caller's iterator; no lock of the cache is involved.
        let arguments = Mutex::new(self.arguments.fuse());
        let next = || arguments.lock().next();
        let call = self.call;
        let (sender, returned) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..self.options.parallelism {
                let (sender, next, cache) = (sender.clone(), &next, &cache);
                scope.spawn(move || {
                    let _scope = CacheScope::inherit(cache);
                    while let Some(arguments) = next() {
                        call(arguments);
                        // The receiver outlives the workers.
                        let _ = sender.send(());
                    }
                });
            }
            drop(sender);
            let mut done = 0;
            for () in returned {
                done += 1;
                self.options.report(done);
            }
            done
        })
    }
}

impl<I> WarmAsync<'_, I>
where
    I: Iterator<Item: Future<Output = ()>>,
{
    /// Calls to be made.
    #[doc(hidden)]
    pub fn new(calls: I) -> Self {
        Self { options: Options::new(&calls, N_TASKS), calls }
    }

    /// Makes the calls, and says how many have returned.
    pub async fn run(mut self) -> usize {
        let mut running: Vec<Pin<Box<I::Item>>> = Vec::new();
        let mut done = 0;
        poll_fn(|cx| {
            loop {
                while running.len() < self.options.parallelism
                    && let Some(call) = self.calls.next()
                {
                    running.push(Box::pin(call));
                }
                if running.is_empty() {
                    return Poll::Ready(done);
                }
                let n_running = running.len();
                running.retain_mut(|call| call.as_mut().poll(cx).is_pending());
                if running.len() == n_running {
                    return Poll::Pending;
                }
                for _ in running.len()..n_running {
                    done += 1;
                    self.options.report(done);
                }
            }
        })
        .await
    }
}

/// The calls that tuples of arguments stand for.
pub fn map<I: IntoIterator, T>(
    arguments: I,
    call: impl Fn(I::Item) -> T,
) -> impl Iterator<Item = T> {
    arguments.into_iter().map(call)
}
