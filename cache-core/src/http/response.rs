//! Whole responses, kept for all who ask the same.

use std::fmt;
use std::future::Future;
use std::mem;
use std::panic::Location;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::header::{HeaderName, HeaderValue};
use ::http::request::Parts;
use ::http::uri::Authority;
use ::http::{Request, Response, StatusCode, response};
use bytes::Bytes;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{Answer, ResponseBody, policy};
use crate::call::{Call, Lookup, Site};
use crate::endpoint::Endpoint;
use crate::function::Function;
use crate::lead::{OwnedBody, Terms};
use crate::outcome::{Planned, Returns};
use crate::size::{HeapSize, Seen};
use crate::stats::Stats;
use crate::sync::{Arc, Mutex};

/// Keeps whole responses to `GET` requests, for all who ask the same.
///
/// It is for handlers that cannot be cached as functions of their arguments: what they return may be any response. They
/// are kept in the one cache of the process, under its budget, and go when something is written to their endpoint, when an
/// event is emitted that a cached function in the handler names, and when their lifetime ends. One request of a key is
/// answered by the handler, and those that come meanwhile wait for its response.
///
/// **It goes inside of an [`EndpointLayer`](super::EndpointLayer)**, which says what is written: added before it, in
/// axum. Outside of one it keeps nothing.
///
/// **The key** of a response is its path and query as they were sent, `Host` and `X-Forwarded-Host`, `X-Forwarded-Proto` and
/// `Forwarded`, the headers that [`ResponseLayer::key_header`] names, and the user.
///
/// **Passed by** are requests of other methods, with a body, with a range or a condition, with a header that changes their
/// method or path, and with `Cookie` or `Authorization`, unless [`ResponseLayer::user`] tells whose they are.
///
/// **Not kept** are responses that [`is_storable`](super::is_storable) refuses, that vary by a header which is not in the
/// key, whose body is larger than [`ResponseLayer::max_body`], or of unknown length, as that of a stream is. Those who
/// wait for such a response ask the handler themselves.
///
/// A lifetime that the response states in `Cache-Control` counts where it is shorter than that of the layer. What a
/// request says in `Cache-Control` does not. Extensions of a response are not kept.
#[derive(Clone)]
pub struct ResponseLayer {
    function: &'static Function,
    ttl: Option<Duration>,
    max_body: usize,
    in_key: Vec<HeaderName>,
    user: Option<Arc<User>>,
    store_if: Arc<StoreIf>,
}

type User = dyn Fn(&Parts) -> Option<String> + Send + Sync;
type StoreIf = dyn Fn(&response::Parts) -> bool + Send + Sync;

impl fmt::Debug for ResponseLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseLayer").field("name", &self.function.name).finish_non_exhaustive()
    }
}

impl ResponseLayer {
    /// A layer that is listed under a name, as a cached function is.
    ///
    /// Each layer has responses of its own; clones share them. What is listed is never forgotten, so layers are made when
    /// the program starts, not for each request.
    #[must_use]
    #[track_caller]
    pub fn new(name: &'static str) -> Self {
        let place = Location::caller();
        let function = Function::new(name, module_path!(), place.file(), place.line());
        Self {
            function: Box::leak(Box::new(function.labelled())),
            ttl: None,
            max_body: 1 << 20,
            in_key: policy::ALWAYS_IN_KEY.to_vec(),
            user: None,
            store_if: Arc::new(policy::is_storable),
        }
    }

    /// How long a response lives; as long as any value of the cache by default.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// The largest body that is kept, in bytes; 1 MiB by default.
    #[must_use]
    pub fn max_body(mut self, max: usize) -> Self {
        self.max_body = max;
        self
    }

    /// Makes a header of the request a part of the key: each one that the handler looks at.
    #[must_use]
    pub fn key_header(mut self, name: HeaderName) -> Self {
        self.in_key.push(name);
        self
    }

