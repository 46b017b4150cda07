//! What travels with a thread of control: a test's cache, a forced mode, the request that is answered, and the loads
//! around it.
//!
//! A thread keeps it while a scope is entered, a future while it is polled.
//! A hit in a program without tests pays two loads for all of it: of a counter that stays zero, and of the thread's mark
//! that it computes a load.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::cache::{self, Inner};
use crate::event::Family;
use crate::events::Events;
use crate::flight::Flight;
use crate::function::Function;
use crate::outer::Errand;
use crate::sources::Sources;
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
    /// Scopes of the process that make a call look at its thread. Loads do not count: each thread marks its own.
    static N_SCOPES: AtomicUsize = AtomicUsize::new(0);
}

thread_local! {
    static CACHE: RefCell<Option<Ref<Inner>>> = const { RefCell::new(None) };
    /// The function whose next call is forced, and how.
    static FORCED: Cell<Option<(usize, Mode)>> = const { Cell::new(None) };
    /// The endpoint of the request that this thread is answering.
    static ENDPOINT: Cell<Option<Family>> = const { Cell::new(None) };
    /// The loads that this thread is computing, each around the next.
    static LOADS: RefCell<Vec<Around>> = const { RefCell::new(Vec::new()) };
    /// What makes the next call on this thread a special one.
    static MARKS: Cell<u8> = const { Cell::new(0) };
}

/// The innermost load depends on the calls in it.
const DEPENDS: u8 = 1;
/// The next call is to be timed.
const TIMED: u8 = 2;

fn has_mark(mark: u8) -> bool {
    MARKS.with(Cell::get) & mark != 0
}

/// Whether nothing is special about a call: no thread of the process is in a scope, so that it goes to the global cache
/// and is not forced, no load depends on it, and it is not timed.
#[inline]
pub(crate) fn is_plain() -> bool {
    N_SCOPES.load(Ordering::Relaxed) == 0 && MARKS.with(Cell::get) == 0
}

/// Has the next call on this thread be timed.
#[cold]
pub(crate) fn time_next_call() {
    MARKS.with(|marks| marks.set(marks.get() | TIMED));
}

/// Whether this call is the one to be timed.
pub(crate) fn takes_time() -> bool {
    let is_timed = has_mark(TIMED);
    MARKS.with(|marks| marks.set(marks.get() & !TIMED));
    is_timed
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
#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) id: LoadId,
    pub(crate) cache: Ref<Inner>,
    /// Of its key.
    pub(crate) hash: u64,
    /// Whether its result depends on the calls in it.
    pub(crate) inherits: bool,
    /// Its frame. That of a sync load is made when a call within it asks for it, which few do.
    pub(crate) frame: Option<Arc<Frame>>,
    /// What others wait for, if this is known here.
    pub(crate) flight: Option<Arc<Flight>>,
    /// The endpoint of the request that began it.
    pub(crate) endpoint: Option<Family>,
    /// Whether what runs within it is the body of a function that passes the cache by, whose result is not that of the
    /// load.
    pub(crate) is_bypassed: bool,
    /// What the outer tiers were asked for it.
    pub(crate) errand: Option<Arc<dyn Errand>>,
    /// Whether it was begun to compare its result with a stored one.
    pub(crate) verifies: bool,
}

impl Around {
    fn sources(&mut self) -> Option<Arc<Sources>> {
        if self.flight.is_none() {
            self.flight = self.cache.memory.flight(self.hash, self.id);
        }
        // A load that has ended depends on nothing any more.
        self.flight.as_ref().map(|flight| Arc::clone(flight.sources()))
    }
}

/// The endpoint of the request that is being answered, if there is one.
pub(crate) fn endpoint() -> Option<Family> {
    ENDPOINT.with(Cell::get)
}

/// The innermost load that this thread is computing.
pub(crate) fn load() -> Option<LoadId> {
    LOADS.try_with(|loads| loads.borrow().last().map(|load| load.id)).ok().flatten()
}

