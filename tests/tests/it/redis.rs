//! What a cache in Redis does, with servers that the tests start.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cache_core::backend::{BackendKey, CacheBackend, Redis, Scope, Time, Value};
use cache_core::codec::Encoded;
use cache_core::testing::backend_conformance;
use pollster::FutureExt;
use tempfile::TempDir;

use crate::support::{eventually, watched};

/// A server of a test's own, which ends with it.
pub(crate) struct Server {
    process: Child,
    pub(crate) port: u16,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_on(free_port(), options)
    }

    pub(crate) fn start_on(port: u16, options: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().expect("a folder"), port, options)
    }

    /// Kills it and starts it anew, with what it has left in its folder.
    pub(crate) fn restart(mut self, options: &[&str]) -> Self {
        self.kill();
        let nowhere = tempfile::tempdir().expect("a folder");
        Self::start_in(std::mem::replace(&mut self.folder, nowhere), self.port, options)
    }

    fn start_in(folder: TempDir, port: u16, options: &[&str]) -> Self {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(folder.path())
            .args(options)
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "cannot start `redis-server`: {error}; on Debian: apt-get install redis-server"
                )
            });
        eventually("the server listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        Self { process, port, folder }
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    fn cache(&self) -> Redis {
        patient(Redis::new(&self.url()).expect("an address"))
    }

    /// What a command of `redis-cli` prints.
    pub(crate) fn ask(&self, command: &[&str]) -> String {
        let output = Command::new("redis-cli")
            .args(["-p", &self.port.to_string()])
            .args(command)
            .output()
            .expect("redis-cli, which comes with redis-server");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Stops the process, or has it go on.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().expect("kill");
        assert!(sent.success());
    }

    pub(crate) fn kill(&mut self) {
        self.process.kill().expect("it runs");
        self.process.wait().expect("its end");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Three servers of a test's own that share the keys among them.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Server>,
}

impl Cluster {
    pub(crate) fn start(options: &[&str]) -> Self {
        let node = || {
            // By itself it would be so much higher that there may be none.
            let bus = free_port().to_string();
            let of_cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus];
            Server::start(&[&of_cluster, options].concat())
        };
        let cluster = Self { nodes: (0..3).map(|_| node()).collect() };
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create", "--cluster-yes"]);
        create.args(cluster.nodes.iter().map(Server::address));
        let output = create.output().expect("redis-cli");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        eventually("the nodes agree", || {
            let is_ok = |node: &Server| node.ask(&["CLUSTER", "INFO"]).contains("cluster_state:ok");
            cluster.nodes.iter().all(is_ok)
        });
        cluster
    }

    /// The addresses of all nodes.
    pub(crate) fn url(&self) -> String {
        self.nodes.iter().map(Server::url).collect::<Vec<_>>().join(",")
    }

    /// Has one node give a thousand slots to another, in a process of its own, which has begun to when this returns.
    pub(crate) fn reshard(&self, from: usize, to: usize) -> Child {
        let node = &self.nodes[from];
        let shards = || node.ask(&["CLUSTER", "SHARDS"]);
        let before = shards();
        let [from, to] = [from, to].map(|idx| self.nodes[idx].ask(&["CLUSTER", "MYID"]));
        let moving = Command::new("redis-cli")
            .args(["--cluster", "reshard", &self.nodes[0].address()])
            .args(["--cluster-from", &from, "--cluster-to", &to])
            .args(["--cluster-slots", "1000", "--cluster-yes"])
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-cli");
        eventually("slots move", || shards() != before);
        moving
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A busy machine may take its time.
fn patient(redis: Redis) -> Redis {
    redis.timeout(Duration::from_secs(10))
}

fn conforms(redis: Redis) {
    watched(|| pollster::block_on(backend_conformance(Arc::new(redis))));
}

fn key(n: u32) -> BackendKey {
    BackendKey::new("shop", "price", "1", &n.to_le_bytes())
}

fn sealed(n: u32, bytes: &[u8], ttl: Option<Duration>) -> Value {
    Value::seal(&key(n), &Encoded::raw(bytes.to_vec()), ttl, &Time::system())
}

fn set(redis: &Redis, n: u32, bytes: &[u8]) {
    redis.set(&key(n), sealed(n, bytes, None)).block_on().expect("it is stored");
}

fn get(redis: &Redis, n: u32) -> Option<Vec<u8>> {
    let found = redis.get(&key(n)).block_on().expect("it can be looked up");
    found.map(|value| value.payload().to_vec())
}

#[test]
fn one_server_conforms() {
    let server = Server::start(&[]);
    conforms(server.cache());
}

#[test]
fn a_password_and_a_database_are_part_of_the_address() {
    let server = Server::start(&["--requirepass", "secret"]);
    let url = format!("redis://:secret@127.0.0.1:{}/3", server.port);
    let cache = patient(Redis::new(&url).expect("an address"));
    set(&cache, 1, b"a value");
    assert_eq!(get(&cache, 1).as_deref(), Some(&b"a value"[..]));
    assert_eq!(server.ask(&["--no-auth-warning", "-a", "secret", "-n", "3", "DBSIZE"]), "3");
    conforms(cache);

    let refused = patient(Redis::new(&url.replace("secret", "guess")).expect("an address"));
    let error = refused.get(&key(1)).block_on().expect_err("the password is wrong").to_string();
    assert!(error.contains("cannot read from Redis at `127.0.0.1:"), "{error}");
    assert!(!error.contains("guess") && !format!("{refused:?}").contains("guess"), "{error}");
}

#[test]
fn a_cluster_conforms() {
    let cluster = Cluster::start(&[]);
    let nodes = &cluster.nodes;
    let urls: Vec<String> = nodes.iter().map(Server::url).collect();
    let cache = patient(Redis::cluster(urls.iter().map(String::as_str)).expect("addresses"));
    for n in 0..100 {
        set(&cache, n, b"a value");
    }
    assert!(nodes.iter().all(|node| node.ask(&["DBSIZE"]) != "0"), "all nodes have some");
    cache.clear(&Scope::function("shop", "price")).block_on().expect("it is cleared");
    assert!((0..100).all(|n| get(&cache, n).is_none()));
    conforms(cache);
}

#[test]
fn a_server_with_tls_conforms() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = Command::new("openssl")
        .args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out cert.pem".split(' '))
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .current_dir(folder.path())
        .stderr(Stdio::null())
        .status()
        .expect("openssl; on Debian: apt-get install openssl");
    assert!(made.success());
    let path = |name: &str| folder.path().join(name).to_str().expect("text").to_owned();
    let port = free_port().to_string();
    let options = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &path("cert.pem"),
        "--tls-key-file",
        &path("key.pem"),
        "--tls-auth-clients",
        "no",
    ];
    let _server = Server::start(&options);
    let url = format!("rediss://localhost:{port}");

    let distrustful = patient(Redis::new(&url).expect("an address"));
    distrustful.get(&key(1)).block_on().expect_err("nobody has vouched for the certificate");

    let authority = fs::read(path("cert.pem")).expect("a certificate");
    let cache = patient(Redis::with_authority(&url, authority).expect("an address"));
    set(&cache, 1, b"a value");
    assert_eq!(get(&cache, 1).as_deref(), Some(&b"a value"[..]));
}

