//! What the files of a cache withstand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime};

use cache_core::backend::{BackendKey, BackendStats, CacheBackend, Filesystem, Scope, Time, Value};
use cache_core::codec::Encoded;
use pollster::FutureExt;
use tempfile::TempDir;

use crate::support::{eventually, watched};

/// A directory, a time, and a cache of files that a test can restart.
struct Disk {
    folder: TempDir,
    time: Time,
    files: Filesystem,
    max_bytes: u64,
}

impl Disk {
    fn new() -> Self {
        Self::with_limit(1 << 30)
    }

    fn with_limit(max_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let time = Time::manual();
        let files = open(folder.path(), &time, max_bytes);
        Self { folder, time, files, max_bytes }
    }

    /// Another one on the same directory, as of another process or after a restart.
    fn restart(&mut self) {
        self.files = open(self.folder.path(), &self.time, self.max_bytes);
    }

    fn set(&self, n: u32, bytes: &[u8]) {
        self.set_for(n, bytes, None);
    }

    fn set_for(&self, n: u32, bytes: &[u8], ttl: Option<Duration>) {
        let value = Value::seal(&key(n), &Encoded::raw(bytes.to_vec()), ttl, &self.time);
        self.files.set(&key(n), value).block_on().expect("it is stored");
    }

    fn get(&self, n: u32) -> Option<Vec<u8>> {
        let found = self.files.get(&key(n)).block_on().expect("it can be read");
        found.map(|value| value.payload().to_vec())
    }

    fn stats(&self) -> BackendStats {
        self.files.scan().block_on().expect("the directory can be read");
        self.files.stats().block_on().expect("statistics")
    }

    /// The only file with a value.
    fn file(&self) -> PathBuf {
        let files = files_below(self.folder.path());
        assert_eq!(files.len(), 1, "{files:?}");
        files.into_iter().next().expect("one")
    }
}

fn open(root: &Path, time: &Time, max_bytes: u64) -> Filesystem {
    Filesystem::new(root).expect("a path").time(time.clone()).max_bytes(max_bytes)
}

