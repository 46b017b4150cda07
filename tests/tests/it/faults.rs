//! Whatever becomes of a tier, every call gets its own result, soon.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cache_core::backend::{Filesystem, Redis, Time};
use cache_core::testing::TestCache;
use cache_core::{Backend, Cache, Event, cached, emit};

use crate::redis::{Cluster, Server};
use crate::support::{eventually, watched};

#[derive(Event)]
struct Repainted {
    picture: u64,
}

/// A result that shows whether it is the right one, and whole.
#[cached(ttl = 1h, invalidate_on = [Repainted { picture }])]
fn picture(picture: u64) -> Vec<u64> {
    expected(picture)
}

fn expected(picture: u64) -> Vec<u64> {
    (0..500).map(|n| picture * 1_000 + n).collect()
}

/// What the calls of one fault have come to.
struct Row {
    fault: &'static str,
    calls: u64,
    recalled: u64,
    wrong: u64,
    failed: u64,
    longest: Duration,
}

impl Row {
    fn none(fault: &'static str) -> Self {
        Self { fault, calls: 0, recalled: 0, wrong: 0, failed: 0, longest: Duration::ZERO }
    }

    /// Makes a call that tells whether its result is right.
    #[expect(clippy::disallowed_methods, reason = "how long somebody waits is shown")]
    fn call(&mut self, process: &TestCache, is_right: impl FnOnce() -> bool) {
        let begun = Instant::now();
        let found = catch_unwind(AssertUnwindSafe(|| process.run(is_right)));
        self.longest = self.longest.max(begun.elapsed());
        self.calls += 1;
        self.failed += u64::from(found.is_err());
        self.wrong += u64::from(found.is_ok_and(|is_right| !is_right));
    }

    /// Makes calls that the memory cannot answer, with a fault among them.
    fn new(fault: &'static str, process: &TestCache, inject: impl FnOnce()) -> Self {
        let mut row = Self::none(fault);
        let mut inject = Some(inject);
        for round in 0..4 {
            for n in 0..50 {
                if (round, n) == (2, 10) {
                    inject.take().into_iter().for_each(|inject| inject());
                }
                row.call(process, || picture(n) == expected(n));
            }
            process.run(|| emit(Repainted { picture: 7 }));
            if round == 0 {
                process.flush(Duration::from_secs(10));
            }
        }
        row.recalled = process.stats().recalled;
        row
    }
}

fn show(rows: &[Row]) {
    eprintln!("| fault | calls | answered by the tier | wrong | failed | longest |");
    eprintln!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for Row { fault, calls, recalled, wrong, failed, longest } in rows {
        let millis = longest.as_millis();
        eprintln!("| {fault} | {calls} | {recalled} | {wrong} | {failed} | {millis} ms |");
        assert_eq!((*wrong, *failed), (0, 0), "{fault}");
        // Two answers that are given up, and a busy machine.
        assert!(*longest < Duration::from_secs(5), "{fault}: {longest:?}");
    }
}

/// A process whose memory holds next to nothing.
fn process(builder: cache_core::Builder) -> TestCache {
    TestCache::from_builder(builder.max_entries(2).lease(Duration::from_millis(300)))
}