    /// Tells whose a request is, so that each user has responses of his own.
    ///
    /// That must be who the request was authenticated as, by a layer around this one; what a client says of itself in a
    /// header is nothing to rely on. A request of which this says `None` passes the cache by, so a program that answers
    /// some requests for everybody alike gives those one name, such as `"everybody"`.
    #[must_use]
    pub fn user(mut self, user: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static) -> Self {
        self.user = Some(Arc::new(user));
        self
    }

    /// Decides which responses are kept, in place of [`is_storable`](super::is_storable).
    ///
    /// ```
    /// use cache_core::http::{ResponseLayer, is_storable};
    ///
    /// let pages = ResponseLayer::new("pages")
    ///     .store_if(|response| response.status == 404 || is_storable(response));
    /// ```
    #[must_use]
    pub fn store_if(
        mut self,
        is_wanted: impl Fn(&response::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.store_if = Arc::new(is_wanted);
        self
    }

    /// What happened so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        Site::of(self.function).stats()
    }

    /// Drops all responses.
    pub fn clear(&self) {
        Site::of(self.function).clear();
    }

    /// The call that a request stands for, if there may be a response for all who ask the same.
    fn call(&self, request: &Parts) -> Option<Call> {
        if !policy::is_plain(request) {
            return None;
        }
        let user = match &self.user {
            Some(user) => Some(user(request)?),
            None if policy::has_credentials(request) => return None,
            None => None,
        };
        let (uri, headers) = (&request.uri, &request.headers);
        let mut call = Site::of(self.function).call();
        call.arg(&(uri.scheme_str(), uri.authority().map(Authority::as_str)));
        call.arg(&(uri.path(), uri.query()));
        for name in &self.in_key {
            let values: Vec<_> = headers.get_all(name).iter().map(HeaderValue::as_bytes).collect();
            call.arg(&values);
        }
        call.arg(&user);
        Some(call)
    }

    /// Asks the handler, and keeps the response where that is right; else leaves it in the exchange.
    async fn load<A, B, S>(
        self,
        endpoint: Endpoint,
        exchange: Arc<Exchange<A, B, S>>,
    ) -> (Option<Arc<Kept>>, Terms)
    where
        S: Service<Request<A>, Response = Response<B>>,
        B: Body,
    {
        let mut terms = Terms::new();
        terms.on_writes(endpoint);
        let Some((mut inner, request)) = exchange.take_request() else { return (None, terms) };
        terms.label(format_args!("{} {}", request.method(), request.uri().path()));
        let response = match inner.call(request).await {
            Ok(response) => self.keep(response).await,
            Err(error) => Err(Err(error)),
        };
        match response {
            Ok(kept) => {
                let ttl = self.ttl.into_iter().chain(kept.max_age).min();
                ttl.into_iter().for_each(|ttl| terms.ttl(ttl));
                (Some(Arc::new(kept)), terms)
            }
            Err(response) => {
                exchange.put_response(response);
                (None, terms)
            }
        }
    }

    /// Takes from a response what is kept of it, or gives it back.
    async fn keep<B: Body, E>(&self, response: Response<B>) -> Result<Kept, Passed<B, E>> {
        let (parts, body) = response.into_parts();
        let is_wanted = policy::is_told_apart(&parts, &self.in_key) && (self.store_if)(&parts);
        // A body of unknown length may never end, and who waits for it would wait as long.
        let len = body.size_hint().exact().and_then(|len| usize::try_from(len).ok());
        let body = match len.filter(|len| is_wanted && *len <= self.max_body) {
            Some(len) => ResponseBody::read(body, len).await,
            None => Err(ResponseBody::passed(body)),
        };
        match body {
            Ok(body) => Ok(Kept {
                max_age: policy::max_age(&parts.headers),
                status: parts.status,
                headers: parts
                    .headers
                    .iter()
                    .map(|(name, it)| (name.clone(), it.clone()))
                    .collect(),
                body,
            }),
            Err(body) => Err(Ok(Response::from_parts(parts, body))),
        }
    }
}

/// A response that is not kept, or why there is none.
type Passed<B, E> = Result<Response<ResponseBody<B>>, E>;

/// What is kept of a response.
struct Kept {
    /// How long it says that it may be.
    max_age: Option<Duration>,
    status: StatusCode,
    headers: Box<[(HeaderName, HeaderValue)]>,
    body: Bytes,
}