fn key(n: u32) -> BackendKey {
    BackendKey::new("shop", "price", "1", &n.to_le_bytes())
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn values_survive_a_restart_with_their_lifetimes() {
    let mut disk = Disk::new();
    disk.set(1, b"for ever");
    disk.set_for(2, b"for a minute", Some(Duration::from_secs(60)));
    disk.time.advance(Duration::from_secs(59));
    disk.restart();
    assert_eq!(disk.get(1).as_deref(), Some(&b"for ever"[..]));
    assert_eq!(disk.get(2).as_deref(), Some(&b"for a minute"[..]));
    disk.time.advance(Duration::from_secs(1));
    disk.restart();
    assert_eq!(disk.get(1).as_deref(), Some(&b"for ever"[..]));
    assert_eq!(disk.get(2), None);
}

#[test]
fn what_was_removed_stays_removed_after_a_restart() {
    let mut disk = Disk::new();
    for n in 0..3 {
        disk.set(n, b"old");
    }
    disk.set(1, b"new");
    disk.files.delete(&key(2)).block_on().expect("it is removed");
    disk.restart();
    assert_eq!(
        (disk.get(0), disk.get(1), disk.get(2)),
        (Some(b"old".into()), Some(b"new".into()), None)
    );
    disk.files.clear(&Scope::function("shop", "price")).block_on().expect("it is cleared");
    disk.restart();
    assert_eq!((disk.get(0), disk.get(1), disk.get(2)), (None, None, None));
}

#[test]
fn what_was_not_used_for_longest_goes_first_also_after_a_restart() {
    let mut disk = Disk::with_limit(10_000);
    for n in 0..9 {
        disk.set(n, &[0; 870]);
        disk.time.advance(Duration::from_secs(10));
    }
    assert!(disk.get(0).is_some(), "a use");
    disk.time.advance(Duration::from_secs(10));
    disk.restart();
    assert_eq!(disk.stats().entries, Some(9));
    disk.set(9, &[0; 870]);
    let found: Vec<u32> = (0..10).filter(|n| disk.get(*n).is_some()).collect();
    assert_eq!(found, [0, 3, 4, 5, 6, 7, 8, 9]);
    let stats = disk.stats();
    assert!(stats.bytes.expect("bytes") <= 10_000, "{stats:?}");
    assert_eq!(stats.entries, Some(8));
    assert_eq!(stats.evictions, 2);
}

#[test]
fn what_has_expired_goes_before_what_is_in_use() {
    let disk = Disk::with_limit(10_000);
    for n in 0..5 {
        disk.set(n, &[0; 870]);
    }
    for n in 5..8 {
        disk.time.advance(Duration::from_secs(10));
        disk.set_for(n, &[0; 870], Some(Duration::from_secs(60)));
    }
    disk.time.advance(Duration::from_secs(60));
    for n in 8..10 {
        disk.set(n, &[0; 870]);
    }
    let found: Vec<u32> = (0..10).filter(|n| disk.get(*n).is_some()).collect();
    assert_eq!(found, [0, 1, 2, 3, 4, 8, 9]);
    assert_eq!(disk.stats().evictions, 2);
}

#[test]
fn the_limit_covers_what_others_have_written() {
    let mut disk = Disk::with_limit(100_000);
    for n in 0..100 {
        disk.set(n, &[0; 800]);
        disk.time.advance(Duration::from_secs(10));
    }
    let first = disk.files.clone();
    disk.restart();
    for n in 100..200 {
        disk.set(n, &[0; 800]);
        disk.time.advance(Duration::from_secs(10));
    }
    disk.stats();
    drop(first);
    let bytes: u64 = files_below(disk.folder.path())
        .iter()
        .map(|file| fs::metadata(file).expect("a file").len())
        .sum();
    assert!(bytes <= 100_000, "{bytes} bytes");
    assert!(disk.get(199).is_some());
}

#[test]
fn a_value_beyond_the_limit_is_refused_and_takes_the_older_one_along() {
    let disk = Disk::with_limit(10_000);
    disk.set(1, b"small");
    let value = Value::seal(&key(1), &Encoded::raw(vec![0; 10_000]), None, &disk.time);
    let error = disk.files.set(&key(1), value).block_on().expect_err("it is too large").to_string();
    assert!(error.contains("more than the 10000 of the limit"), "{error}");
    assert_eq!(disk.get(1), None);
}

#[test]
fn a_thousand_values_take_little_more_than_themselves() {
    let disk = Disk::new();
    for n in 0..1_000 {
        disk.set(n, &[7; 5_000]);
    }
    let bytes = disk.stats().bytes.expect("bytes");
    assert!(bytes <= 1_000 * 5_250, "{bytes} bytes");
}

#[test]
fn a_file_that_is_cut_off_anywhere_is_a_miss() {
    let disk = Disk::new();
    disk.set(1, b"a value");
    let whole = fs::read(disk.file()).expect("a file");
    for len in 0..whole.len() {
        fs::write(disk.file(), &whole[..len]).expect("a file");
        assert_eq!(disk.get(1), None, "{len} bytes");
    }
    assert_eq!(disk.stats().damaged, whole.len() as u64);
    fs::write(disk.file(), whole).expect("a file");
    assert!(disk.get(1).is_some());
}

#[test]
fn a_flipped_bit_anywhere_is_a_miss() {
    let disk = Disk::new();
    disk.set(1, b"a value");
    let whole = fs::read(disk.file()).expect("a file");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        fs::write(disk.file(), damaged).expect("a file");
        assert_eq!(disk.get(1), None, "byte {at}");
    }
    disk.set(1, b"another");
    assert_eq!(disk.get(1).as_deref(), Some(&b"another"[..]), "a damaged file is replaced");
}

#[test]
fn foreign_files_are_misses_and_are_left_alone() {
    let mut disk = Disk::new();
    disk.set(1, b"a value");
    let (file, base) = (disk.file(), disk.folder.path().join("cache-core-1"));
    fs::write(base.join("notes.txt"), "mine").expect("a file");
    fs::write(file.with_file_name("notes.txt"), "mine").expect("a file");
    fs::copy(&file, file.with_extension("bak")).expect("a file");
    disk.restart();
    assert_eq!(disk.stats().entries, Some(1));

    disk.set(2, b"another");
    let other = files_below(&base)
        .into_iter()
        .find(|path| *path != file && path.file_name().is_some_and(|name| name.len() == 64))
        .expect("another file");
    fs::copy(&other, &file).expect("a file");
    assert_eq!(disk.get(1), None, "the value of another key");
    fs::remove_file(&file).expect("a file");
    fs::create_dir(&file).expect("a folder");
    assert_eq!(disk.get(1), None, "a folder");
    fs::remove_dir(&file).expect("a folder");

    disk.restart();
    disk.stats();
    assert_eq!(fs::read_to_string(base.join("notes.txt")).expect("still there"), "mine");
    assert_eq!(fs::read_to_string(file.with_file_name("notes.txt")).expect("still there"), "mine");
}