type Jump = (&'static str, fn(&Time));

/// How a wall clock may jump.
const JUMPS: [Jump; 2] = [
    ("wall clock set forward by a day", |time| time.set_wall(time.wall() + DAY)),
    ("wall clock set back by a day", |time| time.set_wall(time.wall() - DAY)),
];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Does `work` with a fault that consists in what another process does from then on.
fn with_another<R>(process: TestCache, work: impl FnOnce(&mut dyn FnMut()) -> R) -> R {
    let is_done = AtomicBool::new(false);
    thread::scope(|scope| {
        let (process, is_done) = (&process, &is_done);
        let mut begin = || {
            scope.spawn(move || {
                for n in (0..50).cycle() {
                    if is_done.load(Ordering::SeqCst) {
                        break;
                    }
                    process.run(|| {
                        picture::put(n, expected(n));
                        picture::invalidate(&((n + 25) % 50));
                    });
                }
            });
        };
        let out = work(&mut begin);
        is_done.store(true, Ordering::SeqCst);
        out
    })
}

fn in_redis(url: String) -> TestCache {
    process(Cache::builder().backend(Backend::Redis).redis_url(url))
}

#[test]
fn no_fault_of_a_server_makes_a_call_fail_or_wrong() {
    type Inject = fn(&mut Server);
    let faults: [(&str, Inject); 10] = [
        ("none, Redis", |_| ()),
        ("server killed", Server::kill),
        ("server killed and started anew", |server| {
            server.kill();
            *server = Server::start_on(server.port, &[]);
        }),
        ("connections cut", |server| drop(server.ask(&["CLIENT", "KILL", "TYPE", "normal"]))),
        ("server stopped (`SIGSTOP`)", |server| server.signal("-STOP")),
        ("server paused (`CLIENT PAUSE`)", |server| {
            drop(server.ask(&["CLIENT", "PAUSE", "1000", "ALL"]));
        }),
        ("something else at each key", |server| {
            let script = "for _, key in ipairs(redis.call('KEYS', '*')) do \
                 redis.call('DEL', key); redis.call('LPUSH', key, 'foreign') end";
            server.ask(&["EVAL", script, "0"]);
        }),
        ("values cut short", |server| {
            let script = "for _, key in ipairs(redis.call('KEYS', '*')) do \
                 if redis.call('TYPE', key).ok == 'string' then \
                 redis.call('SET', key, string.sub(redis.call('GET', key), 1, -2)) end end";
            server.ask(&["EVAL", script, "0"]);
        }),
        ("data deleted", |server| drop(server.ask(&["FLUSHALL"]))),
        ("no memory left", |server| drop(server.ask(&["CONFIG", "SET", "maxmemory", "1"]))),
    ];
    let mut rows = Vec::from(faults.map(|(fault, inject)| {
        watched(move || {
            let mut server = Server::start(&[]);
            let process = in_redis(server.url());
            Row::new(fault, &process, || inject(&mut server))
        })
    }));
    rows.push(watched(|| {
        let server = Server::start(&["--maxmemory-policy", "allkeys-random"]);
        let process = in_redis(server.url());
        Row::new("keys evicted", &process, || {
            drop(server.ask(&["CONFIG", "SET", "maxmemory", "1200kb"]));
        })
    }));
    rows.push(watched(|| {
        let server = Server::start(&[]);
        let process = in_redis(server.url());
        with_another(in_redis(server.url()), |other| {
            Row::new("another process writes and removes the same", &process, other)
        })
    }));
    for (fault, jump) in JUMPS {
        rows.push(watched(move || {
            let server = Server::start(&[]);
            let time = Time::manual();
            time.set_wall(Time::system().wall());
            let redis = Redis::new(&server.url()).expect("an address").time(time.clone());
            let process = process(Cache::builder().custom_backend(Arc::new(redis)));
            Row::new(fault, &process, || jump(&time))
        }));
    }
    // The others go on answering for what they have.
    let partial = ["--cluster-require-full-coverage", "no", "--cluster-node-timeout", "500"];
    rows.push(watched(|| Row::new("none, cluster", &in_redis(Cluster::start(&[]).url()), || ())));
    rows.push(watched(|| {
        let cluster = Cluster::start(&[]);
        let mut moving = None;
        let process = in_redis(cluster.url());
        let row = Row::new("slots of a cluster move", &process, || {
            moving = Some(cluster.reshard(0, 1));
        });
        let end = moving.expect("it was begun").wait().expect("its end");
        assert!(end.success(), "the slots have moved");
        row
    }));
    rows.push(watched(move || {
        let mut cluster = Cluster::start(&partial);
        let process = in_redis(cluster.url());
        Row::new("a node of a cluster lost", &process, || cluster.nodes[1].kill())
    }));
    rows.push(watched(|| {
        let server = Server::start(&["--requirepass", "secret"]);
        let url = format!("redis://:guess@127.0.0.1:{}", server.port);
        Row::new("wrong password", &in_redis(url), || ())
    }));
    show(&rows);
}

/// Does something to each value in a directory.
fn each_file(folder: &Path, change: &mut impl FnMut(&Path)) {
    for found in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = found.path();
        if path.is_dir() { each_file(&path, change) } else { change(&path) }
    }
}

/// A result whose file is short.
#[cached]
fn sketch(n: u64) -> String {
    format!("sketch {n}")
}

/// Cuts the files short whose key has this in it, to each length that they may have.
fn cut_anywhere(fault: &'static str, part_of_key: &str) -> Row {
    let folder = tempfile::tempdir().expect("a folder");
    let values = folder.path().join("cache-core-1");
    // Of two results the memory holds one, so that each call of the other asks the directory.
    let process = TestCache::from_builder(on_disk(folder.path()).max_entries(1));
    let mut row = Row::none(fault);
    // Says how many of both the directory has answered.
    let mut call_both = || {
        let before = process.stats().recalled;
        for n in [1, 2] {
            row.call(&process, || sketch(n) == format!("sketch {n}"));
        }
        assert!(process.flush(Duration::from_secs(10)), "all is written");
        let recalled = process.stats().recalled - before;
        row.recalled += recalled;
        recalled
    };
    let (mut len, mut longest) = (0, 1);
    while len < longest {
        // A busy machine may take a file for one that is not there.
        while call_both() < 2 {}
        longest = 0;
        each_file(&values, &mut |path| {
            let bytes = fs::read(path).expect("a file");
            let key_len = bytes.get(40).copied().map_or(0, usize::from);
            let key = bytes.get(64..64 + key_len).map(String::from_utf8_lossy);
            if key.is_some_and(|key| key.contains(part_of_key)) {
                longest = longest.max(bytes.len());
                fs::write(path, &bytes[..len.min(bytes.len())]).expect("it is written");
            }
        });
        assert!(call_both() == 0 || len >= longest, "{fault}: {len} bytes");
        len += 1;
    }
    assert!(len > 100, "{fault}: {len} lengths of a header, a key and something more");
    row
}

