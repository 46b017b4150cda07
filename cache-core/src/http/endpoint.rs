//! Which endpoint a request is to, and what a write to it has changed.

use std::fmt;
use std::task::{Context, Poll};

use ::http::request::Parts;
use ::http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::Answer;
use crate::emit::Transaction;
use crate::endpoint::Endpoint;
use crate::event::EventPart;
use crate::sync::Arc;

/// Turns successful writes into events, and tells cached functions which endpoint they are called for.
///
/// A cached function that is called for a request, by a `GET` handler or as one, and that names methods in its
/// `invalidate_on`, loses exactly the results that it computed for an endpoint when a request with such a method to that
/// endpoint has succeeded.
///
/// | in `invalidate_on` | a result goes with |
/// | --- | --- |
/// | `"POST"` | each successful `POST` to the endpoints that the result was used for |
/// | `("POST", user)` | those of that user, see [`EndpointLayer::user`], and those of nobody who is known |
///
/// **An endpoint** is what the layer is told: with axum's `MatchedPath` it is the route, so that `PUT /users/7` drops what
/// `GET /users/{id}` has stored for any `id`, however the request spells it: `/users/07`, `/users/%37`. It does not drop
/// what `GET /users` has stored, which is another route. Where each resource has exactly one path, the layer can be told
/// `request.uri.path()` instead, and a write drops what was stored for its own path. Typed events, with `#[invalidates]`,
/// say more exactly what has changed, and go with both.
/// Requests of which the layer is told nothing are to one endpoint in common.
///
/// **A write** is a request of any method but `GET`, `HEAD`, `OPTIONS` and `TRACE`. It has succeeded when its status is
/// neither 4xx nor 5xx, and counts before its client learns of it. One that ends without a response, because it was
/// cancelled or has panicked, may have changed something, and counts as well.
///
/// What a result depends on is what was said when it was computed. Outside of requests, in a task at the start of the
/// program for example, names of methods are names like any other; such a result is not shown to a request, but computed
/// anew for it, so that no write is missed.
#[derive(Clone)]
pub struct EndpointLayer {
    route: Arc<Route>,
    user: Option<Arc<User>>,
}

type Route = dyn for<'a> Fn(&'a Parts) -> Option<&'a str> + Send + Sync;
type User = dyn Fn(&Parts) -> Option<Box<dyn EventPart>> + Send + Sync;

impl fmt::Debug for EndpointLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointLayer").field("has_user", &self.user.is_some()).finish()
    }
}

impl EndpointLayer {
    /// A layer that is told by `route` what endpoint a request is to.
    ///
    /// In an axum router the route is known to layers of the router, and not to those around it.
    pub fn new(
        route: impl for<'a> Fn(&'a Parts) -> Option<&'a str> + Send + Sync + 'static,
    ) -> Self {
        Endpoint::announce_writes();
        Self { route: Arc::new(route), user: None }
    }

    /// Tells whose a write is, for `invalidate_on = [("POST", user)]`.
    ///
    /// That must be who the request was authenticated as, by a layer around this one; what a client says of itself in a
    /// header is nothing to rely on. `None` is for a write that may concern every user.
    #[must_use]
    pub fn user<U: EventPart + 'static>(
        mut self,
        user: impl Fn(&Parts) -> Option<U> + Send + Sync + 'static,
    ) -> Self {
        self.user = Some(Arc::new(move |request| Some(Box::new(user(request)?))));
        self
    }

    fn write(&self, endpoint: Endpoint, request: &Parts) -> Write {
        let changes = (!request.method.is_safe()).then(|| {
            let user = self.user.as_ref().and_then(|user| user(request));
            endpoint.write(request.method.as_str(), user.as_deref())
        });
        Write(changes)
    }
}

impl<S> Layer<S> for EndpointLayer {
    type Service = EndpointService<S>;

    fn layer(&self, inner: S) -> EndpointService<S> {
        EndpointService { layer: self.clone(), inner }
    }
}

/// What an [`EndpointLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct EndpointService<S> {
    layer: EndpointLayer,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for EndpointService<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Answer<S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (parts, body) = request.into_parts();
        let endpoint = Endpoint::new((self.layer.route)(&parts).unwrap_or_default());
        let mut write = self.layer.write(endpoint, &parts);
        let answer = endpoint.run(|| self.inner.call(Request::from_parts(parts, body)));
        Box::pin(endpoint.scope(async move {
            let response = answer.await?;
            if response.status().is_client_error() || response.status().is_server_error() {
                write.has_failed();
            }
            Ok(response)
        }))
    }
}

/// What a request changes, unless it has failed.
struct Write(Option<Transaction>);

impl Write {
    fn has_failed(&mut self) {
        self.0 = None;
    }
}

impl Drop for Write {
    // Here, so that it happens also where there is no response.
    fn drop(&mut self) {
        if let Some(changes) = self.0.take() {
            changes.commit();
        }
    }
}