/// Whether the kernel can read this file now without waiting, on this file system.
#[cfg(target_os = "linux")]
fn is_in_memory(file: &Path) -> bool {
    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{IoSliceMut, ReadWriteFlags, preadv2};
    let opened = openat2(CWD, file, OFlags::CLOEXEC, Mode::empty(), ResolveFlags::CACHED);
    let read = |file| preadv2(file, &mut [IoSliceMut::new(&mut [0])], 0, ReadWriteFlags::NOWAIT);
    opened.and_then(read).is_ok()
}

#[cfg(target_os = "linux")]
#[test]
fn a_thread_is_asked_only_for_what_the_kernel_does_not_have_in_memory() {
    let disk = Disk::new();
    disk.set(1, &[7; 100_000]);
    let file = disk.file();
    // Where it cannot be read like that, a thread is asked each time.
    let has_it = is_in_memory(&file);
    disk.set(2, &[7; 5_000_000]);
    assert!(disk.get(2).is_some(), "too long to tell anything of others");
    assert!(disk.get(1).is_some(), "a thread finds out whether that is so here");
    let mut n_looks = 2;
    // Of 20 looks for the value, which is so long, so many are answered by their first poll.
    let mut n_at_once = |len: Option<usize>, before: &dyn Fn()| {
        let is_at_once = |_: &u32| {
            before();
            let key = key(1);
            let mut get = disk.files.get(&key);
            let first = get.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            let is_ready = first.is_ready();
            let found = match first {
                Poll::Ready(found) => found,
                Poll::Pending => get.block_on(),
            };
            let found = found.expect("it can be read").map(|value| value.payload().len());
            assert_eq!(found, len);
            is_ready
        };
        n_looks += 20;
        (0..20).filter(is_at_once).count()
    };
    // A thread may be faster than the poll, and the kernel refuses where somebody renames something meanwhile.
    assert!(n_at_once(Some(100_000), &|| ()) > 15 || !has_it);
    let opened = fs::File::open(&file).expect("a file");
    opened.sync_all().expect("it is on the disk");
    let forget = || {
        rustix::fs::fadvise(&opened, 0, None, rustix::fs::Advice::DontNeed).expect("advice");
    };
    eventually("the kernel does as it is advised", || n_at_once(Some(100_000), &forget) < 20);

    disk.set(1, b"another");
    assert!(n_at_once(Some(7), &|| ()) > 15 || !has_it, "what was there before is not remembered");
    disk.files.delete(&key(1)).block_on().expect("it is removed");
    assert!(n_at_once(None, &|| ()) > 15 || !has_it);
    let stats = disk.stats();
    assert_eq!((stats.hits + stats.misses, stats.damaged), (n_looks, 0), "each counts once");
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_misses_that_nobody_waits_for() {
    let mut disk = Disk::new();
    disk.set(1, b"a value");
    let file = disk.file();
    let victim = disk.folder.path().join("victim");
    fs::rename(&file, &victim).expect("a file");
    std::os::unix::fs::symlink(&victim, &file).expect("a link");
    assert_eq!(disk.get(1), None, "a link");
    disk.restart();
    assert_eq!(disk.stats().entries, Some(0), "links are not followed");
    disk.set(1, b"new");
    assert!(fs::symlink_metadata(&file).expect("a file").is_file(), "the link was replaced");
    assert_ne!(fs::read(&victim).expect("a file"), fs::read(&file).expect("a file"));

    fs::remove_file(&file).expect("a file");
    let made = Command::new("mkfifo").arg(&file).status().expect("mkfifo");
    assert!(made.success());
    watched(move || {
        assert_eq!(disk.get(1), None, "a pipe");
        disk.restart();
        assert_eq!(disk.stats().entries, Some(0));
        disk.set(1, b"new");
        assert!(disk.get(1).is_some());
    });
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let disk = Disk::new();
    let base = disk.folder.path().join("cache-core-1");
    fs::create_dir(&base).expect("a folder");
    fs::set_permissions(&base, PermissionsExt::from_mode(0o777)).expect("permissions");
    disk.set(1, b"a value");
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&base), 0o700);
    assert_eq!(mode(disk.file().parent().expect("a folder")), 0o700);
    assert_eq!(mode(&disk.file()), 0o600);
}

