//! The backend that keeps values in Redis or Valkey, on one server or in a cluster.
//!
//! | key | value |
//! | --- | --- |
//! | `namespace:function:version:digest` | two generations of 8 bytes, and the value |
//! | `namespace:generation`, `namespace:function:generation` | 8 random bytes |
//!
//! A value counts as long as the generations in it are those of its namespace and its function.
//! To clear a scope is to give it another generation: one command, whatever there is, on every node of a cluster,
//! and no key has to be looked for. What is out of date is given back when its lifetime ends.
//! A generation that is lost makes misses: the next one is as random, and older values do not come back.

#[cfg(feature = "redis-tls")]
mod tls;

/// Without the feature there is nothing to prepare: the client refuses such addresses by itself.
#[cfg(not(feature = "redis-tls"))]
mod tls {
    pub(super) fn prepare() {}
}

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, RedisResult, cmd};
use tokio::runtime::{self, Runtime};
use tokio::sync::OnceCell;
use tokio::task::{JoinError, JoinHandle};

use crate::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, Counters, Scope, Time, Value, add,
};
use crate::error::Error;
use crate::sync::Arc;

const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);
const DEFAULT_MAX_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_MAX_VALUE_BYTES: usize = 64 << 20;

/// Keeps values in Redis or Valkey, for all processes that use the same server and namespace.
///
/// It connects with the first operation, and again by itself when the connection is lost; an operation without one
/// is an error soon. It brings the runtime that the client needs, so its futures can be polled by any executor.
#[derive(Debug)]
pub struct Redis {
    server: Arc<Server>,
    /// Taken when this is dropped.
    runtime: Option<Runtime>,
}

struct Server {
    /// Without user and password, for messages.
    address: String,
    connector: Connector,
    connection: OnceCell<Connection>,
    timeout: Duration,
    max_ttl: Duration,
    max_value_bytes: usize,
    time: Time,
    counters: Counters,
}

enum Connector {
    Single(Box<Client>),
    Cluster(Box<ClusterClient>),
}

#[derive(Clone)]
enum Connection {
    Single(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Redis {
    /// Keeps values on one server: `redis://user:password@host:port/database`, or `rediss://…` for TLS,
    /// which takes the feature `redis-tls`.
    ///
    /// # Errors
    ///
    /// If the address is not one, or a thread cannot be started. The server may be away.
    pub fn new(url: &str) -> Result<Self, Error> {
        tls::prepare();
        Self::single(Client::open(url))
    }

    fn single(client: RedisResult<Client>) -> Result<Self, Error> {
        let client = client
            .map_err(|cause| Error::tier("the address of the Redis server is refused", cause))?;
        let address = client.get_connection_info().addr().to_string();
        Self::of(address, Connector::Single(Box::new(client)))
    }

    /// Keeps values in a cluster, of which some nodes are given; the others are found through them.
    ///
    /// # Errors
    ///
    /// If an address is not one, or a thread cannot be started. The nodes may be away.
    pub fn cluster<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        tls::prepare();
        let refused = |cause| Error::tier("the addresses of the Redis cluster are refused", cause);
        let urls: Vec<&str> = urls.into_iter().collect();
        let mut addresses = Vec::new();
        for url in &urls {
            let client = Client::open(*url).map_err(refused)?;
            addresses.push(client.get_connection_info().addr().to_string());
        }
        let client = ClusterClient::new(urls).map_err(refused)?;
        Self::of(addresses.join(", "), Connector::Cluster(Box::new(client)))
    }

    fn of(address: String, connector: Connector) -> Result<Self, Error> {
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("cache-redis")
            .enable_all()
            .build()
            .map_err(|cause| Error::tier("cannot start a thread for the Redis client", cause))?;
        let server = Server {
            address,
            connector,
            connection: OnceCell::new(),
            timeout: DEFAULT_TIMEOUT,
            max_ttl: DEFAULT_MAX_TTL,
            max_value_bytes: DEFAULT_MAX_VALUE_BYTES,
            time: Time::system(),
            counters: Counters::default(),
        };
        Ok(Self { server: Arc::new(server), runtime: Some(runtime) })
    }

    /// Sets how long an operation may take, connecting included; half a second unless told otherwise.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|server| server.timeout = timeout)
    }