#[test]
fn an_address_that_is_none_is_refused_with_a_reason() {
    let error = Redis::new("http://localhost").expect_err("another protocol").to_string();
    assert!(error.contains("the address of the Redis server is refused"), "{error}");
    Redis::cluster([]).expect_err("no address");
}

#[test]
fn a_scope_is_cleared_without_looking_for_its_keys() {
    let server = Server::start(&[]);
    let cache = server.cache();
    server.ask(&["SET", "shop:price:mine", "untouched"]);
    for n in 0..50 {
        set(&cache, n, b"a value");
    }
    server.ask(&["CONFIG", "RESETSTAT"]);
    cache.clear(&Scope::function("shop", "price")).block_on().expect("it is cleared");
    let commands = server.ask(&["INFO", "commandstats"]);
    assert!(commands.contains("cmdstat_set:calls=1,"), "{commands}");
    for command in ["keys", "scan", "flushdb", "flushall", "del:", "unlink"] {
        assert!(!commands.contains(&format!("cmdstat_{command}")), "{commands}");
    }
    assert!((0..50).all(|n| get(&cache, n).is_none()));
    assert_eq!(server.ask(&["GET", "shop:price:mine"]), "untouched");
}

#[test]
fn a_clear_in_one_process_is_seen_by_all() {
    let server = Server::start(&[]);
    let (one, other) = (server.cache(), server.cache());
    set(&one, 1, b"a value");
    assert!(get(&other, 1).is_some());
    one.clear(&Scope::namespace("shop")).block_on().expect("it is cleared");
    assert_eq!(get(&other, 1), None);
    set(&other, 1, b"another");
    assert_eq!(get(&one, 1).as_deref(), Some(&b"another"[..]));
}

#[test]
fn values_do_not_come_back_when_the_server_loses_a_generation() {
    let server = Server::start(&[]);
    let cache = server.cache();
    set(&cache, 1, b"old");
    for generation in ["shop:generation", "shop:price:generation"] {
        cache.clear(&Scope::function("shop", "price")).block_on().expect("it is cleared");
        assert_eq!(server.ask(&["DEL", generation]), "1");
        assert_eq!(get(&cache, 1), None);
        set(&cache, 2, b"begins another generation");
        assert_eq!(get(&cache, 1), None);
        assert!(get(&cache, 2).is_some());
    }
}

