//! The backend that keeps values in Redis or Valkey, on one server or in a cluster.
//!
//! | key | value |
//! | --- | --- |
//! | `namespace:function:version:digest` | two generations of 8 bytes, and the value |
//! | `namespace:generation`, `namespace:function:generation` | 8 random bytes |
//! | `namespace:changes` | a stream with a message in the field `m` of each entry |
//!
//! A value counts as long as the generations in it are those of its namespace and its function.
//! To clear a scope is to give it another generation: one command, whatever there is, on every node of a cluster,
//! and no key has to be looked for. What is out of date is given back when its lifetime ends.
//! A generation that is lost makes misses: the next one is as random, and older values do not come back.
//!
//! A position in the stream is that of an entry, which is looked for after those that follow were read: while it is
//! there, none of them was dropped. A server that was started anew, or another one that has taken over, may have lost
//! what came last, so its own identifier is a part of the position.

#[cfg(feature = "redis-tls")]
mod tls;

/// Without the feature there is nothing to prepare: the client refuses such addresses by itself.
#[cfg(not(feature = "redis-tls"))]
mod tls {
    pub(super) fn prepare() {}
}

use std::fmt;
use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::pin::pin;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::cluster::{ClusterClient, ClusterConfig};
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, ErrorKind, FromRedisValue, RedisResult, cmd};
use tokio::runtime::{self, Runtime};
use tokio::sync::OnceCell;

use crate::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, ChangeLog, Counters, News, Scope, Time,
    Value, add,
};
use crate::error::Error;
use crate::sync::Arc;

const DEFAULT_TIMEOUT: Duration = Duration::from_millis(500);
const DEFAULT_MAX_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const DEFAULT_MAX_VALUE_BYTES: usize = 64 << 20;

/// About so many messages are there to be read, and so many are read at a time.
const MAX_MESSAGES: usize = 10_000;

/// Stores a value that begins with its generations, unless there is one with the same.
const SET_IF_ABSENT: &str = "
local found = redis.pcall('GET', KEYS[1])
if type(found) == 'string' and string.sub(found, 1, 16) == string.sub(ARGV[1], 1, 16) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Says which server this is, how many entries a position in the stream names, and what the last entry is, of which
/// there is one from then on.
const LOOK_AT_LOG: &str = "
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local id = last[1] and last[1][1] or redis.call('XADD', KEYS[1], '*', 'm', '')
return {run, #redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1]), id}";

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
    /// Waits for messages, which would keep others waiting.
    reader: OnceCell<Connection>,
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
            reader: OnceCell::new(),
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

    /// Runs an operation of the client, whoever polls the future.
    fn run<'a, T, F>(
        &'a self,
        what: &'static str,
        patience: Duration,
        operation: impl FnOnce(Arc<Server>) -> F + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>>
    where
        T: Send + 'static,
        F: Future<Output = RedisResult<T>> + Send + 'static,
    {
        Box::pin(async move {
            let server = Arc::clone(&self.server);
            let operation = operation(Arc::clone(&server));
            let patience = patience.saturating_add(server.timeout);
            let runtime = self.runtime.as_ref().expect("it is there until this is dropped");
            let timed = {
                let _entered = runtime.enter();
                tokio::time::timeout(patience, operation)
            };
            let mut timed = pin!(timed);
            // On the thread that polls, so that an answer wakes nobody but who waits for it: only the sockets and the
            // timers are served by the runtime's own.
            let polled = poll_fn(|cx| {
                let _entered = runtime.enter();
                timed.as_mut().poll(cx)
            });
            let cause: Box<dyn std::error::Error + Send + Sync> = match polled.await {
                Ok(Ok(result)) => return Ok(result),
                Ok(Err(cause)) => cause.into(),
                Err(_) => format!("no answer within {patience:?}").into(),
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

impl CacheBackend for Redis {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        let key = key.clone();
        self.run("read from", Duration::ZERO, |server| async move {
            Ok(server.get_all(&[key]).await?.pop().flatten())
        })
    }

    fn get_all<'a>(
        &'a self,
        keys: &'a [BackendKey],
    ) -> BoxFuture<'a, Result<Vec<Option<Value>>, Error>> {
        let keys = keys.to_vec();
        self.run("read from", Duration::ZERO, |server| async move { server.get_all(&keys).await })
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        let key = key.clone();
        self.run("write to", Duration::ZERO, |server| async move { server.set(&key, &value).await })
    }

    fn set_if_absent<'a>(
        &'a self,
        key: &'a BackendKey,
        value: Value,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        let key = key.clone();
        self.run("write to", Duration::ZERO, |server| async move {
            server.set_if_absent(&key, &value).await
        })
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        let key = key.clone();
        self.run("delete from", Duration::ZERO, |server| async move { server.delete(&key).await })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        let key = generation_key(scope.as_str());
        self.run("clear in", Duration::ZERO, |server| async move {
            server.query(cmd("SET").arg(key).arg(&new_generation())).await
        })
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        Box::pin(std::future::ready(Ok(self.server.counters.snapshot())))
    }

    fn log(&self) -> Option<&dyn ChangeLog> {
        Some(self)
    }
}

impl ChangeLog for Redis {
    fn append<'a>(
        &'a self,
        namespace: &'a str,
        message: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let log = log_key(namespace);
        self.run(
            "write to",
            Duration::ZERO,
            |server| async move { server.append(&log, &message).await },
        )
    }

    fn read<'a>(
        &'a self,
        namespace: &'a str,
        after: Option<&'a str>,
        patience: Duration,
    ) -> BoxFuture<'a, Result<News, Error>> {
        let (log, after) = (log_key(namespace), after.map(str::to_owned));
        self.run("read from", patience, move |server| async move {
            server.news(&log, after.as_deref(), patience).await
        })
    }
}

