//! What one process changes is heard by the others, whatever becomes of the connection.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cache_core::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, ChangeLog, Filesystem, Memory, News, Scope,
    Value,
};
use cache_core::testing::TestCache;
use cache_core::{
    Backend, Cache, Endpoint, Error, Event, Transaction, cached, emit, emit_all, emit_soft,
    invalidates,
};
use pollster::FutureExt;

use crate::outer::is_process;
use crate::redis::{Cluster, Server};
use crate::support::{Gate, eventually, watched};

/// A process that has just started, with a tier that others share.
fn process(tier: &Arc<Memory>) -> TestCache {
    TestCache::from_builder(Cache::builder().custom_backend(tier.clone()))
}

fn tier() -> Arc<Memory> {
    Arc::new(Memory::new(1 << 30))
}

/// Waits until all is written.
fn flush(process: &TestCache) {
    assert!(process.flush(Duration::from_secs(10)), "all is written");
}

#[derive(Event)]
struct Moved {
    ship: u64,
}

static N_LOOKS: AtomicU64 = AtomicU64::new(1);

/// Another number each time that the body runs.
#[cached(invalidate_on = [Moved { ship }, "PUT"])]
fn position(ship: u64) -> u64 {
    let _ = ship;
    N_LOOKS.fetch_add(1, Ordering::SeqCst)
}

#[cached]
fn map(ship: u64) -> u64 {
    position(ship)
}

#[invalidates(Moved { ship })]
fn sail(ship: u64) {
    let _ = ship;
}

