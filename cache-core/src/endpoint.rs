//! What HTTP requests are made to, and what a write to it outdates.
//!
//! `invalidate_on = ["POST"]` is the name of an event like any other, which `emit("POST")` emits. While a request is
//! answered it is a second event besides: a `POST` to the endpoint of that request. So a result goes with the writes to the
//! endpoint whose requests it answers, and with those to no other.
//!
//! A result that two endpoints use goes with the writes to either. That is found out when the second one asks for it: it is
//! computed anew then, once, and hears of both from then on.

use std::future::Future;

use crate::context;
use crate::emit::Transaction;
use crate::event::{EventPart, Family, WRITES};

/// What requests are made to: a route of a web service.
///
/// The layers of `cache_core::http` use it, where the feature `http` is on. For a web framework that knows no tower
/// layers, a middleware is a few lines:
///
/// ```
/// use cache_core::{Endpoint, cached};
///
/// #[cached(invalidate_on = ["POST"])]
/// fn list(page: u32) -> Vec<String> {
///     vec![format!("page {page}")]
/// }
///
/// let notes = Endpoint::new("/notes");
/// notes.run(|| list(1)); // GET /notes?page=1
///
/// let write = notes.write("POST", None); // POST /notes
/// // … the handler, and if its status is neither 4xx nor 5xx:
/// write.commit();
/// assert_eq!(list::peek(&1), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint(Family);

impl Endpoint {
    /// The endpoint of a route, such as `/users/{id}`. Requests that can change or show the same must be of one route.
    #[must_use]
    pub fn new(route: &str) -> Self {
        Self(Family::of_endpoint(route))
    }

    /// Polls the answer to a request to this endpoint.
    ///
    /// A task that it spawns is told with [`in_current_load`](crate::in_current_load).
    pub fn scope<F: Future>(self, answer: F) -> impl Future<Output = F::Output> + use<F> {
        context::with_endpoint(self.0, answer)
    }

    /// Runs `answer` as the answer to a request to this endpoint.
    pub fn run<R>(self, answer: impl FnOnce() -> R) -> R {
        context::in_endpoint(self.0, answer)
    }

    /// What a write to this endpoint changes, to be committed when it has succeeded.
    ///
    /// That is what names the method, and what names the method and the user. A write by nobody who is known may concern
    /// every user.
    pub fn write(self, method: &str, user: Option<&dyn EventPart>) -> Transaction {
        let mut changes = Transaction::new();
        changes.write(self.0, method, user);
        changes
    }

    pub(crate) fn family(self) -> Family {
        self.0
    }

    /// Tells [`Cache::audit`](crate::Cache::audit) that writes are emitted, before the first one is.
    pub fn announce_writes() {
        let events = &context::current_cache().events;
        for method in WRITES {
            events.announce(&method);
            events.announce(&(method, 0));
        }
    }

    /// The endpoint of the request that is being answered, if there is one.
    #[must_use]
    pub fn current() -> Option<Self> {
        context::endpoint().map(Self)
    }
}
