//! Saying that something has happened.

use crate::cache::Inner;
use crate::context;
use crate::event::{Event, EventPart, Family};
use crate::events::{Change, Named};
use crate::outcome::{Kind, Verdict};
use crate::sync::Ref;

/// Emits an event: when this returns, no later call is served what depends on it and was computed before.
///
/// That holds for what is stored, and for what is being computed now: its callers get the result, it is not stored, and
/// calls that begin from now on do not wait for it. It takes the same time however many results go, and nobody waits.
///
/// It acts on the cache that calls on this thread use: the global one, or that of the test around.
///
/// ```
/// use cache_core::{cached, emit};
///
/// #[cached(invalidate_on = [("user", id)])]
/// fn greeting(id: u64) -> String {
///     format!("Hello, user {id}")
/// }
///
/// greeting(7);
/// emit(("user", 7));
/// assert_eq!(greeting::peek(&7), None);
/// ```
pub fn emit<E: Event>(event: E) {
    context::current_cache().emit(&event, Change::Hard);
}

/// Emits an event that leaves stale what depends on it: when this returns, all of that has expired.
///
/// Functions with `stale` serve it a while longer, in need or while it is reloaded; others compute anew. As after
/// [`emit`], what is being computed now is not stored.
///
/// ```
/// use cache_core::{cached, emit_soft, testing::TestCache};
///
/// #[cached(stale = 10m, invalidate_on = ["prices"])]
/// fn price(article: u32) -> u32 {
///     article * 100
/// }
///
/// let cache = TestCache::new();
/// cache.run(|| {
///     price(7);
///     emit_soft("prices");
///     assert_eq!(price(7), 700, "at once, and it is reloaded in the background");
///     cache.run_background();
///     cache.function("price").hits(1).loads(2);
/// });
/// ```
pub fn emit_soft<E: Event>(event: E) {
    context::current_cache().emit(&event, Change::Soft);
}

/// Emits all events of a type at once, as [`emit`] does one.
///
/// All texts and tuples are one type in this.
///
/// ```
/// use cache_core::{Event, cached, emit_all};
///
/// #[derive(Event)]
/// struct UserUpdated {
///     id: u64,
/// }
///
/// #[cached(invalidate_on = [UserUpdated { id }])]
/// fn greeting(id: u64) -> String {
///     format!("Hello, user {id}")
/// }
///
/// greeting(7);
/// greeting(8);
/// emit_all::<UserUpdated>();
/// assert_eq!(greeting::stats().entries, 2, "they are given back soon");
/// assert_eq!((greeting::peek(&7), greeting::peek(&8)), (None, None));
/// ```
pub fn emit_all<E: Event + ?Sized>() {
    context::current_cache().emit_all::<E>();
}

/// Events that are emitted together, or not at all.
///
/// It collects what a piece of work is about to change. Nothing is emitted before [`commit`](Self::commit); dropped
/// without that, by an error or a panic for example, it emits nothing. It acts on the cache that it was made for.
///
/// ```
/// use cache_core::{Transaction, cached};
///
/// #[cached(invalidate_on = [("account", id)])]
/// fn balance(id: u64) -> i64 {
///     # let _ = id;
///     100
/// }
///
/// fn transfer(from: u64, to: u64) -> Result<(), String> {
///     let mut changes = Transaction::new();
///     changes.emit(("account", from));
///     changes.emit(("account", to));
///     // … what may fail
///     changes.commit();
///     Ok(())
/// }
///
/// balance(1);
/// transfer(1, 2)?;
/// assert_eq!(balance::peek(&1), None);
/// # Ok::<(), String>(())
/// ```
#[must_use = "nothing is emitted before `commit`"]
pub struct Transaction {
    cache: Ref<Inner>,
    events: Vec<Named>,
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transaction").field("n_events", &self.events.len()).finish_non_exhaustive()
    }
}

impl Default for Transaction {
    fn default() -> Self {
        Self::new()
    }
}

impl Transaction {
    /// No events yet, for the cache that calls on this thread use.
    pub fn new() -> Self {
        Self { cache: context::current_cache(), events: Vec::new() }
    }

    /// Adds an event.
    pub fn emit<E: Event>(&mut self, event: E) {
        self.events.push(Named::new(&event));
    }

    /// Adds all events of a type.
    pub fn emit_all<E: Event + ?Sized>(&mut self) {
        self.events.push(Named::all::<E>());
    }

    /// Adds a write to an endpoint.
    pub(crate) fn write(&mut self, endpoint: Family, method: &str, user: Option<&dyn EventPart>) {
        self.events.push(Named::in_family(endpoint, &method));
        self.events.push(match user {
            Some(user) => Named::in_family(endpoint, &(method, user)),
            None => Named::by_nobody(endpoint, method),
        });
    }

    /// Emits the events. When this returns, it is for each as if [`emit`] had returned.
    pub fn commit(self) {
        self.cache.emit_named(&self.events);
    }

    /// Emits the events, once, if the result is not an error.
    // By reference, so that no trait of the user's with a method of that name comes first.
    #[doc(hidden)]
    pub fn commit_unless_err<K: Kind>(&mut self, _: K, out: &K::Output) {
        let events = std::mem::take(&mut self.events);
        if K::verdict(out) != Verdict::Err {
            self.cache.emit_named(&events);
        }
    }
}
