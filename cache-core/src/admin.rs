//! Management endpoints and a live dashboard.
//!
//! ```no_run
//! use cache_core::admin::Admin;
//!
//! # fn main() -> Result<(), cache_core::Error> {
//! let _server = Admin::new().token(std::env::var("CACHE_ADMIN_TOKEN").unwrap_or_default())?.listen("127.0.0.1:9090")?;
//! // http://127.0.0.1:9090/ shows the dashboard, as long as `_server` is there.
//! # Ok(())
//! # }
//! ```
//!
//! A program with a web server of its own mounts the same:
//!
//! ```
//! use axum::Router;
//! use cache_core::admin::Admin;
//!
//! let app: Router = Router::new().nest("/cache", Admin::new().host("shop.internal").router());
//! ```
//!
//! | request | answer |
//! | --- | --- |
//! | `GET /` | the dashboard, one page that asks nobody but this program |
//! | `GET /stats` | counters of the whole process, and how the tiers are doing |
//! | `GET /functions?offset=&limit=` | all functions with their counters |
//! | `GET /functions/{name}` | those of that name |
//! | `GET /entries?function=&search=&offset=&limit=` | the most recently used entries: no arguments, but what a `label` says of them |
//! | `GET /config` | the settings, what was wrong with them, and what can be warmed |
//! | `GET /health` | a verdict with its reasons |
//! | `GET /metrics` | all numbers for Prometheus |
//! | `GET /events` | what an [`Observer`](crate::Observer) is told, as server-sent events |
//! | `GET /openapi.json` | all of this for programs |
//! | `POST /config` | changes `max_bytes`, `max_entries` (`null` for no limit) or `enabled` |
//! | `POST /clear` | drops everything |
//! | `POST /invalidate` | drops what `{"function": "name"}` or `{"matching": "img:*"}` say, or emits `{"event": ["user", 7]}` or `{"soft_event": "prices"}` |
//! | `POST /warm` | starts what [`Admin::warm`] has registered under `{"name": "…"}` |
//! | `POST /cleanup` | drops what has expired |
//!
//! # Who may do what
//!
//! Whatever changes something needs the token; without one nothing can be changed.
//! Reading needs none on the loopback interface, and the same token elsewhere: [`Admin::listen`] refuses to serve other
//! machines without one.
//! Pages of other sites get nothing: the `Host` of a request must be a name of this machine or one that [`Admin::host`]
//! has been told, and its `Origin`, if there is one, the same.

mod event;
mod guard;
mod live;
mod page;
mod refusal;
mod routes;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::pin::Pin;
use std::thread::{self, JoinHandle};

use axum::Router;
use tokio::sync::{broadcast, oneshot};

use crate::cache::Cache;
use crate::error::Error;
use crate::sync::{Arc, AtomicBool};

use guard::{Guard, Token};

/// What is to be served, and to whom.
#[must_use = "nothing is served before `listen` or `router`"]
pub struct Admin {
    cache: Cache,
    guard: Guard,
    warmers: BTreeMap<String, Arc<Warmer>>,
}

impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("hosts", &self.guard.hosts)
            .field("warmers", &self.warmers.keys())
            .finish_non_exhaustive()
    }
}

type Warming = Pin<Box<dyn Future<Output = usize> + Send>>;

/// Something that fills the cache.
struct Warmer {
    begin: Box<dyn Fn() -> Warming + Send + Sync>,
    is_running: AtomicBool,
}

/// What all requests share.
struct Shared {
    cache: Cache,
    guard: Guard,
    live: broadcast::Sender<live::Message>,
    warmers: BTreeMap<String, Arc<Warmer>>,
}

impl Default for Admin {
    fn default() -> Self {
        Self::new()
    }
}

impl Admin {
    /// Of the cache of the process.
    pub fn new() -> Self {
        Self::of(&Cache::global())
    }

