//! What travels with a thread of control: a test's cache, a forced mode, and the loads around it.
//!
//! A thread keeps it while a scope is entered, a future while it is polled.
//! A hit in a program without tests pays one load for all of it, of a counter that stays zero.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::cache::{self, Inner};
use crate::function::Function;
use crate::sync::thread::LocalKey;
use crate::sync::{Arc, AtomicUsize, Ordering, Ref, shared, thread_local};
use crate::waits::{Frame, LoadId};

/// How a call is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// From the cache, if it can.
    Normal,
    /// By its body, and stored.
    Refresh,
    /// By its body, and nothing is touched.
    Uncached,
}

shared! {
    /// Scopes of the process that make a call look at its thread. Frames do not count: only misses ask for them.
    static N_SCOPES: AtomicUsize = AtomicUsize::new(0);
}

thread_local! {
    static CACHE: RefCell<Option<Ref<Inner>>> = const { RefCell::new(None) };
    /// The function whose next call is forced, and how.
    static FORCED: Cell<Option<(usize, Mode)>> = const { Cell::new(None) };
    /// The loads that this thread is computing, each around the next.
    static LOADS: RefCell<Vec<Link>> = const { RefCell::new(Vec::new()) };
}

/// Whether no thread of the process is in a scope: calls go to the global cache then, and none is forced.
#[inline]
pub(crate) fn is_plain() -> bool {
    N_SCOPES.load(Ordering::Relaxed) == 0
}

/// The cache and the mode of a call that starts now.
pub(crate) fn of_call(function: &'static Function) -> (Ref<Inner>, Mode) {
    if is_plain() {
        return (Ref::Global(cache::global()), Mode::Normal);
    }
    (current_cache(), take_forced(function))
}

/// The cache of this thread: a test's own if one is entered, else the global one.
pub(crate) fn current_cache() -> Ref<Inner> {
    get(&CACHE).unwrap_or_else(|| Ref::Global(cache::global()))
}

/// A load that a thread is computing.
struct Link {
    id: LoadId,
    /// Its frame. That of a sync load is made when a call within it asks for it, which few do.
    frame: Option<Arc<Frame>>,
}

/// The innermost load that this thread is computing.
pub(crate) fn load() -> Option<LoadId> {
    LOADS.try_with(|loads| loads.borrow().last().map(|load| load.id)).ok().flatten()
}

/// The innermost load that this thread is computing, with those around it.
pub(crate) fn frame() -> Option<Arc<Frame>> {
    fn of_last(loads: &mut [Link]) -> Option<Arc<Frame>> {
        let (last, around) = loads.split_last_mut()?;
        let (id, frame) = (last.id, &mut last.frame);
        Some(Arc::clone(
            frame.get_or_insert_with(|| Arc::new(Frame { id, parent: of_last(around) })),
        ))
    }
    LOADS.try_with(|loads| of_last(&mut loads.borrow_mut())).ok().flatten()
}

#[cold]
fn take_forced(function: &'static Function) -> Mode {
    let forced = FORCED.try_with(|forced| {
        let (address, mode) = forced.get()?;
        (address == std::ptr::from_ref(function).addr()).then(|| {
            forced.set(None);
            mode
        })
    });
    forced.ok().flatten().unwrap_or(Mode::Normal)
}

/// A copy of what a thread keeps. A thread that is ending keeps nothing.
fn get<T: Clone>(key: &'static LocalKey<RefCell<Option<T>>>) -> Option<T> {
    key.try_with(|kept| kept.borrow().clone()).ok().flatten()
}

/// Puts a value on this thread until dropped.
struct Kept<T: 'static> {
    key: &'static LocalKey<RefCell<Option<T>>>,
    previous: Option<T>,
}

impl<T> Kept<T> {
    fn enter(key: &'static LocalKey<RefCell<Option<T>>>, value: Option<T>) -> Self {
        Self { key, previous: key.try_with(|kept| kept.replace(value)).ok().flatten() }
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        let previous = self.previous.take();
        drop(self.key.try_with(|kept| kept.replace(previous)));
    }
}

/// The thread computes a load until this is dropped.
pub(crate) struct LoadScope;

impl LoadScope {
    /// The load is within the one that the thread is computing, unless its frame says otherwise.
    pub(crate) fn enter(id: LoadId, frame: Option<&Arc<Frame>>) -> Self {
        let link = Link { id, frame: frame.cloned() };
        // A thread that is ending keeps nothing.
        let _ = LOADS.try_with(|loads| loads.borrow_mut().push(link));
        Self
    }
}

impl Drop for LoadScope {
    fn drop(&mut self) {
        let ended = LOADS.try_with(|loads| loads.borrow_mut().pop());
        // After the borrow has ended.
        drop(ended);
    }
}

/// Counts one scope for as long as it exists.
struct Counted;

impl Counted {
    fn new() -> Self {
        N_SCOPES.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        N_SCOPES.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Calls on this thread use another cache until this is dropped.
pub(crate) struct CacheScope {
    // In this order: the thread's cache is put back before the scope stops counting.
    _kept: Kept<Ref<Inner>>,
    _counted: Counted,
}

impl CacheScope {
    pub(crate) fn enter(cache: &Ref<Inner>) -> Self {
        let counted = Counted::new();
        Self { _kept: Kept::enter(&CACHE, Some(cache.clone())), _counted: counted }
    }

    /// Hands a cache on to another thread, which has the global one anyway.
    pub(crate) fn inherit(cache: &Ref<Inner>) -> Option<Self> {
        matches!(cache, Ref::Shared(_)).then(|| Self::enter(cache))
    }
}

/// The next call of one function on this thread is forced until this is dropped.
#[must_use = "the call is forced while this exists"]
pub struct ForcedScope {
    previous: Option<(usize, Mode)>,
    _counted: Counted,
}

impl ForcedScope {
    pub(crate) fn enter(function: &'static Function, mode: Mode) -> Self {
        let counted = Counted::new();
        let forced = Some((std::ptr::from_ref(function).addr(), mode));
        Self {
            previous: FORCED.try_with(|it| it.replace(forced)).ok().flatten(),
            _counted: counted,
        }
    }
}

impl Drop for ForcedScope {
    fn drop(&mut self) {
        let _ = FORCED.try_with(|forced| forced.set(self.previous));
    }
}

/// A future that is polled in a scope of its own.
struct Scoped<F, E> {
    future: Pin<Box<F>>,
    enter: E,
}

impl<F, E> Unpin for Scoped<F, E> {}

impl<F: Future, S, E: FnMut() -> S> Future for Scoped<F, E> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _scope = (self.enter)();
        self.future.as_mut().poll(cx)
    }
}

/// Polls `call`, whose first call of `function`, made when it is first polled, is forced.
pub(crate) fn force_async<F: Future>(
    function: &'static Function,
    mode: Mode,
    call: F,
) -> impl Future<Output = F::Output> {
    let mut is_first = true;
    let enter = move || std::mem::take(&mut is_first).then(|| ForcedScope::enter(function, mode));
    Scoped { future: Box::pin(call), enter }
}

/// Polls `future` with another cache.
pub(crate) fn with_cache<F: Future>(
    cache: Ref<Inner>,
    future: F,
) -> impl Future<Output = F::Output> {
    Scoped { future: Box::pin(future), enter: move || CacheScope::enter(&cache) }
}
