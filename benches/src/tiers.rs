//! What does a call cost that a slower tier answers, next to asking that without a framework?
//!
//! Ours and what it is compared with take turns in one process; a ratio is the median of the ratios of its rounds.

mod run;

use std::{
    env, fs,
    future::Future,
    hint::black_box,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitCode, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use cache_core::{Cache, cached};
use cached::{ConcurrentCached, RedbCache, SerializeCached};
use rand::{RngExt, SeedableRng, distr::Alphanumeric, rngs::SmallRng};
use redis::{AsyncCommands, Client, aio::ConnectionManager};
use tokio::runtime::{self, Runtime};

use crate::run::output;

const N_ROUNDS: u64 = 21;

/// How many callers ask at a time, and how many keys they ask for.
const N_CALLERS: u64 = 64;
const N_KEYS: u64 = 1_024;

/// How many calls instructions are counted over.
const N_COUNTED: u64 = 20_000;

const KB: usize = 1_000;
const MB: usize = 1_000 * KB;

/// How many images are stored, and how large they are.
const N_IMAGES: u64 = 1_000;
const IMAGE: usize = 42 * KB;

/// Letters in no order, of which lz4 cannot make less.
static LETTERS: LazyLock<String> = LazyLock::new(|| {
    SmallRng::seed_from_u64(1).sample_iter(Alphanumeric).take(2 * MB).map(char::from).collect()
});

/// How many bodies ran.
static BODIES: AtomicU64 = AtomicU64::new(0);

/// Another text for each number.
fn text(len: usize, n: u64) -> &'static str {
    let begin = n as usize * 7 % MB;
    &LETTERS[begin..begin + len]
}

fn computed(len: usize, n: u64) -> String {
    BODIES.fetch_add(1, Ordering::Relaxed);
    text(len, n).to_owned()
}

#[cached(redis)]
async fn from_redis(len: usize, n: u64) -> String {
    computed(len, n)
}

#[cached(disk)]
fn from_disk(len: usize, n: u64) -> String {
    computed(len, n)
}

#[cached(disk)]
fn image(n: u64) -> Vec<u8> {
    SmallRng::seed_from_u64(n).random_iter().take(IMAGE).collect()
}

#[cached]
fn in_memory(n: u64) -> u64 {
    n
}

#[cached(disk)]
fn before_disk(n: u64) -> u64 {
    n
}

#[cached(redis)]
fn before_redis(n: u64) -> u64 {
    n
}