#[test]
fn lifetimes_are_the_servers_too_and_never_unlimited() {
    let server = Server::start(&[]);
    let cache = server.cache().max_ttl(Duration::from_secs(100));
    let remaining =
        |n: u32| server.ask(&["PTTL", key(n).as_str()]).parse::<i64>().expect("a number");
    for (n, ttl, at_most) in [
        (1, None, 100_000),
        (2, Some(Duration::from_secs(1_000)), 100_000),
        (3, Some(Duration::from_millis(50_500)), 50_500),
    ] {
        cache.set(&key(n), sealed(n, b"", ttl)).block_on().expect("it is stored");
        let remaining = remaining(n);
        assert!(remaining > 0 && remaining <= at_most, "{ttl:?}: {remaining} ms");
    }
    set(&cache, 4, b"older");
    let ttl = Some(Duration::from_nanos(1));
    cache.set(&key(4), sealed(4, b"", ttl)).block_on().expect("it has expired already");
    assert_eq!(remaining(4), -2, "there is nothing");
}

#[test]
fn what_is_no_value_is_a_miss() {
    let server = Server::start(&[]);
    let cache = server.cache();
    set(&cache, 1, b"a value");
    for length in ["0", "7", "8", "16", "17", "100"] {
        server.ask(&[
            "EVAL",
            "redis.call('SET', KEYS[1], string.sub(redis.call('GET', KEYS[1]), 1, ARGV[1]))",
            "1",
            key(1).as_str(),
            length,
        ]);
        assert_eq!(get(&cache, 1), None, "{length} bytes");
        set(&cache, 1, b"a value");
    }
    for generation in ["shop:generation", "shop:price:generation"] {
        for foreign in [["SET", generation, "foreign"], ["LPUSH", generation, "foreign"]] {
            server.ask(&["DEL", generation]);
            server.ask(&foreign);
            assert_eq!(get(&cache, 1), None, "{foreign:?}");
            set(&cache, 1, b"a value");
            assert!(get(&cache, 1).is_some(), "{foreign:?} is replaced");
        }
    }
    server.ask(&["DEL", key(1).as_str()]);
    server.ask(&["LPUSH", key(1).as_str(), "foreign"]);
    assert_eq!(get(&cache, 1), None, "a list");
    set(&cache, 1, b"a value");
    assert!(get(&cache, 1).is_some(), "it is replaced");
}

#[test]
fn a_server_that_goes_is_an_error_and_one_that_comes_back_is_used_again() {
    let mut server = Server::start(&[]);
    let cache = server.cache();
    set(&cache, 1, b"a value");
    server.kill();
    watched(move || {
        for _ in 0..3 {
            cache.get(&key(1)).block_on().expect_err("there is no server");
            cache.set(&key(1), sealed(1, b"", None)).block_on().expect_err("there is no server");
        }
        let _server = Server::start_on(server.port, &[]);
        eventually("it is used again", || cache.get(&key(1)).block_on().is_ok());
        assert_eq!(get(&cache, 1), None, "it was not kept on a disk");
        set(&cache, 1, b"another");
        assert_eq!(get(&cache, 1).as_deref(), Some(&b"another"[..]));
    });
}

#[test]
fn a_server_that_never_answers_is_an_error_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("an address"));
    watched(move || {
        let cache = Redis::new(&url).expect("an address").timeout(Duration::from_millis(50));
        for _ in 0..3 {
            cache.get(&key(1)).block_on().expect_err("no answer");
        }
        drop(listener);
    });
}

#[test]
fn a_server_without_memory_refuses_values_and_keeps_no_older_one() {
    let server = Server::start(&[]);
    let cache = server.cache();
    set(&cache, 1, b"old");
    set(&cache, 2, b"another");
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let error = cache.set(&key(1), sealed(1, b"new", None)).block_on().expect_err("it is full");
    assert!(error.to_string().contains("cannot write to Redis"), "{error}");
    assert_eq!(get(&cache, 1), None);
    assert_eq!(get(&cache, 2).as_deref(), Some(&b"another"[..]));
}

#[test]
fn a_value_beyond_the_limit_is_refused_and_takes_the_older_one_along() {
    let server = Server::start(&[]);
    let cache = server.cache().max_value_bytes(1_000);
    set(&cache, 1, b"old");
    let error = cache.set(&key(1), sealed(1, &[0; 1_000], None)).block_on().expect_err("too large");
    assert!(error.to_string().contains("too large"), "{error}");
    assert_eq!(get(&cache, 1), None);
}

#[test]
fn caches_that_are_dropped_close_their_connections() {
    let server = Server::start(&[]);
    for _ in 0..20 {
        set(&server.cache(), 1, b"a value");
    }
    eventually("only the one who asks is connected", || {
        server.ask(&["CLIENT", "LIST"]).lines().count() == 1
    });
}

#[test]
fn it_can_be_dropped_inside_of_another_runtime() {
    let server = Server::start(&[]);
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let cache = server.cache();
    watched(move || {
        runtime.block_on(async move {
            cache.set(&key(1), sealed(1, b"", None)).await.expect("it is stored");
        });
    });
}