/// What a scope's values bear until it is cleared.
type Generation = [u8; GENERATION];

const GENERATION: usize = 8;

/// What is under a key, if that is a text.
type Found = Option<Vec<u8>>;

fn generation(found: &Found) -> Option<Generation> {
    found.as_deref()?.try_into().ok()
}

impl Server {
    async fn get_all(&self, keys: &[BackendKey]) -> RedisResult<Vec<Option<Value>>> {
        let mut all: Vec<&str> = keys.iter().flat_map(scopes).collect();
        all.sort_unstable();
        all.dedup();
        let mut get = get_generations(&all);
        keys.iter().for_each(|key| _ = get.arg(key.as_str()));
        // Something else under a key is as good as nothing.
        let mut found = self.query::<Vec<Found>>(&get).await?;
        let values = found.split_off(all.len().min(found.len()));
        let generation = |scope: &str| generation(found.get(all.binary_search(&scope).ok()?)?);
        let open = |(key, found): (&BackendKey, Found)| {
            let [namespace, function] = scopes(key).map(generation);
            let generations = [namespace?, function?];
            let found = found?;
            let bytes = found.strip_prefix(generations.as_flattened())?;
            Some(Value::open(key, bytes, &self.time))
        };
        let opened = keys.iter().zip(values).map(open);
        Ok(opened.map(|opened| self.counters.found(opened)).collect())
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
        let Some((bytes, millis)) = self.sealed(key, value).await? else {
            return self.delete(key).await;
        };
        self.query::<()>(cmd("SET").arg(key.as_str()).arg(bytes).arg("PX").arg(millis)).await?;
        add(&self.counters.writes);
        Ok(())
    }

    async fn set_if_absent(&self, key: &BackendKey, value: &Value) -> RedisResult<bool> {
        let Some((bytes, millis)) = self.sealed(key, value).await? else { return Ok(true) };
        let mut set = cmd("EVAL");
        set.arg(SET_IF_ABSENT).arg(1).arg(key.as_str()).arg(bytes).arg(millis);
        let is_set = self.query(&set).await?;
        if is_set {
            add(&self.counters.writes);
        }
        Ok(is_set)
    }

