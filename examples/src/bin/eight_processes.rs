//! Do processes that share a Redis server keep what they promise each other, whatever happens?
//!
//! Eight processes read and write forty accounts through cached functions, while this one kills them, cuts their
//! connections, stops the server, starts it anew, and takes data away from it. An account is a file, so that each read
//! can be compared with what it should have been: the version whose change was acknowledged a lease ago, or a later one.
//!
//! ```text
//! cargo run --release --bin eight_processes -- --seconds 600
//! ```
//!
//! With `--forget` the processes write and tell nobody, and it counts what comes of that.

#![expect(clippy::disallowed_methods, reason = "processes are watched by the clock")]

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use cache_core::{Cache, cached, emit};

const N_PROCESSES: u64 = 8;
const N_ACCOUNTS: u64 = 40;
const LEASE: Duration = Duration::from_millis(500);

/// A busy machine lets a thread wait so long.
const SLACK: Duration = Duration::from_millis(250);

/// The version that an account has: what its file says.
#[cached(invalidate_on = [("account", account)])]
fn version(account: u64) -> u64 {
    let text = fs::read_to_string(file("version", account)).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

/// The versions of two accounts.
#[cached]
fn statement(account: u64) -> (u64, u64) {
    (version(account), version((account + 1) % N_ACCOUNTS))
}

fn file(kind: &str, account: u64) -> PathBuf {
    let folder = std::env::var_os("ACCOUNTS").expect("the parent says where they are");
    Path::new(&folder).join(format!("{kind}-{account}"))
}

/// By a clock that all processes share.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Gives an account another version, and notes when all others have been told.
fn write(account: u64) -> Result<()> {
    let path = file("version", account);
    let next =
        fs::read_to_string(&path).ok().and_then(|it| it.trim().parse().ok()).unwrap_or(0) + 1;
    let beside = path.with_extension("next");
    fs::write(&beside, format!("{next}"))?;
    fs::rename(&beside, &path)?;
    if std::env::var_os("FORGET").is_some() {
        // Then nobody will know.
    } else if fastrand::bool() {
        emit(("account", account));
    } else {
        version::invalidate(&account);
    }
    // The verbs do not wait for a server that is away.
    if Cache::global().flush(Duration::from_secs(30)) {
        let mut acknowledged =
            OpenOptions::new().create(true).append(true).open(file("told", account))?;
        acknowledged.write_all(format!("{next} {}\n", now().as_millis()).as_bytes())?;
    }
    Ok(())
}

/// When the versions of an account were acknowledged.
fn acknowledged(account: u64) -> BTreeMap<u64, Duration> {
    let text = fs::read_to_string(file("told", account)).unwrap_or_default();
    let line = |line: &str| {
        let (version, millis) = line.split_once(' ')?;
        Some((version.parse().ok()?, Duration::from_millis(millis.parse().ok()?)))
    };
    text.lines().filter_map(line).collect()
}

/// What a process has seen.
#[derive(Clone, Copy, Default)]
struct Counts {
    reads: u64,
    writes: u64,
    hits: u64,
    /// Reads of what had changed, and for how many milliseconds it had at the most.
    late: u64,
    latest: u64,
    /// Those among them that the lease does not allow.
    wrong: u64,
}

impl Counts {
    /// Notes what a read has found that began at some time.
    fn check(&mut self, account: u64, found: u64, begun: Duration) {
        self.reads += 1;
        // The first change that the read has not seen.
        let missed = acknowledged(account).range(found + 1..).map(|(_, at)| *at).min();
        if let Some(age) = missed.and_then(|at| begun.checked_sub(at)) {
            self.late += 1;
            self.latest = self.latest.max(age.as_millis() as u64);
            self.wrong += u64::from(age > LEASE + SLACK);
        }
    }

    fn add(&mut self, other: &Self) {
        self.reads += other.reads;
        self.writes += other.writes;
        self.hits += other.hits;
        self.late += other.late;
        self.latest = self.latest.max(other.latest);
        self.wrong += other.wrong;
    }

    fn to_line(self) -> String {
        let Self { reads, writes, hits, late, latest, wrong } = self;
        format!("{reads} {writes} {hits} {late} {latest} {wrong}")
    }

    fn of_line(line: &str) -> Option<Self> {
        let numbers: Vec<u64> = line.split(' ').map_while(|it| it.parse().ok()).collect();
        let [reads, writes, hits, late, latest, wrong] = numbers.try_into().ok()?;
        Some(Self { reads, writes, hits, late, latest, wrong })
    }
}

/// Reads and writes at random until it is killed. Each account is written by one process.
fn work(own: u64) -> Result<()> {
    let mut counts = Counts::default();
    for n in 1_u64.. {
        thread::sleep(Duration::from_micros(fastrand::u64(500..8_000)));
        let account = fastrand::u64(0..N_ACCOUNTS);
        match fastrand::u32(0..20) {
            0 => {
                write(account / N_PROCESSES * N_PROCESSES + own)?;
                counts.writes += 1;
            }
            1..5 => {
                let begun = now();
                let (first, second) = statement(account);
                counts.check(account, first, begun);
                counts.check((account + 1) % N_ACCOUNTS, second, begun);
            }
            _ => {
                let begun = now();
                counts.check(account, version(account), begun);
            }
        }
        if n % 50 == 0 {
            counts.hits = Cache::global().stats().hits;
            println!("{}", counts.to_line());
        }
    }
    Ok(())
}

/// A process that works, and what it has said last.
struct Worker {
    process: Child,
    counts: Arc<Mutex<Counts>>,
}

impl Worker {
    fn start(own: u64, accounts: &Path, port: u16, forget: bool) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--own", &own.to_string()])
            .env("ACCOUNTS", accounts)
            .env("CACHE_BACKEND", "redis")
            .env("CACHE_LEASE", format!("{}ms", LEASE.as_millis()))
            .env("REDIS_URL", format!("redis://127.0.0.1:{port}"))
            .envs(forget.then_some(("FORGET", "1")))
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().context("it is piped")?;
        let counts = Arc::new(Mutex::new(Counts::default()));
        let said = Arc::clone(&counts);
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(counts) = Counts::of_line(&line) {
                    *said.lock().expect("nobody panics") = counts;
                }
            }
        });
        Ok(Self { process, counts })
    }

    /// Kills it, and says what it has seen.
    fn kill(&mut self) -> Result<Counts> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(*self.counts.lock().expect("nobody panics"))
    }
}