#[test]
fn all_files_stay_in_the_directory_whatever_the_names() {
    let disk = Disk::new();
    for name in [
        "../x",
        "/etc/passwd",
        "a/../../b",
        "..\\x",
        "C:x",
        "",
        ".",
        "..",
        "a\0b",
        "%2e%2e",
        "NUL",
        "é",
    ] {
        for key in [BackendKey::new(name, "f", "1", b""), BackendKey::new("n", name, name, b"")] {
            let value = Value::seal(&key, &Encoded::raw(name.into()), None, &disk.time);
            disk.files.set(&key, value).block_on().expect("it is stored");
        }
    }
    let files = files_below(disk.folder.path());
    assert_eq!(files.len(), 24);
    for file in files {
        let place = file.strip_prefix(disk.folder.path()).expect("below the root");
        let names: Vec<&str> = place.iter().map(|name| name.to_str().expect("text")).collect();
        assert_eq!(
            names.iter().map(|name| name.len()).collect::<Vec<_>>(),
            [12, 32, 32, 64],
            "{place:?}"
        );
        assert!(names[1..].iter().all(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}

#[test]
fn a_directory_that_is_removed_is_made_again() {
    let disk = Disk::new();
    disk.set(1, b"a value");
    fs::remove_dir_all(disk.folder.path().join("cache-core-1")).expect("a folder");
    assert_eq!(disk.get(1), None);
    assert_eq!(disk.stats().entries, Some(0));
    disk.set(1, b"another");
    assert_eq!(disk.get(1).as_deref(), Some(&b"another"[..]));
}

#[test]
fn nothing_is_created_before_the_first_value() {
    let disk = Disk::new();
    assert_eq!(disk.get(1), None);
    assert_eq!(disk.stats().entries, Some(0));
    assert_eq!(fs::read_dir(disk.folder.path()).expect("the folder").count(), 0);
}

#[test]
fn a_directory_that_cannot_be_used_gives_errors_that_say_where_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a file");
    fs::write(&file, "").expect("a file");
    let disk = Disk {
        files: open(&file, &Time::manual(), 1_000),
        folder,
        time: Time::manual(),
        max_bytes: 1_000,
    };
    let value = Value::seal(&key(1), &Encoded::raw(Vec::new()), None, &disk.time);
    let error = disk.files.set(&key(1), value).block_on().expect_err("no folder").to_string();
    assert!(error.contains("cannot write the cache file") && error.contains("a file"), "{error}");
    disk.files.get(&key(1)).block_on().expect_err("no folder");
    disk.files.delete(&key(1)).block_on().expect_err("no folder");
    disk.files.scan().block_on().expect_err("no folder");
    assert!(disk.files.stats().block_on().expect("statistics").errors >= 4);
}

#[test]
fn a_clock_that_jumps_makes_misses_but_nothing_wrong() {
    let mut disk = Disk::new();
    let start = disk.time.wall();
    disk.set_for(1, b"for a minute", Some(Duration::from_secs(60)));
    disk.time.advance(Duration::from_secs(50));
    disk.time.set_wall(start + Duration::from_secs(10));
    assert!(disk.get(1).is_some(), "ten seconds are left");
    disk.time.advance(Duration::from_secs(10));
    assert_eq!(disk.get(1), None, "its minute is over, though the wall clock says otherwise");
    disk.time.set_wall(start - Duration::from_secs(3_600));
    disk.restart();
    assert_eq!(disk.get(1), None, "nobody knows how old it is");
    disk.set_for(1, b"new", Some(Duration::from_secs(60)));
    assert!(disk.get(1).is_some());
    disk.time.set_wall(start + Duration::from_secs(1_000_000));
    disk.restart();
    assert_eq!(disk.get(1), None);
}

/// What a process does to a directory that it shares with others; the tests below start it as often as they need.
#[test]
fn a_process_finds_what_was_stored_or_nothing() {
    let own = tempfile::tempdir().expect("a folder");
    let shared = std::env::var_os("CACHE_TESTS_SHARED_DIRECTORY").map(PathBuf::from);
    let files = Filesystem::new(shared.as_deref().unwrap_or(own.path())).expect("a path");
    let n_rounds = std::env::var("CACHE_TESTS_ROUNDS").map_or(3, |n| n.parse().expect("a number"));
    let time = Time::system();
    let (mut n_found, mut n_failed) = (0, 0);
    for round in 0..n_rounds {
        for n in 0..8 {
            let fill = (std::process::id() as u8).wrapping_add(round as u8);
            let value = Value::seal(&key(n), &Encoded::raw(vec![fill; 200_000]), None, &time);
            n_failed += u32::from(files.set(&key(n), value).block_on().is_err());
            if let Some(found) = files.get(&key(n)).block_on().expect("it can be read") {
                let bytes = found.payload();
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "a mixture of two values");
                n_found += 1;
            }
        }
        println!("round {round}");
    }
    println!("found {n_found}, failed {n_failed}");
    if shared.is_none() {
        assert_eq!((n_found, n_failed), (8 * n_rounds, 0));
    }
}

/// The command for a process that runs the test above in a directory.
fn process(folder: &Path, n_rounds: u32) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    of_a_process(&mut command, folder, n_rounds);
    command
}