type Verb = (&'static str, fn());

/// All that changes the position of ship 1.
const VERBS: [Verb; 11] = [
    ("emit", || emit(Moved { ship: 1 })),
    ("emit_soft", || emit_soft(Moved { ship: 1 })),
    ("emit_all", emit_all::<Moved>),
    ("a transaction", || {
        let mut changes = Transaction::new();
        changes.emit(Moved { ship: 9 });
        changes.emit(Moved { ship: 1 });
        changes.commit();
    }),
    ("#[invalidates]", || sail(1)),
    ("a write to an endpoint", || Endpoint::new("/ships").write("PUT", None).commit()),
    ("invalidate", || {
        position::invalidate(&1);
    }),
    ("expire", || {
        position::expire(&1);
    }),
    ("clear", position::clear),
    ("put", || {
        position::put(1, 0);
    }),
    ("refresh", || {
        position::refresh(1);
    }),
];

/// The position of a ship, as a request to an endpoint asks for it.
fn ask(process: &TestCache, ship: u64) -> (u64, u64) {
    process.run(|| Endpoint::new("/ships").run(|| (map(ship), position(ship))))
}

#[test]
fn what_one_process_changes_is_not_served_from_the_memory_of_another() {
    watched(|| {
        for (name, verb) in VERBS {
            let tier = tier();
            let (writer, reader) = (process(&tier), process(&tier));
            let old = ask(&reader, 1);
            flush(&reader);
            assert_eq!(ask(&writer, 1), old, "{name}: the tier has it");
            assert_eq!(ask(&reader, 1), old, "{name}: the memory has it");
            writer.run(verb);
            let new = ask(&writer, 1);
            assert!(new.0 != old.0 && new.1 != old.1, "{name}: {old:?} has become {new:?}");
            eventually(name, || {
                let found = ask(&reader, 1);
                found.0 != old.0 && found.1 != old.1
            });
        }
    });
}

#[test]
fn clearing_all_and_matching_names_reaches_other_processes() {
    watched(|| {
        type Clear = fn(&TestCache);
        let verbs: [Clear; 2] = [
            |it| it.clear(),
            |it| {
                it.invalidate_matching("posit*");
            },
        ];
        for verb in verbs {
            let tier = tier();
            let (writer, reader) = (process(&tier), process(&tier));
            let old = ask(&reader, 1);
            flush(&reader);
            verb(&writer);
            eventually("it is heard", || ask(&reader, 1).1 != old.1);
        }
    });
}

#[test]
fn what_one_process_changes_leaves_everything_else_in_the_memory_of_others() {
    watched(|| {
        let tier = tier();
        let (writer, reader) = (process(&tier), process(&tier));
        let others: Vec<_> = (2..50).map(|ship| ask(&reader, ship)).collect();
        let old = ask(&reader, 1);
        flush(&reader);
        let n_misses = || reader.stats().misses;
        let n_before = n_misses();
        writer.run(|| emit(Moved { ship: 1 }));
        writer.run(|| position::invalidate(&1));
        eventually("it is heard", || ask(&reader, 1).1 != old.1);
        let n_of_changed = n_misses() - n_before;
        let again: Vec<_> = (2..50).map(|ship| ask(&reader, ship)).collect();
        assert_eq!(again, others);
        assert_eq!(n_misses() - n_before, n_of_changed, "the memory has all others");
    });
}

#[test]
fn what_a_process_changes_itself_is_done_once() {
    watched(|| {
        let tier = tier();
        let (one, other) = (process(&tier), process(&tier));
        ask(&one, 1);
        one.run(|| emit(Moved { ship: 1 }));
        let new = ask(&one, 1);
        // What comes later in the log is heard later.
        let before = ask(&one, 2);
        other.run(|| emit(Moved { ship: 2 }));
        eventually("the other one is heard", || ask(&one, 2).1 != before.1);
        assert_eq!(one.run(|| position::peek(&1)), Some(new.1));
    });
}

static HELD: Gate = Gate::new();
static N_HELD: AtomicU64 = AtomicU64::new(0);

#[cached]
fn held(n: u64) -> u64 {
    N_HELD.fetch_add(1, Ordering::SeqCst);
    HELD.pass_blocking();
    n
}

#[test]
fn what_is_invalidated_while_another_process_loads_it_is_left_in_no_tier() {
    watched(|| {
        let tier = tier();
        type Removal = fn(&TestCache);
        let removals: [Removal; 3] = [
            |it| {
                it.run(|| held::invalidate(&1));
            },
            |it| it.run(held::clear),
            |it| it.clear(),
        ];
        for remove in removals {
            let (remover, loader) = (process(&tier), process(&tier));
            let n_begun = N_HELD.load(Ordering::SeqCst);
            std::thread::scope(|scope| {
                scope.spawn(|| loader.run(|| held(1)));
                eventually("the body runs", || N_HELD.load(Ordering::SeqCst) > n_begun);
                remove(&remover);
                HELD.open();
            });
            flush(&loader);
            let later = process(&tier);
            HELD.open();
            later.run(|| held(1));
            assert_eq!(later.stats().recalled, 0);
            later.run(|| held::invalidate(&1));
        }
    });
}

/// A tier whose log does what a test wants.
struct Wire {
    values: Memory,
    mood: AtomicU8,
    /// Lets removals through that are held.
    gate: Gate,
    /// The marks that were stored.
    marks: Mutex<Vec<(BackendKey, Vec<u8>)>>,
}

const WORKS: u8 = 0;
const FAILS: u8 = 1;
const FORGETS: u8 = 2;
const HOLDS_REMOVALS: u8 = 3;
const LOSES_ANSWERS: u8 = 4;

impl Wire {
    fn new() -> Arc<Self> {
        let (values, mood) = (Memory::new(1 << 30), AtomicU8::new(WORKS));
        Arc::new(Self { values, mood, gate: Gate::new(), marks: Mutex::default() })
    }

    fn process(self: &Arc<Self>, lease: Duration) -> TestCache {
        TestCache::from_builder(Cache::builder().custom_backend(self.clone()).lease(lease))
    }

    fn is(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }
}

impl CacheBackend for Wire {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        self.values.get(key)
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if key.as_str().contains(":mark%20") || key.as_str().contains(":clock:") {
                self.marks.lock().unwrap().push((key.clone(), value.payload().to_vec()));
            }
            self.values.set(key, value).await?;
            match self.mood.load(Ordering::SeqCst) {
                LOSES_ANSWERS => Err(Error::tier("the answer", "is lost")),
                _ => Ok(()),
            }
        })
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if self.mood.load(Ordering::SeqCst) == HOLDS_REMOVALS {
                self.gate.pass().await;
            }
            self.values.delete(key).await
        })
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        self.values.clear(scope)
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        self.values.stats()
    }

    fn log(&self) -> Option<&dyn ChangeLog> {
        Some(self)
    }
}

impl ChangeLog for Wire {
    fn append<'a>(
        &'a self,
        namespace: &'a str,
        message: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        self.values.append(namespace, message)
    }

    fn read<'a>(
        &'a self,
        namespace: &'a str,
        after: Option<&'a str>,
        patience: Duration,
    ) -> BoxFuture<'a, Result<News, Error>> {
        Box::pin(async move {
            let mut news = self.values.read(namespace, after, patience).await?;
            match self.mood.load(Ordering::SeqCst) {
                FAILS => Err(Error::tier("the log", "is in a bad mood")),
                FORGETS => {
                    news.messages.clear();
                    news.is_complete = false;
                    Ok(news)
                }
                _ => Ok(news),
            }
        })
    }
}