fn main() -> ExitCode {
    let word = env::args().nth(1);
    let done = match word.as_deref().map(|word| word.split_once('=').unwrap_or((word, ""))) {
        Some(("count", tier)) => count(tier),
        Some((part, _)) => compare(|name| name == part),
        None => compare(|_| true),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Compares what is wanted of `redis`, `disk`, `images` and `memory`.
fn compare(is_wanted: impl Fn(&str) -> bool) -> Result<ExitCode> {
    let folder = tempfile::tempdir()?;
    let server = Server::start()?;
    let directory = folder.path().join("ours");
    // Room for one result, so that no call finds its own in memory.
    let cache = Cache::builder().max_entries(1).directory(&directory).redis_url(server.url());
    cache.install()?;
    println!("{:<60}{:>12}{:>12}{:>8}{:>8}", "", "ours", "other", "ratio", "bar");
    let mut table = Table { has_failed: false };
    let runtime = |n_threads| {
        runtime::Builder::new_multi_thread().worker_threads(n_threads).enable_all().build()
    };
    // The client's own thread is apart from those of the callers, as ours is.
    let (callers, apart) = (runtime(2)?, runtime(1)?);
    if is_wanted("redis") {
        for size in [(100, "100 B"), (10 * KB, "10 KB")] {
            redis(&mut table, &callers, &apart, &server, size)?;
        }
    }
    if is_wanted("disk") {
        for (len, name, n_keys) in [(KB, "1 KB", 100), (MB, "1 MB", 8)] {
            disk(&mut table, folder.path(), len, name, n_keys)?;
        }
    }
    if is_wanted("images") {
        images(&mut table, &directory, &folder.path().join("plain"))?;
    }
    if is_wanted("memory") {
        in_front(&mut table, &server)?;
    }
    Ok(if table.has_failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Hits in Redis beside the client's GET, for one caller and for many.
fn redis(
    table: &mut Table,
    callers: &Runtime,
    apart: &Runtime,
    server: &Server,
    (len, name): (usize, &str),
) -> Result<()> {
    let key = move |n: u64| format!("bare:{len}:{n}");
    let client = Client::open(server.url())?;
    let [far, near] = [apart, callers].map(|it| it.block_on(client.get_connection_manager()));
    let (far, near) = (far?, near?);
    callers.block_on(async {
        for n in 0..N_KEYS {
            from_redis(len, n).await;
            () = near.clone().set(key(n), text(len, n)).await?;
        }
        anyhow::Ok(())
    })?;
    flush()?;
    let n_bodies = BODIES.load(Ordering::Relaxed);
    let ours = move |n| async move { assert_eq!(from_redis(len, n).await.len(), len) };
    let bare = |connection: &ConnectionManager| {
        let connection = connection.clone();
        move |n| {
            let mut connection = connection.clone();
            async move {
                let found: String = connection.get(key(n)).await.expect("it is there");
                assert_eq!(found.len(), len);
            }
        }
    };
    for (n_callers, bar) in [(1, 1.15), (N_CALLERS, 1.0 / 0.9)] {
        for (connection, place) in [(&far, "GET"), (&near, "GET on the callers' threads")] {
            let rounds = rounds(
                N_KEYS,
                |_| ask(callers, n_callers, ours),
                |_| ask(callers, n_callers, bare(connection)),
            );
            let what = format!("Redis hit, {name}, callers: {n_callers} / {place}");
            table.row(&what, &rounds, Some(bar));
        }
    }
    ensure!(BODIES.load(Ordering::Relaxed) == n_bodies, "a result was not found in Redis");
    Ok(())
}

/// Asks for all keys, each of which one caller asks for.
fn ask<F>(runtime: &Runtime, n_callers: u64, call: impl Fn(u64) -> F + Clone + Send + 'static)
where
    F: Future<Output = ()> + Send,
{
    let caller = |caller| {
        let call = call.clone();
        async move {
            for n in (0..N_KEYS).filter(|n| n % n_callers == caller) {
                call(n).await;
            }
        }
    };
    let callers: Vec<_> = (0..n_callers).map(|n| runtime.spawn(caller(n))).collect();
    runtime.block_on(async {
        for caller in callers {
            caller.await.expect("it has not panicked");
        }
    });
}

/// Hits on disk, and what is computed and stored there, beside another store and plain files.
fn disk(table: &mut Table, folder: &Path, len: usize, name: &str, n_keys: u64) -> Result<()> {
    let plain = folder.join(name);
    fs::create_dir_all(&plain)?;
    let plain = |n: u64| plain.join(n.to_string());
    let store = |is_durable| {
        RedbCache::<u64, String>::builder(format!("other-{len}-{is_durable}"))
            .disk_dir(folder)
            .durable(is_durable)
            .build()
    };
    // With one nothing waits for the disk, as here; the other is as it comes.
    let (other, durable) = (store(false)?, store(true)?);
    let texts: Vec<String> = (0..n_keys).map(|n| text(len, n).to_owned()).collect();
    let keys = |round: u64| round * n_keys..(round + 1) * n_keys;
    let put = |round| {
        keys(round).for_each(|n| assert_eq!(from_disk(len, n).len(), len));
        flush().expect("everything is written");
    };
    let put_in = |store: &RedbCache<u64, String>, round| {
        for (n, text) in keys(round).zip(&texts) {
            store.cache_set_ref(&n, text).expect("it is stored");
        }
    };
    let stored = rounds(n_keys, put, |round| put_in(&other, round));
    table.row(&format!("disk put, {name} / cached's"), &stored, Some(0.5));
    let stored = rounds(n_keys, |round| put(round + 2 * N_ROUNDS), |round| put_in(&durable, round));
    table.row(&format!("disk put, {name} / cached's, durable"), &stored, Some(0.5));
    let stored = rounds(
        n_keys,
        |round| put(round + 4 * N_ROUNDS),
        |round| {
            for (n, text) in keys(round).zip(&texts) {
                fs::write(plain(n), text).expect("it is written");
            }
        },
    );
    table.row(&format!("disk put, {name} / a plain file"), &stored, Some(1.5));

    let n_bodies = BODIES.load(Ordering::Relaxed);
    let get = |_| (0..n_keys).for_each(|n| assert_eq!(from_disk(len, n).len(), len));
    let found = rounds(n_keys, get, |_| {
        for n in 0..n_keys {
            let found = other.cache_get(&n).expect("it can be read");
            assert_eq!(found.map(|found| found.len()), Some(len));
        }
    });
    table.row(&format!("disk hit, {name} / cached's"), &found, Some(0.5));
    let found = rounds(n_keys, get, |_| {
        for n in 0..n_keys {
            assert_eq!(fs::read(plain(n)).expect("it can be read").len(), len);
        }
    });
    table.row(&format!("disk hit, {name} / a plain file"), &found, Some(1.5));
    ensure!(BODIES.load(Ordering::Relaxed) == n_bodies, "a result was not found on disk");
    Ok(())
}

/// What images take on disk.
fn images(table: &mut Table, directory: &Path, plain: &Path) -> Result<()> {
    let before = taken(directory).unwrap_or_default();
    fs::create_dir(plain)?;
    for n in 0..N_IMAGES {
        fs::write(plain.join(n.to_string()), image(n))?;
    }
    flush()?;
    let (ours, own) = (taken(directory)?, taken(plain)?);
    let (bytes, blocks) = (ours.0 - before.0, ours.1 - before.1);
    table.sizes("1,000 images of 42 KB, bytes of files / own", bytes, own.0, Some(1.05));
    table.sizes("1,000 images of 42 KB, blocks / plain files", blocks, own.1, None);
    Ok(())
}

/// What the files below a folder take: their bytes, and those of the blocks that they are in.
fn taken(folder: &Path) -> Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;

    let mut sum = (0, 0);
    for entry in fs::read_dir(folder)? {
        let (path, data) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        let (bytes, blocks) =
            if data.is_dir() { taken(&path)? } else { (data.len(), data.blocks() * 512) };
        sum = (sum.0 + bytes, sum.1 + blocks);
    }
    Ok(sum)
}

/// What a hit in memory costs in front of a tier, in instructions.
fn in_front(table: &mut Table, server: &Server) -> Result<()> {
    if !run::is_installed("valgrind") {
        println!("hits in memory are not compared: there is no valgrind to count instructions");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let instructions = |tier: &str| {
        let mut command = Command::new("valgrind");
        command
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
            .arg("--toggle-collect=*counted_calls*")
            .arg(env::current_exe()?)
            .arg(format!("count={tier}"))
            .env("CACHE_DIR", folder.path())
            .env("REDIS_URL", server.url());
        let output = output(&mut command)?;
        let text = String::from_utf8_lossy(&output.stderr);
        let collected = text.lines().find_map(|line| line.split_once("Collected :"));
        let (_, n_instructions) = collected.context("callgrind collected nothing")?;
        anyhow::Ok(n_instructions.trim().parse::<u64>()? / N_COUNTED)
    };
    let without = instructions("none")?;
    for tier in ["disk", "redis"] {
        let with = instructions(tier)?;
        let what = format!("memory hit before {tier} / before none, instr.");
        table.sizes(&what, with, without, Some(1.0));
    }
    Ok(())
}

/// Makes calls that memory answers, for who counts their instructions.
fn count(tier: &str) -> Result<ExitCode> {
    let call = match tier {
        "disk" => before_disk,
        "redis" => before_redis,
        _ => in_memory,
    };
    (0..N_KEYS).for_each(|n| assert_eq!(call(n), n));
    flush()?;
    counted_calls(call);
    Ok(ExitCode::SUCCESS)
}

#[inline(never)]
fn counted_calls(call: fn(u64) -> u64) {
    for n in 0..N_COUNTED {
        black_box(call(black_box(n % N_KEYS)));
    }
}

fn flush() -> Result<()> {
    ensure!(Cache::global().flush(Duration::from_secs(60)), "not everything was written");
    Ok(())
}

/// How long a call took in each round: ours, and what it is compared with.
fn rounds(
    n_calls: u64,
    mut ours: impl FnMut(u64),
    mut other: impl FnMut(u64),
) -> Vec<(Duration, Duration)> {
    let time = |work: &mut dyn FnMut(u64), round| {
        let begin = Instant::now();
        work(round);
        begin.elapsed() / n_calls as u32
    };
    let both = |round| match round % 2 {
        0 => (time(&mut ours, round), time(&mut other, round)),
        _ => {
            let other = time(&mut other, round);
            (time(&mut ours, round), other)
        }
    };
    // The first one finds nothing warm.
    (0..=N_ROUNDS).map(both).skip(1).collect()
}

/// Prints a line for each comparison, and remembers whether a bar was failed.
struct Table {
    has_failed: bool,
}

impl Table {
    fn row(&mut self, what: &str, rounds: &[(Duration, Duration)], bar: Option<f64>) {
        let ours = median(rounds.iter().map(|(ours, _)| ours.as_secs_f64()));
        let other = median(rounds.iter().map(|(_, other)| other.as_secs_f64()));
        let ratio = median(rounds.iter().map(|(it, other)| it.as_secs_f64() / other.as_secs_f64()));
        let show = |seconds: f64| format!("{:.1} µs", seconds * 1e6);
        self.line(what, &show(ours), &show(other), ratio, bar);
    }

    fn sizes(&mut self, what: &str, ours: u64, other: u64, bar: Option<f64>) {
        let ratio = ours as f64 / other as f64;
        self.line(what, &ours.to_string(), &other.to_string(), ratio, bar);
    }

    fn line(&mut self, what: &str, ours: &str, other: &str, ratio: f64, bar: Option<f64>) {
        let has_failed = bar.is_some_and(|bar| ratio > bar);
        self.has_failed |= has_failed;
        let verdict = if has_failed { "FAIL" } else { "pass" };
        let bar = bar.map_or_else(String::new, |bar| format!("{bar:>8.2} {verdict}"));
        println!("{what:<60}{ours:>12}{other:>12}{ratio:>8.2}{bar}");
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// A Redis server of this program's own.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start() -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start `redis-server`; on Debian: apt-get install redis-server")?;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::yield_now();
        }
        Ok(Self { process, port })
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