impl Kept {
    fn response<B: Body>(&self) -> Response<ResponseBody<B>> {
        let mut response = Response::new(ResponseBody::whole(self.body.clone()));
        *response.status_mut() = self.status;
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response
    }
}

impl HeapSize for Kept {
    fn heap_size(&self, _: &mut Seen) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len());
        size_of_val(&*self.headers) + headers.sum::<usize>() + self.body.len()
    }
}

/// What a caller brings to a load, and what he gets from it besides what is kept.
///
/// The body of the load may outlive the caller, so neither is a part of the other.
struct Exchange<A, B: Body, S: Service<Request<A>>>(Mutex<Stage<A, B, S>>);

enum Stage<A, B: Body, S: Service<Request<A>>> {
    Request(S, Request<A>),
    Response(Passed<B, S::Error>),
    Taken,
}

impl<A, B: Body, S: Service<Request<A>>> Exchange<A, B, S> {
    fn take(&self) -> Stage<A, B, S> {
        mem::replace(&mut *self.0.lock(), Stage::Taken)
    }

    fn take_request(&self) -> Option<(S, Request<A>)> {
        match self.take() {
            Stage::Request(inner, request) => Some((inner, request)),
            _ => None,
        }
    }

    fn put_response(&self, response: Passed<B, S::Error>) {
        *self.0.lock() = Stage::Response(response);
    }
}

impl<S> Layer<S> for ResponseLayer {
    type Service = ResponseService<S>;

    fn layer(&self, inner: S) -> ResponseService<S> {
        ResponseService { layer: self.clone(), inner }
    }
}

/// What a [`ResponseLayer`] makes of a service.
#[derive(Clone, Debug)]
pub struct ResponseService<S> {
    layer: ResponseLayer,
    inner: S,
}

impl<S, A, B> Service<Request<A>> for ResponseService<S>
where
    S: Service<Request<A>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    A: Body + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    type Response = Response<ResponseBody<B>>;
    type Error = S::Error;
    type Future = Answer<Self::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        // The one that was ready is the one to call.
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        Box::pin(answer(self.layer.clone(), inner, request))
    }
}

async fn answer<S, A, B>(
    layer: ResponseLayer,
    mut inner: S,
    request: Request<A>,
) -> Result<Response<ResponseBody<B>>, S::Error>
where
    S: Service<Request<A>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    A: Body + Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Send,
{
    let (parts, body) = request.into_parts();
    // A body may change what the handler returns, and outside of an endpoint nobody says what is written.
    let endpoint = Endpoint::current().filter(|_| body.is_end_stream());
    let call = endpoint.and_then(|endpoint| Some((endpoint, layer.call(&parts)?)));
    let request = Request::from_parts(parts, body);
    let Some((endpoint, mut call)) = call else { return pass(inner.call(request)).await };
    let plan = Planned(Returns::<Option<Arc<Kept>>>::NEW.__cache_kind()).__cache_plan();
    let miss = match call.get(plan) {
        Lookup::Hit(kept) => return Ok(kept.expect("only a response is stored").response()),
        Lookup::Miss(miss) => miss,
    };
    drop(call);
    let exchange = Arc::new(Exchange(Mutex::new(Stage::Request(inner, request))));
    let body = layer.load(endpoint, Arc::clone(&exchange));
    let kept = miss.load_owned(body, Some(|body| -> OwnedBody<_> { Box::pin(body) })).await;
    match (kept, exchange.take()) {
        (Some(kept), _) => Ok(kept.response()),
        (None, Stage::Response(response)) => response,
        // Another caller was answered with a response that is only for him.
        (None, Stage::Request(mut inner, request)) => pass(inner.call(request)).await,
        (None, Stage::Taken) => unreachable!("a load that takes the request leaves the response"),
    }
}

/// Passes a response on.
async fn pass<B: Body, E>(
    answer: impl Future<Output = Result<Response<B>, E>>,
) -> Result<Response<ResponseBody<B>>, E> {
    answer.await.map(|response| response.map(ResponseBody::passed))
}