    /// Of any cache, such as a test's own.
    pub fn of(cache: &Cache) -> Self {
        Self { cache: cache.clone(), guard: Guard::default(), warmers: BTreeMap::new() }
    }

    /// Lets those change something who send this as `Authorization: Bearer …`.
    ///
    /// # Errors
    ///
    /// If it is shorter than 16 characters, or has some that cannot be sent: only visible ASCII can.
    pub fn token(mut self, token: impl AsRef<str>) -> Result<Self, Error> {
        self.guard.token = Some(Token::new(token.as_ref())?);
        Ok(self)
    }

    /// Asks for the token also where something is only read. [`listen`](Self::listen) does so by itself where other
    /// machines can ask.
    pub fn private(mut self) -> Self {
        self.guard.is_private = true;
        self
    }

    /// Answers requests to this name or address as well, without its port, besides those of the loopback interface.
    ///
    /// A name that is not known is refused, so that no page of another site can make its own name lead here.
    pub fn host(mut self, name: impl Into<String>) -> Self {
        self.guard.hosts.insert(name.into().to_ascii_lowercase());
        self
    }

    /// Has `POST /warm` run something under a name, which says how many calls it has made.
    ///
    /// ```
    /// use cache_core::{admin::Admin, cached};
    ///
    /// #[cached]
    /// async fn profile(user: u64) -> String {
    ///     format!("user {user}")
    /// }
    ///
    /// let admin = Admin::new().warm("profiles", || async { profile::warm((1..=100).map(|user| (user,))).run().await });
    /// ```
    ///
    /// It runs once at a time. A sync function, whose `run` blocks, is warmed by a thread that the closure starts.
    pub fn warm<F>(
        mut self,
        name: impl Into<String>,
        warm: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = usize> + Send + 'static,
    {
        let begin = Box::new(move || -> Warming { Box::pin(warm()) });
        let warmer = Warmer { begin, is_running: AtomicBool::new(false) };
        self.warmers.insert(name.into(), Arc::new(warmer));
        self
    }

    /// A router to be mounted in a program's own, which has to run on tokio.
    pub fn router(self) -> Router {
        let Self { cache, guard, warmers } = self;
        let (live, _) = broadcast::channel(live::BACKLOG);
        cache.observe(live::Live(live.clone()));
        routes::router(Arc::new(Shared { cache, guard, live, warmers }))
    }

    /// Serves on an address, on a thread of its own, until the result is dropped.
    ///
    /// # Errors
    ///
    /// If other machines can reach the address and there is no token, or if it cannot be listened on.
    pub fn listen(mut self, address: impl ToSocketAddrs) -> Result<Server, Error> {
        let failed = |error: io::Error| Error::failed("cannot serve the admin pages", error);
        let addresses: Vec<SocketAddr> = address.to_socket_addrs().map_err(failed)?.collect();
        for public in addresses.iter().filter(|address| !address.ip().is_loopback()) {
            if self.guard.token.is_none() {
                return Err(Error::failed(
                    format!("cannot serve the admin pages on {public}"),
                    "other machines can reach that, and no token is set: set one with `Admin::token`, or listen on 127.0.0.1",
                ));
            }
            self = self.private().host(guard::host_of(public.ip()));
        }
        let listener = TcpListener::bind(&*addresses).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let router = self.router();
        let serve = async move {
            // Within the runtime, which watches the socket.
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            let serving = std::future::IntoFuture::into_future(axum::serve(listener, router));
            tokio::select! {
                _ = serving => {}
                _ = stopped => {}
            }
        };
        let thread = thread::Builder::new()
            .name("cache-admin".to_owned())
            .spawn(move || runtime.block_on(serve))
            .map_err(failed)?;
        Ok(Server { address, stop: Some(stop), thread: Some(thread) })
    }
}

/// Something that serves, until it is dropped.
#[derive(Debug)]
#[must_use = "it stops when this is dropped"]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Where it listens, with the port that the system has chosen for port 0.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It has nothing to say.
            let _ = thread.join();
        }
    }
}