/// The server, which loses its data when it ends.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(port: u16) -> Result<Self> {
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server; on Debian: apt-get install redis-server")?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(Self { process, port })
    }

    fn ask(&self, command: &[&str]) -> Result<()> {
        let port = self.port.to_string();
        Command::new("redis-cli").args(["-p", &port]).args(command).output()?;
        Ok(())
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let id = self.process.id().to_string();
        ensure!(Command::new("kill").args([signal, &id]).status()?.success(), "kill {signal}");
        Ok(())
    }

    fn kill(&mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

/// What happens to the processes and the server, from time to time.
const TROUBLE: [&str; 6] = [
    "processes killed",
    "connections cut",
    "servers stopped for a while",
    "servers started anew",
    "data deleted",
    "logs trimmed",
];

fn supervise(seconds: u64, forget: bool) -> Result<()> {
    let accounts = tempfile::tempdir()?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut server = Server::start(port)?;
    let start = |own| Worker::start(own, accounts.path(), port, forget);
    let mut workers = (0..N_PROCESSES).map(start).collect::<Result<Vec<_>>>()?;
    let mut total = Counts::default();
    let mut n_of_trouble = [0; TROUBLE.len()];
    let end = now() + Duration::from_secs(seconds);
    while now() < end {
        thread::sleep(Duration::from_millis(fastrand::u64(200..3_000)));
        let trouble = fastrand::usize(0..TROUBLE.len());
        n_of_trouble[trouble] += 1;
        match trouble {
            0 => {
                let own = fastrand::u64(0..N_PROCESSES);
                total.add(&workers[own as usize].kill()?);
                workers[own as usize] = start(own)?;
            }
            1 => server.ask(&["CLIENT", "KILL", "TYPE", "normal"])?,
            2 => {
                server.signal("-STOP")?;
                thread::sleep(Duration::from_millis(fastrand::u64(100..3_000)));
                server.signal("-CONT")?;
            }
            3 => {
                server.kill()?;
                thread::sleep(Duration::from_millis(fastrand::u64(0..2_000)));
                server = Server::start(port)?;
            }
            4 => server.ask(&["FLUSHALL"])?,
            _ => server.ask(&["XTRIM", "cache:changes", "MAXLEN", "0"])?,
        }
    }
    for worker in &mut workers {
        total.add(&worker.kill()?);
    }
    server.kill()?;
    for (what, n) in TROUBLE.iter().zip(n_of_trouble) {
        println!("{n:8} {what}");
    }
    let Counts { reads, writes, hits, late, latest, wrong } = total;
    println!("{writes:8} writes\n{reads:8} reads\n{hits:8} answered from memory");
    println!("{late:8} saw an older version, for {latest} ms at the most");
    println!("{wrong:8} saw one for longer than the lease of {LEASE:?} and {SLACK:?}");
    ensure!(reads > 0 && (wrong > 0) == forget, "that is not what was to be seen");
    Ok(())
}

fn main() -> Result<()> {
    use lexopt::prelude::*;
    let (mut seconds, mut forget) = (20, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("seconds") => seconds = parser.value()?.parse()?,
            Long("forget") => forget = true,
            Long("own") => return work(parser.value()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    supervise(seconds, forget)
}