    /// What is stored for a value, and for how long; `None` if its lifetime has ended.
    async fn sealed(&self, key: &BackendKey, value: &Value) -> RedisResult<Option<(Vec<u8>, u64)>> {
        let len = value.as_bytes().len();
        if len > self.max_value_bytes {
            let limit = format!("{len} bytes, the limit is {}", self.max_value_bytes);
            return Err((ErrorKind::InvalidClientConfig, "the value is too large", limit).into());
        }
        let ttl = value.remaining(&self.time).unwrap_or(self.max_ttl).min(self.max_ttl);
        let millis = u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX);
        if millis == 0 {
            return Ok(None);
        }
        // Read before the value is written: it is out of date at once if the scope is cleared in between.
        let generations = match self.generations(key).await? {
            Some(generations) => generations,
            None => self.begin_generations(key).await?,
        };
        Ok(Some(([generations.as_flattened(), value.as_bytes()].concat(), millis)))
    }

    async fn delete(&self, key: &BackendKey) -> RedisResult<()> {
        self.query(cmd("UNLINK").arg(key.as_str())).await
    }

    /// The generations of the key's namespace and function, unless one of them has not begun.
    async fn generations(&self, key: &BackendKey) -> RedisResult<Option<[Generation; 2]>> {
        let get = get_generations(&scopes(key));
        let (namespace, function): (Found, Found) = self.query(&get).await?;
        Ok(generation(&namespace).zip(generation(&function)).map(<[Generation; 2]>::from))
    }

    async fn begin_generations(&self, key: &BackendKey) -> RedisResult<[Generation; 2]> {
        for scope in scopes(key) {
            // One that somebody else has begun meanwhile stays.
            let key = generation_key(scope);
            self.query::<()>(cmd("SET").arg(key).arg(&new_generation()).arg("NX")).await?;
        }
        if let Some(generations) = self.generations(key).await? {
            return Ok(generations);
        }
        for key in scopes(key).map(generation_key) {
            // Something else is there, and counts for nothing.
            let found: [Found; 1] = self.query(cmd("MGET").arg(&key)).await?;
            if found.iter().find_map(generation).is_none() {
                self.query::<()>(cmd("SET").arg(&key).arg(&new_generation())).await?;
            }
        }
        let lost = (ErrorKind::Client, "the server forgets at once what it is told");
        self.generations(key).await?.ok_or_else(|| lost.into())
    }

    async fn append(&self, log: &str, message: &[u8]) -> RedisResult<()> {
        let mut add = cmd("XADD");
        add.arg(log).arg("MAXLEN").arg("~").arg(MAX_MESSAGES).arg("*").arg("m").arg(message);
        let result = self.query::<()>(&add).await;
        if result.is_err() {
            // Who reads it sees that something is missing.
            drop(self.query::<()>(cmd("UNLINK").arg(log)).await);
        }
        result
    }

    async fn news(&self, log: &str, after: Option<&str>, patience: Duration) -> RedisResult<News> {
        let (run, id) = after.and_then(|after| after.split_once('/')).unwrap_or(("", "0-0"));
        let mut entries = Vec::new();
        if after.is_some() {
            let mut read = cmd("XREAD");
            read.arg("COUNT")
                .arg(MAX_MESSAGES)
                .arg("BLOCK")
                .arg(patience.as_millis().max(1) as u64);
            entries = self.wait(read.arg("STREAMS").arg(log).arg(id), patience).await?;
        }
        let mut look = cmd("EVAL");
        look.arg(LOOK_AT_LOG).arg(1).arg(log).arg(id);
        let (present_run, n_known, last): (String, u32, String) = self.query(&look).await?;
        let is_complete = after.is_none() || (run == present_run && n_known > 0);
        let read = entries.last().filter(|_| is_complete).map(|(id, _)| id.clone());
        // What has come after the last message that was read is read next.
        let known = || if after.is_some() && is_complete { id.to_owned() } else { last };
        let position = format!("{present_run}/{}", read.unwrap_or_else(known));
        let messages = entries.into_iter().flat_map(|(_, fields)| fields.into_iter().nth(1));
        Ok(News { position, messages: messages.collect(), is_complete })
    }

    /// The entries of a stream that a command waits for, on a connection of its own.
    async fn wait(&self, command: &Cmd, patience: Duration) -> RedisResult<Vec<Entry>> {
        let patience = self.timeout.saturating_add(patience);
        let connection = self.reader.get_or_try_init(|| self.connect(patience)).await?;
        let streams: Option<Vec<(String, Vec<Entry>)>> = connection.query(command).await?;
        Ok(streams.into_iter().flatten().flat_map(|(_, entries)| entries).collect())
    }

    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let connection = self.connection.get_or_try_init(|| self.connect(self.timeout)).await?;
        connection.query(command).await
    }

    async fn connect(&self, response_timeout: Duration) -> RedisResult<Connection> {
        match &self.connector {
            Connector::Single(client) => {
                // Who is without a connection is told so, and does not wait for another attempt.
                // Answers are waited for as long as the operation may take.
                let config = ConnectionManagerConfig::new()
                    .set_number_of_retries(0)
                    .set_connection_timeout(Some(self.timeout))
                    .set_response_timeout(None);
                let manager =
                    ConnectionManager::new_lazy_with_config(Client::clone(client), config)?;
                Ok(Connection::Single(manager))
            }
            Connector::Cluster(client) => {
                let config = ClusterConfig::new()
                    .set_connection_timeout(self.timeout)
                    .set_response_timeout(response_timeout);
                let connection = client.get_async_connection_with_config(config).await?;
                Ok(Connection::Cluster(connection))
            }
        }
    }
}

impl Connection {
    async fn query<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        match self.clone() {
            Self::Single(mut connection) => command.query_async(&mut connection).await,
            Self::Cluster(mut connection) => command.query_async(&mut connection).await,
        }
    }
}

/// An entry of a stream: what it is called, and its fields and their values in turn.
type Entry = (String, Vec<Vec<u8>>);

impl fmt::Debug for Server {
    // The connector knows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

/// The namespace and the function of a key.
fn scopes(key: &BackendKey) -> [&str; 2] {
    [key.parts(1), key.parts(2)]
}

/// Asks for the generations of scopes. In a cluster the client asks each node for its part.
fn get_generations(scopes: &[&str]) -> Cmd {
    let mut get = cmd("MGET");
    for scope in scopes {
        get.arg(generation_key(scope));
    }
    get
}

/// Has a part less than any key of a value, or ends otherwise.
fn generation_key(scope: &str) -> String {
    [scope, "generation"].concat()
}

/// Has a part less than any key of a value, and ends otherwise than that of a generation.
fn log_key(namespace: &str) -> String {
    format!("{}changes", Scope::namespace(namespace).as_str())
}

fn new_generation() -> Generation {
    RandomState::new().hash_one(GENERATION).to_le_bytes()
}