fn of_a_process(command: &mut Command, folder: &Path, n_rounds: u32) {
    command
        .args(["--exact", "filesystem::a_process_finds_what_was_stored_or_nothing", "--nocapture"])
        .env("CACHE_TESTS_SHARED_DIRECTORY", folder)
        .env("CACHE_TESTS_ROUNDS", n_rounds.to_string())
        .stdout(Stdio::piped());
}

#[test]
fn several_processes_may_write_the_same_keys() {
    let folder = tempfile::tempdir().expect("a folder");
    let processes: Vec<_> =
        (0..4).map(|_| process(folder.path(), 20).spawn().expect("a process")).collect();
    for process in processes {
        let output = process.wait_with_output().expect("its end");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}");
        assert!(text.contains("found 160, failed 0"), "{text}");
    }
    assert_eq!(files_below(folder.path()).len(), 8, "nothing is left behind");
}

#[test]
fn a_process_that_is_killed_while_it_writes_leaves_nothing_wrong() {
    let mut disk = Disk::new();
    disk.time.set_wall(SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000));
    let temporary = disk.folder.path().join("cache-core-1/temporary");
    let n_temporary = || fs::read_dir(&temporary).map_or(0, Iterator::count);
    for _ in 0..50 {
        let n_left = n_temporary();
        let mut process = process(disk.folder.path(), 1_000).spawn().expect("a process");
        eventually("it is in the middle of writing", || n_temporary() > n_left);
        process.kill().expect("it runs");
        process.wait().expect("its end");
    }
    for n in 0..8 {
        if let Some(bytes) = disk.get(n) {
            assert_eq!(bytes.len(), 200_000);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        }
    }
    fs::write(temporary.join("killed-1"), "half a val").expect("a file");
    fs::create_dir(temporary.join("killed-2")).expect("a folder");
    disk.restart();
    disk.stats();
    assert_eq!(n_temporary(), 0, "what was left is removed");
}

#[test]
fn what_somebody_is_writing_is_left_alone() {
    let mut disk = Disk::new();
    disk.set(1, b"a value");
    let temporary = disk.folder.path().join("cache-core-1/temporary/being-written");
    let file = fs::File::create(&temporary).expect("a file");
    let now = disk.time.wall();
    for modified in [now - Duration::from_secs(60), now + Duration::from_secs(60)] {
        file.set_modified(modified).expect("a time");
        disk.restart();
        disk.stats();
        assert!(temporary.exists());
    }
    file.set_modified(now - Duration::from_secs(3_601)).expect("a time");
    disk.stats();
    assert!(!temporary.exists(), "an hour later nobody is writing it");
}

/// The kernel refuses to let a file grow, as it does when a disk is full.
#[cfg(unix)]
#[test]
fn a_write_that_fails_leaves_neither_half_a_value_nor_an_old_one() {
    let disk = Disk::new();
    disk.set(1, b"old");
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"));
    of_a_process(&mut command, disk.folder.path(), 3);
    let output = command.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("found 0, failed 24"), "{text}");
    assert_eq!(files_below(disk.folder.path()), Vec::<PathBuf>::new());
    assert_eq!(disk.get(1), None);
}

#[cfg(unix)]
#[test]
fn files_are_closed_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("sh");
    command
        .args(["-c", "ulimit -n 32; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().expect("this program"));
    of_a_process(&mut command, folder.path(), 30);
    let output = command.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("found 240, failed 0"), "{text}");
}