    /// Sets how long a value is kept at most; thirty days unless told otherwise.
    ///
    /// What a clear has left behind is given back then.
    #[must_use]
    pub fn max_ttl(self, max_ttl: Duration) -> Self {
        self.with(|server| server.max_ttl = max_ttl)
    }

    /// Sets how large a value may be; 64 MiB unless told otherwise.
    #[must_use]
    pub fn max_value_bytes(self, max_value_bytes: usize) -> Self {
        self.with(|server| server.max_value_bytes = max_value_bytes)
    }

    /// Takes the time from somewhere else. The server's own clock ends lifetimes too.
    #[must_use]
    pub fn time(self, time: Time) -> Self {
        self.with(|server| server.time = time)
    }

    fn with(mut self, set: impl FnOnce(&mut Server)) -> Self {
        set(Arc::get_mut(&mut self.server).expect("settings come before the first operation"));
        self
    }

    /// Runs an operation on the client's runtime, whoever polls the future.
    fn run<'a, T, F>(
        &'a self,
        what: &'static str,
        operation: impl FnOnce(Arc<Server>) -> F + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = RedisResult<T>> + Send + 'static,
    {
        Box::pin(async move {
            let server = Arc::clone(&self.server);
            let (operation, patience) = (operation(Arc::clone(&server)), server.timeout);
            let runtime = self.runtime.as_ref().expect("it is there until this is dropped");
            let task =
                runtime.spawn(async move { tokio::time::timeout(patience, operation).await });
            let cause: Box<dyn std::error::Error + Send + Sync> = match Abort(task).await {
                Ok(Ok(Ok(result))) => return Ok(result),
                Ok(Ok(Err(cause))) => cause.into(),
                Ok(Err(_)) => format!("no answer within {patience:?}").into(),
                Err(cause) => cause.into(),
            };
            add(&server.counters.errors);
            Err(Error::tier(format!("cannot {what} Redis at `{}`", server.address), cause))
        })
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // To wait for the thread is not allowed inside of another runtime.
            runtime.shutdown_background();
        }
    }
}

/// A task that ends with the future that waits for it.
struct Abort<T>(JoinHandle<T>);

impl<T> Future for Abort<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl CacheBackend for Redis {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        let key = key.clone();
        self.run("read from", |server| async move { server.get(&key).await })
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        let key = key.clone();
        self.run("write to", |server| async move { server.set(&key, &value).await })
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        let key = key.clone();
        self.run("delete from", |server| async move { server.delete(&key).await })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        let key = generation_key(scope);
        self.run("clear in", |server| async move {
            server.query(cmd("SET").arg(key).arg(&new_generation())).await
        })
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        Box::pin(std::future::ready(Ok(self.server.counters.snapshot())))
    }
}

/// What a scope's values bear until it is cleared.
type Generation = [u8; GENERATION];

const GENERATION: usize = 8;

impl Server {
    async fn get(&self, key: &BackendKey) -> RedisResult<Option<Value>> {
        let mut get = cmd("GET");
        let found = self.query::<Option<Vec<u8>>>(get.arg(key.as_str()));
        let (generations, found) = tokio::try_join!(self.generations(key), found)?;
        let opened = match (generations, found) {
            (Some(generations), Some(found)) => found
                .strip_prefix(generations.as_flattened())
                .map(|bytes| Value::open(key, bytes, &self.time)),
            _ => None,
        };
        Ok(self.counters.found(opened))
    }