#[test]
fn who_does_not_hear_from_the_others_serves_nothing_that_is_older_than_a_lease() {
    watched(|| {
        let wire = Wire::new();
        let process = wire.process(Duration::from_millis(40));
        let old = ask(&process, 1);
        assert_eq!(ask(&process, 1), old);
        wire.is(FAILS);
        // The tier is asked again, each time anew.
        let n_misses = || process.stats().misses;
        for _ in 0..3 {
            let n_before = n_misses();
            eventually("it is looked for", || {
                assert_eq!(ask(&process, 1), old, "the tier has it");
                n_misses() > n_before
            });
        }
        wire.is(WORKS);
        // Then it is served from memory for longer than a lease.
        eventually("it is heard again", || {
            let (n_before, n_hits) = (n_misses(), process.stats().hits);
            ask(&process, 2);
            std::thread::park_timeout(Duration::from_millis(200));
            ask(&process, 2);
            n_misses() <= n_before + 2 && process.stats().hits >= n_hits + 2
        });
    });
}

#[test]
fn others_are_told_when_nothing_older_is_left_in_the_tier() {
    watched(|| {
        let wire = Wire::new();
        let writer = wire.process(Duration::from_secs(3600));
        ask(&writer, 1);
        flush(&writer);
        let told = |after: Option<&str>| {
            let read = wire.values.read("cache", after, Duration::ZERO);
            read.block_on().expect("a memory works")
        };
        let before = told(None).position;
        wire.is(HOLDS_REMOVALS);
        writer.run(|| emit(Moved { ship: 1 }));
        writer.run(|| position::invalidate(&2));
        assert!(told(Some(&before)).messages.is_empty(), "the marks are there");
        wire.is(WORKS);
        wire.gate.open_for_all();
        eventually("they are told", || !told(Some(&before)).messages.is_empty());
    });
}

#[test]
fn a_mark_that_may_have_been_stored_is_not_stored_again() {
    watched(|| {
        let wire = Wire::new();
        let process = wire.process(Duration::from_secs(3600));
        wire.is(LOSES_ANSWERS);
        for ship in 1..4 {
            ask(&process, ship);
        }
        wire.is(WORKS);
        for ship in 1..8 {
            ask(&process, ship);
        }
        flush(&process);
        let mut marks = std::mem::take(&mut *wire.marks.lock().unwrap());
        let n_marks = marks.len();
        assert!(n_marks > 0);
        marks.sort();
        marks.dedup();
        assert_eq!(marks.len(), n_marks, "it would come back after its removal");
    });
}

#[test]
fn what_was_missed_may_have_been_anything() {
    watched(|| {
        let wire = Wire::new();
        let hour = Duration::from_secs(3600);
        let (writer, reader) = (wire.process(hour), wire.process(hour));
        let old = ask(&reader, 1);
        flush(&reader);
        wire.is(FORGETS);
        writer.run(|| emit(Moved { ship: 1 }));
        eventually("it is seen that something is missing", || ask(&reader, 1).1 != old.1);
    });
}

#[test]
fn a_process_that_cannot_reach_the_log_is_heard_when_it_can() {
    watched(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let on_disk = || {
            let builder = Cache::builder().backend(Backend::Filesystem);
            TestCache::from_builder(builder.directory(folder.path()))
        };
        let (writer, reader) = (on_disk(), on_disk());
        let old = ask(&reader, 1);
        flush(&reader);
        // Whatever happens to the folder of the logs, somebody removes what is in its place in the end.
        let logs = folder.path().join("cache-core-1/changes");
        eventually("the way is blocked", || {
            drop(fs::rename(&logs, folder.path().join("away")));
            fs::write(&logs, "in the way").is_ok()
        });
        writer.run(|| emit(Moved { ship: 1 }));
        fs::remove_file(&logs).expect("it is there");
        eventually("it is heard", || ask(&reader, 1).1 != old.1);
    });
}