/// The innermost load that this thread is computing, with those around it.
pub(crate) fn frame() -> Option<Arc<Frame>> {
    fn of_last(loads: &mut [Around]) -> Option<Arc<Frame>> {
        let (last, around) = loads.split_last_mut()?;
        let (id, frame) = (last.id, &mut last.frame);
        Some(Arc::clone(
            frame.get_or_insert_with(|| Arc::new(Frame { id, parent: of_last(around) })),
        ))
    }
    LOADS.try_with(|loads| of_last(&mut loads.borrow_mut())).ok().flatten()
}

/// Runs `work` with the innermost load that this thread is computing.
fn innermost<R>(work: impl FnOnce(&mut Around) -> Option<R>) -> Option<R> {
    LOADS.try_with(|loads| work(loads.borrow_mut().last_mut()?)).ok().flatten()
}

/// What the load around a call of `cache` is computed from, if there is one that depends on it.
///
/// Caches do not depend on each other: a body that enters a test's cache is on its own there.
pub(crate) fn sources_around(cache: &Inner) -> Option<Arc<Sources>> {
    if !has_mark(DEPENDS) {
        return None;
    }
    innermost(|load| std::ptr::eq(&*load.cache, cache).then(|| load.sources()).flatten())
}

/// What the innermost load is computed from, whether it depends on the calls in it or not, and the events of its cache.
pub(crate) fn own_sources() -> Option<(Arc<Events>, Arc<Sources>)> {
    innermost(|load| Some((Arc::clone(&load.cache.events), load.sources()?)))
}

/// The innermost load that this thread is computing, with what could not be found elsewhere: its flight.
pub(crate) fn current_load() -> Option<Around> {
    drop(own_sources());
    innermost(|load| Some(load.clone()))
}

/// Whether a load that this thread is computing was begun to compare its result. Calls within it are not compared, for
/// each call of a function that calls itself would begin others.
pub(crate) fn is_verifying() -> bool {
    LOADS.try_with(|loads| loads.borrow().iter().any(|load| load.verifies)).unwrap_or(true)
}

/// What others wait for of the innermost load, which others may now find as well.
pub(crate) fn own_flight() -> Option<Arc<Flight>> {
    innermost(|load| load.sources().and(load.flight.clone()))
}

/// What the innermost load is computed from, if it is known to be computed from anything.
pub(crate) fn known_sources() -> Option<Arc<Sources>> {
    innermost(|load| load.flight.as_ref()?.known_sources().cloned())
}

/// The result of the innermost load, if an outer tier had it: then its body is not to run.
pub fn recalled<R: 'static>() -> Option<R> {
    let errand = innermost(|load| load.errand.clone())?;
    let mut out = None;
    errand.answer()?.restore(&mut out);
    out
}