    async fn set(&self, key: &BackendKey, value: &Value) -> RedisResult<()> {
        let result = self.try_set(key, value).await;
        if result.is_err() {
            // An older value must not outlive the one that should have taken its place.
            drop(self.delete(key).await);
        }
        result
    }

    async fn try_set(&self, key: &BackendKey, value: &Value) -> RedisResult<()> {
        let len = value.as_bytes().len();
        if len > self.max_value_bytes {
            let limit = format!("{len} bytes, the limit is {}", self.max_value_bytes);
            return Err((ErrorKind::InvalidClientConfig, "the value is too large", limit).into());
        }
        let ttl = value.remaining(&self.time).unwrap_or(self.max_ttl).min(self.max_ttl);
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return self.delete(key).await;
        }
        // Read before the value is written: it is out of date at once if the scope is cleared in between.
        let generations = match self.generations(key).await? {
            Some(generations) => generations,
            None => self.begin_generations(key).await?,
        };
        let bytes = [generations.as_flattened(), value.as_bytes()].concat();
        self.query::<()>(cmd("SET").arg(key.as_str()).arg(bytes).arg("PX").arg(millis)).await?;
        add(&self.counters.writes);
        Ok(())
    }

    async fn delete(&self, key: &BackendKey) -> RedisResult<()> {
        self.query(cmd("UNLINK").arg(key.as_str())).await
    }

    /// The generations of the key's namespace and function, unless one of them has not begun.
    async fn generations(&self, key: &BackendKey) -> RedisResult<Option<[Generation; 2]>> {
        let [namespace, function] = scopes(key).map(|scope| self.generation(scope));
        let (namespace, function) = tokio::try_join!(namespace, function)?;
        Ok(namespace.zip(function).map(<[Generation; 2]>::from))
    }

    async fn begin_generations(&self, key: &BackendKey) -> RedisResult<[Generation; 2]> {
        for scope in scopes(key) {
            // One that somebody else has begun meanwhile stays.
            let key = generation_key(&scope);
            self.query::<()>(cmd("SET").arg(key).arg(&new_generation()).arg("NX")).await?;
        }
        let lost = (ErrorKind::Client, "the server forgets at once what it is told");
        self.generations(key).await?.ok_or_else(|| lost.into())
    }

    async fn generation(&self, scope: Scope) -> RedisResult<Option<Generation>> {
        let found: Option<Vec<u8>> = self.query(cmd("GET").arg(generation_key(&scope))).await?;
        // Something else under this key is as good as nothing, and a clear replaces it.
        Ok(found.and_then(|bytes| bytes.try_into().ok()))
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match self.connection.get_or_try_init(|| self.connect()).await?.clone() {
            Connection::Single(mut connection) => command.query_async(&mut connection).await,
            Connection::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }

    async fn connect(&self) -> RedisResult<Connection> {
        match &self.connector {
            Connector::Single(client) => {
                // Who is without a connection is told so, and does not wait for another attempt.
                let config = ConnectionManagerConfig::new()
                    .set_number_of_retries(0)
                    .set_connection_timeout(Some(self.timeout))
                    .set_response_timeout(Some(self.timeout));
                let manager =
                    ConnectionManager::new_lazy_with_config(Client::clone(client), config)?;
                Ok(Connection::Single(manager))
            }
            Connector::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(self.timeout)
                    .set_response_timeout(self.timeout);
                let connection = client.get_async_connection_with_config(config).await?;
                Ok(Connection::Cluster(connection))
            }
        }
    }
}

impl fmt::Debug for Server {
    // The connector knows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

fn scopes(key: &BackendKey) -> [Scope; 2] {
    [key.namespace_scope(), key.function_scope()]
}

/// Has a part less than any key of a value, or ends otherwise.
fn generation_key(scope: &Scope) -> String {
    format!("{}generation", scope.as_str())
}

fn new_generation() -> Generation {
    RandomState::new().hash_one(GENERATION).to_le_bytes()
}