#[test]
fn a_log_in_a_file_that_is_damaged_or_gone_has_lost_something() {
    watched(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Filesystem::new(folder.path()).expect("a path");
        let log = files.log().expect("there is one");
        let read = |after: Option<&str>| {
            let news = log.read("ships", after, Duration::from_millis(1)).block_on();
            news.expect("it can be read")
        };
        let begin = read(None);
        for message in [&b"first"[..], b"second"] {
            log.append("ships", message.to_vec()).block_on().expect("it is added");
        }
        assert_eq!(read(Some(&begin.position)).messages.len(), 2);
        let logs = folder.path().join("cache-core-1/changes");
        let file = fs::read_dir(&logs).expect("logs").next().expect("one").expect("a file").path();
        let bytes = fs::read(&file).expect("a log");
        let first = bytes.len() - (12 + 5) - (12 + 6);
        for len in 0..bytes.len() {
            fs::write(&file, &bytes[..len]).expect("it is written");
            let news = read(Some(&begin.position));
            let is_complete = news.is_complete && read(Some(&news.position)).is_complete;
            let is_whole = len == first || len == first + 12 + 5;
            assert_eq!(is_complete, is_whole, "{len} of {} bytes", bytes.len());
        }
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1;
            fs::write(&file, flipped).expect("it is written");
            let news = read(Some(&begin.position));
            let is_complete = news.is_complete && read(Some(&news.position)).is_complete;
            assert!(!is_complete, "a bit of byte {place}");
        }
        fs::remove_file(&file).expect("it is there");
        assert!(!read(Some(&begin.position)).is_complete, "it is gone");
    });
}

#[test]
fn a_log_in_a_file_goes_on_in_another_one_and_nothing_is_missed() {
    watched(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Filesystem::new(folder.path()).expect("a path");
        let log = files.log().expect("there is one");
        let mut position = None;
        let mut n_read = 0_u32;
        for n in 0..60_u32 {
            let message = n.to_le_bytes().repeat(16 << 10);
            log.append("ships", message).block_on().expect("it is added");
            if n % 7 == 3 {
                let read = log.read("ships", position.as_deref(), Duration::from_millis(1));
                let news = read.block_on().expect("it can be read");
                assert!(news.is_complete, "after {n} messages");
                for message in news.messages {
                    n_read += 1;
                    assert_eq!(message[..4], (3 + n_read).to_le_bytes()[..], "in their order");
                }
                position = Some(news.position);
            }
        }
        assert_eq!(n_read, 56);
    });
}

/// Where a ship is, as a file says.
#[cached(invalidate_on = [Moved { ship }])]
fn harbour(ship: u64) -> String {
    let folder = std::env::var("TEST_TRUTH").expect("a folder");
    fs::read_to_string(Path::new(&folder).join(ship.to_string())).expect("it is somewhere")
}

/// What a process of [`Peer`] does: what it is told.
fn serve() {
    for line in std::io::stdin().lines() {
        let line = line.expect("a line");
        let (verb, ship) = line.split_once(' ').expect("a verb and a number");
        let ship: u64 = ship.parse().expect("a number");
        match verb {
            "ask" => println!("printed: {}", harbour(ship)),
            "emit" => {
                Cache::global().emit(Moved { ship });
                println!("printed: emitted");
            }
            "invalidate" => println!("printed: {}", harbour::invalidate(&ship)),
            other => panic!("{other}?"),
        }
    }
}

/// Another process, which does what it is told.
pub(crate) struct Peer {
    pub(crate) process: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn start(test: &str, variables: &BTreeMap<&str, String>) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", test, "--nocapture"])
            .env("TEST_ROLE", "process")
            .envs(variables)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("it runs");
        let stdin = process.stdin.take().expect("it is piped");
        let stdout = BufReader::new(process.stdout.take().expect("it is piped"));
        Self { process, stdin, stdout }
    }

    fn tell(&mut self, line: &str) -> String {
        self.say(line);
        self.hear()
    }

    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("it listens");
    }

    pub(crate) fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).expect("text") > 0, "it has ended");
            if let Some((_, text)) = line.split_once("printed: ") {
                return text.trim().to_owned();
            }
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Two processes with a folder of the truth.
struct Fleet {
    truth: tempfile::TempDir,
    peers: Mutex<[Peer; 2]>,
}

