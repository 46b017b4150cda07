//! One load among all processes that share a tier, whatever becomes of who runs it.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use cache_core::backend::Memory;
use cache_core::testing::TestCache;
use cache_core::{Cache, cached};

use crate::news::Peer;
use crate::outer::is_process;
use crate::redis::Server;
use crate::support::{Runs, eventually, watched};

/// How long a claim lasts.
const LEASE: Duration = Duration::from_secs(10);

/// So much a busy machine may add.
const LATE: Duration = Duration::from_secs(5);

const N_KEYS: u64 = 8;

/// Who has computed it. The body calls at the gate, and goes on when that hangs up.
#[cached(single_flight = cluster)]
fn drawing(n: u64) -> String {
    let gate = std::env::var("TEST_GATE").expect("an address");
    let mut gate = TcpStream::connect(gate).expect("it listens");
    assert_eq!(gate.read(&mut [0]).expect("it hangs up"), 0, "drawing {n}");
    std::process::id().to_string()
}

/// What a process does: what it is told.
fn serve() {
    for line in std::io::stdin().lines() {
        let line = line.expect("a line");
        let found = match line.as_str() {
            "all" => {
                let calls = || (0..N_KEYS).map(|n| thread::spawn(move || drawing(n)));
                let calls: Vec<_> = calls().collect();
                calls.into_iter().for_each(|call| drop(call.join().expect("no panic")));
                "all".to_owned()
            }
            n => drawing(n.parse().expect("a number")),
        };
        // Not for ever: the tier may be away.
        Cache::global().flush(Duration::from_secs(2));
        let slow: u64 = Cache::global().tiers().iter().map(|tier| tier.slow + tier.failures).sum();
        println!("printed: {found} {slow}");
    }
}

/// Counts the bodies that run in all processes, and holds them while it is closed.
struct Gate {
    address: SocketAddr,
    calls: Arc<Mutex<Calls>>,
}

#[derive(Default)]
struct Calls {
    n_runs: usize,
    is_closed: bool,
    held: Vec<TcpStream>,
}

impl Gate {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let calls: Arc<Mutex<Calls>> = Arc::default();
        let gate = Self { address, calls: Arc::clone(&calls) };
        thread::spawn(move || {
            for call in listener.incoming() {
                let mut calls = calls.lock().unwrap();
                calls.n_runs += 1;
                if calls.is_closed {
                    calls.held.push(call.expect("it has called"));
                }
            }
        });
        gate
    }

    fn close(&self) {
        self.calls.lock().unwrap().is_closed = true;
    }

    fn open(&self) {
        let mut calls = self.calls.lock().unwrap();
        calls.is_closed = false;
        calls.held.clear();
    }

    /// How many bodies have run.
    fn n_runs(&self) -> usize {
        self.calls.lock().unwrap().n_runs
    }
}

/// Processes with a tier, and a gate for their bodies.
struct Fleet {
    gate: Gate,
    peers: Vec<Peer>,
}

