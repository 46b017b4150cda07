//! Calls that their loads may do without: reloads in the background, and callers whose patience is limited.
//!
//! Such a load owns its arguments, so that it can be done elsewhere, see [`executor`](crate::executor).
//! A caller with limited patience waits for its own call, made elsewhere: to lead, to follow and to be left to others
//! is there what it always is.

use std::ffi::{CStr, OsStr};
use std::future::{Future, poll_fn};
use std::panic::resume_unwind;
use std::path::Path;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::call::{Miss, Reload};
use crate::context;
use crate::error::TimedOut;
use crate::executor::{self, Place, block_on};
use crate::lead::{OwnedBody, Terms};
use crate::stats::AnyTime;
use crate::timer::sleep_until;

/// A body that can be run without its caller.
pub struct Work<R> {
    body: OwnedBody<R>,
    place: Place,
}

impl<R> Work<R> {
    /// A sync body, which may block the thread that runs it.
    pub fn blocking(body: impl FnOnce() -> (R, Terms) + Send + 'static) -> Self {
        Self { body: Box::pin(async move { body() }), place: Place::Thread }
    }

    /// An async body, which may need the runtime of its caller.
    pub fn spawned(body: impl Future<Output = (R, Terms)> + Send + 'static) -> Self {
        Self { body: Box::pin(body), place: Place::Runtime }
    }
}

/// What a load can own of an argument that is a reference.
#[diagnostic::on_unimplemented(
    message = "a load that runs without its caller cannot own a `{Self}`",
    label = "the load copies what this refers to, so that must be `Clone + Send + 'static`",
    note = "derive `Clone` for it, or take an `Arc` of it"
)]
pub trait Lend {
    /// A copy.
    fn own(&self) -> Box<Self>;
}

// Without this the compiler would report the missing `Clone` and its advice instead of ours.
#[diagnostic::do_not_recommend]
impl<T: Clone + Send + 'static> Lend for T {
    fn own(&self) -> Box<T> {
        Box::new(self.clone())
    }
}

impl<T: Clone + Send + 'static> Lend for [T] {
    fn own(&self) -> Box<[T]> {
        self.into()
    }
}

macro_rules! lend {
    ($($borrowed:ty),+) => {$(
        impl Lend for $borrowed {
            fn own(&self) -> Box<$borrowed> {
                self.into()
            }
        }
    )+};
}

lend!(str, Path, OsStr, CStr);

/// What a load can take of an argument that is none.
#[diagnostic::on_unimplemented(
    message = "a load that runs without its caller cannot take a `{Self}` along",
    label = "the load may run on another thread, so this must be `Send + 'static`",
    note = "take an `Arc` in place of an `Rc`, and owned values in place of borrowed ones"
)]
pub trait Take: Sized {
    /// The argument.
    fn take(self) -> Self {
        self
    }
}

// As above.
#[diagnostic::do_not_recommend]
impl<T: Send + 'static> Take for T {}

/// What a caller gets whose patience is over.
type Late<R> = fn(TimedOut) -> R;

/// How long a caller waits.
pub struct Patience<R> {
    function: &'static str,
    timeout: Option<(Duration, Late<R>)>,
    soft_timeout: Option<Duration>,
}

impl<R> Patience<R> {
    /// For ever.
    #[must_use]
    pub fn new(function: &'static str) -> Self {
        Self { function, timeout: None, soft_timeout: None }
    }

    /// `timeout = DUR`.
    #[must_use]
    pub fn timeout(mut self, limit: Duration, late: Late<R>) -> Self {
        self.timeout = Some((limit, late));
        self
    }

    /// `soft_timeout = DUR`.
    #[must_use]
    pub fn soft_timeout(mut self, limit: Duration) -> Self {
        self.soft_timeout = Some(limit);
        self
    }
}

/// A result that can say that a call has taken too long.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot say that a call has taken too long",
    label = "with `timeout`, this must be a `Result` whose error can be made from `cache_core::TimedOut`",
    note = "return `Result<_, cache_core::TimedOut>`, or implement `From<cache_core::TimedOut>` for the error"
)]
pub trait FromTimeout {
    /// The result.
    fn from_timeout(timed_out: TimedOut) -> Self;
}

impl<T, E: From<TimedOut>> FromTimeout for Result<T, E> {
    fn from_timeout(timed_out: TimedOut) -> Self {
        Err(timed_out.into())
    }
}

impl<R: Send + 'static> Reload<R> {
    /// Reloads in the background, unless as many results are being reloaded as may be.
    pub fn start(self, work: Work<R>) {
        let Some(cache) = self.cache().cloned() else { return };
        let Some(entered) = cache.background.begin_reload(work.place) else { return };
        let id = entered.id;
        let reload = async move {
            let _entered = entered;
            self.run(work.body).await;
        };
        let task = executor::start(work.place, context::in_cache(cache.clone(), reload));
        cache.background.keep(id, task);
    }
}

impl<R: Send + 'static> Miss<R> {
    /// Loads as [`Miss::load_apart`] does, and waits on this thread.
    pub fn load_apart_sync(self, work: Work<R>, patience: Patience<R>) -> R {
        block_on(self.load_apart(work, patience))
    }

    /// Runs a body, or waits for whoever runs it, as long as there is patience.
    ///
    /// # Panics
    ///
    /// With the panic of the body, and if the runtime that was to run it is gone.
    pub async fn load_apart(self, work: Work<R>, patience: Patience<R>) -> R {
        let (plan, spare, key) = (self.plan(), self.spare(), self.key());
        let Patience { function, timeout, soft_timeout } = patience;
        let soft_timeout = soft_timeout.filter(|_| spare.is_some());
        if soft_timeout.is_none() && timeout.is_none() {
            return self.load_left(work.body).await;
        }
        let cache = context::current_cache();
        let begun = cache.clock.now();
        let serve_spare = || spare.as_ref()?.serve(&cache, key.as_ref()?.borrow(), plan);
        let entered = cache.background.begin(work.place);
        let id = entered.id;
        let load = async move {
            let _entered = entered;
            self.load_left(work.body).await
        };
        let mut load = executor::start(work.place, context::in_current_load(load));
        let mut limits = soft_timeout.into_iter().chain(timeout.map(|(limit, _)| limit));
        let mut limit = limits.next();
        let end = loop {
            let Some(patience) = limit else { break (&mut load).await };
            let time_is_up = sleep_until(&cache.clock, begun.after(patience));
            if let Some(end) = race(&mut load, time_is_up).await {
                break end;
            }
            if let Some(out) = serve_spare() {
                cache.background.keep(id, load);
                return out;
            }
            limit = limits.next();
            if limit.is_none()
                && let Some((limit, late)) = timeout
            {
                cache.background.keep(id, load);
                if let Some(key) = &key {
                    key.state.counters.add(AnyTime::Timeouts, 1);
                }
                return late(TimedOut::new(function, limit));
            }
        };
        match end {
            Some(Ok(out)) => out,
            Some(Err(panic)) => resume_unwind(panic),
            None => panic!("the runtime was shut down that was to run `{function}`"),
        }
    }
}

/// What a future comes to, unless another one is ready first.
async fn race<F: Future + Unpin>(
    one: &mut F,
    other: impl Future<Output = ()>,
) -> Option<F::Output> {
    let mut other = pin!(other);
    poll_fn(|cx| match Pin::new(&mut *one).poll(cx) {
        Poll::Ready(out) => Poll::Ready(Some(out)),
        Poll::Pending => other.as_mut().poll(cx).map(|()| None),
    })
    .await
}