impl Fleet {
    fn new(test: &str, variables: &[(&'static str, String)]) -> Self {
        let truth = tempfile::tempdir().expect("a folder");
        let mut variables: BTreeMap<_, _> = variables.iter().cloned().collect();
        variables.insert("TEST_TRUTH", truth.path().to_str().expect("text").to_owned());
        let peers = Mutex::new([(); 2].map(|()| Peer::start(test, &variables)));
        Self { truth, peers }
    }

    fn move_to(&self, harbour: &str) {
        // In one step, for who reads it meanwhile.
        let (next, place) = (self.truth.path().join("next"), self.truth.path().join("1"));
        fs::write(&next, harbour).expect("it is written");
        fs::rename(next, place).expect("it is moved");
    }

    fn tell(&self, peer: usize, line: &str) -> String {
        self.peers.lock().unwrap()[peer].tell(line)
    }

    /// Moves the ship while `trouble` is made, tells so, and looks whether the other process notices.
    fn sail(&self, what: &str, verb: &str, trouble: impl FnOnce()) {
        self.move_to("Genoa");
        self.tell(0, "emit 1");
        eventually("both know it", || {
            (0..2).all(|peer| [(); 2].iter().all(|()| self.tell(peer, "ask 1") == "Genoa"))
        });
        trouble();
        self.move_to("Lisbon");
        self.tell(0, &format!("{verb} 1"));
        assert_eq!(self.tell(0, "ask 1"), "Lisbon", "{what}, {verb}: who has told it");
        eventually(what, || self.tell(1, "ask 1") == "Lisbon");
        assert_eq!(self.tell(1, "ask 1"), "Lisbon", "{what}, {verb}: and it stays so");
    }
}

#[test]
fn two_processes_with_one_directory_hear_each_other() {
    if is_process() {
        return serve();
    }
    let folder = tempfile::tempdir().expect("a folder");
    let directory = folder.path().to_str().expect("text").to_owned();
    let test = "news::two_processes_with_one_directory_hear_each_other";
    watched(move || {
        let variables = [("CACHE_BACKEND", "filesystem".to_owned()), ("CACHE_DIR", directory)];
        let fleet = Fleet::new(test, &variables);
        for verb in ["emit", "invalidate"] {
            fleet.sail("nothing happens", verb, || ());
            fleet.sail("the directory is emptied", verb, || {
                // In one step: both go on writing.
                let files = folder.path().join("cache-core-1");
                fs::rename(files, folder.path().join(verb)).expect("it is there");
            });
        }
    });
}

#[test]
fn two_processes_with_one_server_hear_each_other_whatever_becomes_of_it() {
    if is_process() {
        return serve();
    }
    let test = "news::two_processes_with_one_server_hear_each_other_whatever_becomes_of_it";
    watched(move || {
        let mut server = Server::start(&[]);
        let variables = [
            ("CACHE_BACKEND", "redis".to_owned()),
            ("REDIS_URL", server.url()),
            ("CACHE_LEASE", "300ms".to_owned()),
        ];
        let fleet = Fleet::new(test, &variables);
        for verb in ["emit", "invalidate"] {
            fleet.sail("nothing happens", verb, || ());
            fleet.sail("the connections are cut", verb, || {
                server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
            });
            fleet.sail("the log is trimmed", verb, || {
                server.ask(&["XTRIM", "cache:changes", "MAXLEN", "0"]);
            });
            fleet.sail("the log is deleted", verb, || {
                server.ask(&["DEL", "cache:changes"]);
            });
            fleet.sail("something else is in its place", verb, || {
                server.ask(&["SET", "cache:changes", "foreign"]);
            });
            fleet.sail("everything is deleted", verb, || {
                server.ask(&["FLUSHALL"]);
            });
            fleet.sail("there is no memory left", verb, || {
                server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
            });
            server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
            fleet.sail("the server does not answer", verb, || server.signal("-STOP"));
            server.signal("-CONT");
        }
        fleet.sail("the server is started anew, without data", "emit", || {
            server.kill();
            server = Server::start_on(server.port, &[]);
        });
        let keeps_data = ["--appendonly", "yes"];
        fleet.sail("the server is started anew, to keep data", "emit", || {
            server.kill();
            server = Server::start_on(server.port, &keeps_data);
        });
        for verb in ["emit", "invalidate"] {
            let mut restarted = None;
            fleet.sail("the server is started anew, with its data", verb, || {
                restarted = Some(server.restart(&keeps_data));
            });
            server = restarted.expect("it was");
        }
        fleet.sail("the server is gone", "emit", || server.kill());
    });
}

#[test]
fn two_processes_with_a_cluster_hear_each_other_whatever_becomes_of_it() {
    if is_process() {
        return serve();
    }
    let test = "news::two_processes_with_a_cluster_hear_each_other_whatever_becomes_of_it";
    watched(move || {
        let mut cluster = Cluster::start(&["--cluster-node-timeout", "500"]);
        let variables = [
            ("CACHE_BACKEND", "redis".to_owned()),
            ("REDIS_URL", cluster.url()),
            ("CACHE_LEASE", "300ms".to_owned()),
        ];
        let fleet = Fleet::new(test, &variables);
        for verb in ["emit", "invalidate"] {
            fleet.sail("nothing happens", verb, || ());
        }
        // Which node has the log is up to its name.
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            let mut moving = None;
            fleet.sail("slots move", "emit", || moving = Some(cluster.reshard(from, to)));
            assert!(moving.expect("it was begun").wait().expect("its end").success());
        }
        fleet.sail("a node is lost", "emit", || cluster.nodes[2].kill());
    });
}