impl Fleet {
    fn new(test: &str, n_processes: usize, tier: &[(&'static str, String)]) -> Self {
        let gate = Gate::new();
        let mut variables: BTreeMap<_, _> = tier.iter().cloned().collect();
        variables.insert("TEST_GATE", gate.address.to_string());
        let peers = (0..n_processes).map(|_| Peer::start(test, &variables)).collect();
        Self { gate, peers }
    }

    /// What a process has found, unless the tier was too slow for it.
    fn hear(&mut self, peer: usize) -> Option<String> {
        let heard = self.peers[peer].hear();
        let (found, n_slow) = heard.split_once(' ').expect("two words");
        (n_slow == "0").then(|| found.to_owned())
    }

    fn signal(&self, peer: usize, signal: &str) {
        let pid = self.peers[peer].process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().expect("kill").success());
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("text").to_owned()
}

fn on(server: &Server) -> [(&'static str, String); 2] {
    [("CACHE_BACKEND", "redis".to_owned()), ("REDIS_URL", server.url())]
}

/// Has three processes ask for the same keys at the same time, until the tier was too slow for none of them.
fn one_body_for_each_key(test: &'static str, tier: impl Fn(u64) -> Vec<(&'static str, String)>) {
    let is_done = (0..5).any(|attempt| {
        let tier = tier(attempt);
        watched(move || {
            let mut fleet = Fleet::new(test, 3, &tier);
            fleet.gate.close();
            fleet.peers.iter_mut().for_each(|peer| peer.say("all"));
            eventually("all keys are computed", || fleet.gate.n_runs() >= N_KEYS as usize);
            fleet.gate.open();
            let heard: Vec<_> = (0..3).map(|peer| fleet.hear(peer)).collect();
            let was_fast = heard.iter().all(Option::is_some);
            assert!(
                !was_fast || fleet.gate.n_runs() == N_KEYS as usize,
                "{} bodies",
                fleet.gate.n_runs()
            );
            was_fast
        })
    });
    assert!(is_done, "the tier was too slow each time");
}

#[test]
fn processes_with_one_server_run_one_body_for_each_key() {
    if is_process() {
        return serve();
    }
    let server = Server::start(&[]);
    let test = "cluster::processes_with_one_server_run_one_body_for_each_key";
    one_body_for_each_key(test, |attempt| {
        let namespace = ("CACHE_NAMESPACE", attempt.to_string());
        on(&server).into_iter().chain([namespace]).collect()
    });
}

#[test]
fn processes_with_one_directory_run_one_body_for_each_key() {
    if is_process() {
        return serve();
    }
    let directory = tempfile::tempdir().expect("a folder");
    let test = "cluster::processes_with_one_directory_run_one_body_for_each_key";
    one_body_for_each_key(test, |attempt| {
        let directory = text(&directory.path().join(attempt.to_string()));
        vec![("CACHE_BACKEND", "filesystem".to_owned()), ("CACHE_DIR", directory)]
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long somebody waits is what is promised")]
fn a_process_that_is_killed_keeps_others_waiting_for_its_lease_at_most() {
    if is_process() {
        return serve();
    }
    watched(|| {
        let server = Server::start(&[]);
        let test = "cluster::a_process_that_is_killed_keeps_others_waiting_for_its_lease_at_most";
        let mut fleet = Fleet::new(test, 2, &on(&server));
        fleet.gate.close();
        fleet.peers[0].say("1");
        eventually("the body runs", || fleet.gate.n_runs() == 1);
        fleet.signal(0, "-KILL");
        fleet.gate.open();
        let begun = Instant::now();
        fleet.peers[1].say("1");
        fleet.peers[1].hear();
        assert!(begun.elapsed() < LEASE + LATE, "{:?}", begun.elapsed());
        assert_eq!(fleet.gate.n_runs(), 2);
    });
}

#[test]
fn a_process_that_was_stopped_beyond_its_lease_does_not_overwrite_a_newer_result() {
    if is_process() {
        return serve();
    }
    let test =
        "cluster::a_process_that_was_stopped_beyond_its_lease_does_not_overwrite_a_newer_result";
    let attempt = move || {
        let server = Server::start(&[]);
        let mut fleet = Fleet::new(test, 3, &on(&server));
        fleet.gate.close();
        fleet.peers[0].say("1");
        eventually("the body runs", || fleet.gate.n_runs() == 1);
        fleet.signal(0, "-STOP");
        fleet.gate.open();
        fleet.peers[1].say("1");
        let newer = fleet.hear(1);
        fleet.signal(0, "-CONT");
        let older = fleet.hear(0);
        fleet.peers[2].say("1");
        let found = fleet.hear(2);
        let (Some(newer), Some(older), Some(found)) = (newer, older, found) else { return false };
        assert_ne!(older, newer, "each has its own result");
        assert_eq!(found, newer);
        assert_eq!(fleet.gate.n_runs(), 2);
        true
    };
    assert!((0..3).any(|_| watched(attempt)), "the tier was too slow each time");
}

#[test]
fn without_the_server_every_process_runs_its_own_body() {
    if is_process() {
        return serve();
    }
    watched(|| {
        let mut server = Server::start(&[]);
        let test = "cluster::without_the_server_every_process_runs_its_own_body";
        let mut fleet = Fleet::new(test, 3, &on(&server));
        server.kill();
        fleet.peers.iter_mut().for_each(|peer| peer.say("1"));
        let heard: Vec<_> = fleet.peers.iter_mut().map(Peer::hear).collect();
        let own = |peer: &Peer| peer.process.id().to_string();
        let is_own = |(heard, peer): (&String, &Peer)| heard.starts_with(&own(peer));
        assert!(heard.iter().zip(&fleet.peers).all(is_own), "{heard:?}");
        assert_eq!(fleet.gate.n_runs(), 3);
    });
}

static SHADES: Runs = Runs::new();

/// Asks for itself, once.
#[cached(single_flight = cluster)]
fn shade(n: u64) -> u64 {
    if SHADES.note() == 0 { shade(n) + 1 } else { n }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long somebody waits is what is promised")]
fn a_call_does_not_wait_for_what_it_has_claimed_itself() {
    let tier = Arc::new(Memory::new(1 << 20));
    let process = TestCache::from_builder(Cache::builder().custom_backend(tier));
    let begun = Instant::now();
    watched(move || process.run(|| shade(1)));
    assert!(begun.elapsed() < LEASE, "{:?}", begun.elapsed());
    assert_eq!(SHADES.count(), 2);
}