#[test]
fn a_file_that_is_cut_to_any_length_is_a_miss_that_puts_a_whole_one_in_its_place() {
    show(&[
        watched(|| cut_anywhere("a value cut to each length", "cache:it%3A%3Afaults%3A%3Asketch:")),
        watched(|| cut_anywhere("a mark cut to each length", "sketch:part:")),
    ]);
}

fn on_disk(folder: &Path) -> cache_core::Builder {
    Cache::builder().backend(Backend::Filesystem).directory(folder)
}

/// A folder on a file system with room for so much, if this user may make one.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn new(size: &str) -> Option<Self> {
        let disk = Self(tempfile::tempdir().expect("a folder"));
        disk.mount(size).then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.0.path());
        mount.output().is_ok_and(|output| output.status.success())
    }

    fn remount(&self, options: &str) {
        assert!(self.mount(options), "what could be mounted can be mounted anew");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(self.0.path()).output());
    }
}

#[test]
fn no_fault_of_a_directory_makes_a_call_fail_or_wrong() {
    type Inject = fn(&Path);
    let faults: [(&str, Inject); 8] = [
        ("none, directory", |_| ()),
        ("directory moved away", |folder| {
            fs::rename(folder, folder.with_extension("away")).expect("it is there");
        }),
        ("a file in its place", |folder| {
            eventually("it is there", || {
                drop(fs::rename(folder, folder.with_extension("away")));
                fs::write(folder, "foreign").is_ok()
            });
        }),
        ("files cut short", |folder| {
            each_file(folder, &mut |path| {
                let bytes = fs::read(path).expect("a file");
                fs::write(path, &bytes[..bytes.len() * 2 / 3]).expect("it is written");
            });
        }),
        ("a bit of each file flipped", |folder| {
            each_file(folder, &mut |path| {
                let mut bytes = fs::read(path).expect("a file");
                let middle = bytes.len() / 2;
                bytes[middle] ^= 16;
                fs::write(path, bytes).expect("it is written");
            });
        }),
        ("files replaced by foreign ones", |folder| {
            each_file(folder, &mut |path| fs::write(path, "foreign").expect("it is written"));
        }),
        ("files replaced by each other", |folder| {
            let mut paths: Vec<PathBuf> = Vec::new();
            each_file(folder, &mut |path| paths.push(path.to_owned()));
            for pair in paths.windows(2) {
                drop(fs::copy(&pair[0], &pair[1]));
            }
        }),
        ("files replaced by links", |folder| {
            each_file(folder, &mut |path| {
                fs::remove_file(path).expect("it is there");
                std::os::unix::fs::symlink("/etc/passwd", path).expect("a link");
            });
        }),
    ];
    let on_disk = |folder: &Path| process(on_disk(folder));
    let mut rows = Vec::from(faults.map(|(fault, inject)| {
        watched(move || {
            let folder = tempfile::tempdir().expect("a folder");
            let format = folder.path().join("cache-core-1");
            Row::new(fault, &on_disk(folder.path()), || inject(&format))
        })
    }));
    rows.push(watched(move || {
        let folder = tempfile::tempdir().expect("a folder");
        let process = on_disk(folder.path());
        with_another(on_disk(folder.path()), |other| {
            Row::new("another process writes and removes the same", &process, other)
        })
    }));
    for (fault, jump) in JUMPS {
        rows.push(watched(move || {
            let folder = tempfile::tempdir().expect("a folder");
            let time = Time::manual();
            time.set_wall(Time::system().wall());
            let disk = Filesystem::new(folder.path()).expect("a path").time(time.clone());
            let process = process(Cache::builder().custom_backend(Arc::new(disk)));
            Row::new(fault, &process, || jump(&time))
        }));
    }
    // Without the right to mount one, or where nothing is stopped by it, there is no row.
    if let Some(disk) = SmallDisk::new("size=256k") {
        rows.push(watched(move || Row::new("disk full", &on_disk(disk.0.path()), || ())));
    }
    if let Some(disk) = SmallDisk::new("size=16m") {
        rows.push(watched(move || {
            let process = on_disk(disk.0.path());
            Row::new("nothing can be written any more", &process, || disk.remount("remount,ro"))
        }));
    }
    show(&rows);
}