/// Whether the innermost load need not run its body.
pub(crate) fn is_recalled() -> bool {
    innermost(|load| load.errand.as_ref()?.answer().map(drop)).is_some()
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

/// The thread answers a request until this is dropped, or none.
struct EndpointScope(Option<Family>);

impl EndpointScope {
    fn enter(endpoint: Option<Family>) -> Self {
        Self(ENDPOINT.with(|current| current.replace(endpoint)))
    }
}

impl Drop for EndpointScope {
    fn drop(&mut self) {
        ENDPOINT.with(|current| current.set(self.0));
    }
}

/// Runs `work` as a part of the answer to a request.
pub(crate) fn in_endpoint<R>(endpoint: Family, work: impl FnOnce() -> R) -> R {
    let _scope = EndpointScope::enter(Some(endpoint));
    work()
}

/// Polls `future` as the answer to a request.
pub(crate) fn with_endpoint<F: Future>(
    endpoint: Family,
    future: F,
) -> impl Future<Output = F::Output> {
    Scoped { future: Box::pin(future), enter: move || EndpointScope::enter(Some(endpoint)) }
}

/// The thread computes a load until this is dropped.
pub(crate) struct LoadScope {
    /// The marks of the thread before.
    marks: u8,
    // Whoever polls a load, it belongs to the request that began it.
    _endpoint: EndpointScope,
}

impl LoadScope {
    /// The load is within the one that the thread is computing, unless its frame says otherwise.
    pub(crate) fn enter(load: Around) -> Self {
        let marks = MARKS.with(|marks| marks.replace(if load.inherits { DEPENDS } else { 0 }));
        let endpoint = EndpointScope::enter(load.endpoint);
        // A thread that is ending keeps nothing.
        let _ = LOADS.try_with(|loads| loads.borrow_mut().push(load));
        Self { marks, _endpoint: endpoint }
    }

    /// The load around goes on, if there is one, but what is said of a result is not said of its own.
    pub(crate) fn enter_bypassed() -> Option<Self> {
        current_load().map(|load| Self::enter(Around { is_bypassed: true, ..load }))
    }
}

/// Runs the body of a function that passes the cache by.
pub(crate) fn bypass<R>(body: impl FnOnce() -> R) -> R {
    let _scope = LoadScope::enter_bypassed();
    body()
}

/// Polls the body of a function that passes the cache by.
pub(crate) fn bypass_async<F: Future + ?Sized>(
    body: Pin<Box<F>>,
) -> impl Future<Output = F::Output> {
    Scoped { future: body, enter: LoadScope::enter_bypassed }
}

impl Drop for LoadScope {
    fn drop(&mut self) {
        MARKS.with(|marks| marks.set(self.marks));
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
struct Scoped<F: ?Sized, E> {
    future: Pin<Box<F>>,
    enter: E,
}

impl<F: ?Sized, E> Unpin for Scoped<F, E> {}

impl<F: Future + ?Sized, S, E: FnMut() -> S> Future for Scoped<F, E> {
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

/// Polls `future` with a cache, on whatever threads that happens, and without what is around now.
pub(crate) fn in_cache<F: Future>(cache: Ref<Inner>, future: F) -> impl Future<Output = F::Output> {
    Scoped { future: Box::pin(future), enter: move || CacheScope::inherit(&cache) }
}

/// What a piece of work that is done elsewhere takes along: the innermost load, the request, and the cache.
struct Attached {
    load: Option<Around>,
    endpoint: Option<Family>,
    cache: Ref<Inner>,
}

impl Attached {
    fn new() -> Self {
        // The other thread could not find its frame, either.
        drop(frame());
        Self { load: current_load(), endpoint: endpoint(), cache: current_cache() }
    }

    fn enter(&self) -> (Option<LoadScope>, EndpointScope, Option<CacheScope>) {
        let endpoint = EndpointScope::enter(self.endpoint);
        // In this order they are left.
        (self.load.clone().map(LoadScope::enter), endpoint, CacheScope::inherit(&self.cache))
    }
}

/// Has work that is done elsewhere count for the cached call around: a task that it spawns, for example.
///
/// A cached function depends on the cached functions that it calls, so that what invalidates their results invalidates
/// its own. That goes by thread and by task; a task of its own is told with this function. It also uses the private
/// cache of a test that the caller is in, and is a part of the answer to the same request. What the task calls after the function has returned counts for nothing.
///
/// ```text
/// #[cached(ttl = 5m)]
/// async fn rate(currency: String) -> f64 { … }
///
/// #[cached]
/// async fn rates() -> Vec<f64> {
///     let tasks = ["USD", "CHF"].map(|currency| {
///         tokio::spawn(in_current_load(rate(currency.to_owned())))
///     });
///     let mut rates = Vec::new();
///     for task in tasks {
///         rates.push(task.await.expect("no panic"));
///     }
///     rates // lives for five minutes, like each of them
/// }
/// ```
pub fn in_current_load<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let attached = Attached::new();
    Scoped { future: Box::pin(work), enter: move || attached.enter() }
}

/// Has a closure that is called elsewhere count for the cached call around, as [`in_current_load`] has a future.
///
/// ```
/// # use cache_core::{cached, in_current_load_sync};
/// #[cached(ttl = 5m)]
/// fn area(width: u32) -> u32 {
///     width * width
/// }
///
/// #[cached]
/// fn areas() -> Vec<u32> {
///     std::thread::scope(|scope| {
///         let threads = [2, 3].map(|width| scope.spawn(in_current_load_sync(move || area(width))));
///         threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
///     })
/// }
/// # assert_eq!(areas(), [4, 9]);
/// ```
pub fn in_current_load_sync<R>(work: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let attached = Attached::new();
    move || {
        let _scope = attached.enter();
        work()
    }
}
