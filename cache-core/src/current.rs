//! What a body says of the result that it is computing.

use std::time::Duration;

use crate::context::{self, Around, LoadScope};
use crate::event::Event;
use crate::lead::Terms;
use crate::sources::Said;

/// The load that is being computed: what a body may say of its result, at any depth of calls.
///
/// [`current`] gives it. It belongs to the innermost cached function around the call, and says nothing of the functions
/// that this one calls or is called by. In a body that runs without the cache, by `uncached` for example, and where
/// nothing is being loaded, what is said does nothing.
#[derive(Clone)]
pub struct CurrentLoad(Option<Around>);

impl std::fmt::Debug for CurrentLoad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CurrentLoad").field("is_there", &self.0.is_some()).finish()
    }
}

/// The load that is being computed by the cached function around.
///
/// It tells the cache what only the body finds out:
///
/// ```
/// use std::time::Duration;
///
/// use cache_core::{cached, current};
/// # fn fetch(_: &str) -> (String, Option<u64>) {
/// #     ("<html>".to_owned(), None)
/// # }
///
/// #[cached(ttl = 1h)]
/// fn page(url: &str) -> String {
///     current().depends_on(("page", url));
///     let (html, max_age) = fetch(url);
///     match max_age {
///         Some(seconds) => current().ttl(Duration::from_secs(seconds)),
///         None => current().do_not_store(),
///     };
///     html
/// }
///
/// page("/news");
/// assert_eq!(page::peek("/news"), None);
/// ```
///
/// That goes by thread and by task, as [`in_current_load`](crate::in_current_load) says, which attaches others. The
/// handle may be kept and sent to another thread; once the load has ended, it does nothing.
#[must_use = "it only gives access to the load"]
pub fn current() -> CurrentLoad {
    CurrentLoad(context::current_load())
}

impl CurrentLoad {
    /// Has the result live for that long, instead of what the attribute says; zero stores nothing.
    ///
    /// The last word counts. It does not outlive the cached results that it was computed from, and a lifetime that the
    /// environment or the configuration gives the function comes before. `jitter` applies.
    pub fn ttl(&self, ttl: Duration) -> &Self {
        self.say(|said| said.ttl = Some(ttl))
    }

    /// Has the result live for that long without being used, instead of what the attribute says; zero stores nothing.
    ///
    /// The last word counts.
    pub fn idle(&self, idle: Duration) -> &Self {
        self.say(|said| said.idle = Some(idle))
    }

    /// Has the result go when an event is emitted, besides those that the attribute names.
    ///
    /// It counts from now on, so say it before you read what the event is about: what was emitted before is taken to be
    /// known. Where only what was read tells the event, that is a race, which `invalidate_on = |value| …` does not have.
    ///
    /// In a body that runs without the cache, it is said of the cached function around that, whose result is computed
    /// from this one.
    pub fn depends_on<E: Event>(&self, event: E) -> &Self {
        self.depend(|terms| terms.on(&event))
    }

    /// Has the result go when any event of a type is emitted, as [`depends_on`](Self::depends_on) does for one.
    pub fn depends_on_any<E: Event + ?Sized>(&self) -> &Self {
        self.depend(Terms::on_any::<E>)
    }

    /// Has the result not be stored; those who wait for it get it. It cannot be taken back.
    ///
    /// What is stored already stays, as it does where `cache_if` refuses the result of a `refresh`.
    pub fn do_not_store(&self) -> &Self {
        self.say(|said| said.is_refused = true)
    }

    fn say(&self, say: impl FnOnce(&mut Said)) -> &Self {
        if let Some(load) = &self.0
            && !load.is_bypassed
            && let Some(flight) = &load.flight
        {
            flight.sources().say(say);
        }
        self
    }

    fn depend(&self, depend: impl FnOnce(&mut Terms)) -> &Self {
        if let Some(load) = &self.0 {
            // On whichever thread this is, for that load and the request that began it.
            let _scope = LoadScope::enter(load.clone());
            depend(&mut Terms::new());
        }
        self
    }
}
