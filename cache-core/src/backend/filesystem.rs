//! The backend that keeps each value in a file.
//!
//! ```text
//! <root>/cache-core-1/<namespace>/<function>/<key>    a value, as `Value` describes it
//! <root>/cache-core-1/changes/<namespace>             the log of changes, as `changes.rs` describes it
//! <root>/cache-core-1/temporary/                      values that are being written, scopes that are being cleared
//! ```
//!
//! All names are digests, so nothing in a key can lead out of the directory, and file systems that do not tell
//! upper from lower case keep keys apart.
//! A value is written beside its place and then moved there, so readers in any process see the old value or the
//! new one. Nothing is synchronized to the disk: what a power failure leaves behind has a wrong checksum.
//! The files alone are the truth; what is known of them in memory decides only which of them goes first.

mod changes;
mod default_root;
mod files;
mod index;
#[cfg(target_os = "linux")]
#[path = "filesystem/linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "filesystem/elsewhere.rs"]
mod system;
mod threads;

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::slice;
use std::time::Duration;

use changes::Changes;
use files::{Files, Place};
use index::{File, Index};
use threads::Threads;

use crate::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, ChangeLog, Counters, News, Scope, Time,
    Unusable, Value, add,
};
use crate::clock::Moment;
use crate::error::Error;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};
use crate::task::within;

/// How often the log of changes is looked at.
const POLL: Duration = Duration::from_millis(25);

const DEFAULT_MAX_BYTES: u64 = 1 << 30;

/// Keeps each value in a file of its own, for this process and all others that share the directory.
///
/// Values survive the process. When they take more than the limit, those go first that have expired, then those
/// that were not used for longest, in whatever process. Clones share everything.
///
/// The work is done on threads of its own, which start with the first operation; nothing is created before that.
/// On Linux, what the system has of a file in memory is read by who asks, without waiting.
#[derive(Clone, Debug)]
pub struct Filesystem {
    disk: Arc<Disk>,
    threads: Arc<Threads>,
}

#[derive(Debug)]
struct Disk {
    files: Files,
    max_bytes: u64,
    time: Time,
    counters: Counters,
    index: Mutex<Index>,
    /// One at a time looks through the directory.
    is_scanning: AtomicBool,
}

impl Filesystem {
    /// Keeps values below `root`, up to 1 GiB. A relative path is resolved now.
    ///
    /// # Errors
    ///
    /// If the path cannot be resolved. Whether it can be written to is seen later.
    pub fn new(root: impl AsRef<Path>) -> Result<Self, Error> {
        let root = root.as_ref();
        let absolute = std::path::absolute(root)
            .map_err(|cause| failed("resolve the cache directory", root, cause))?;
        let disk = Disk {
            files: Files::new(&absolute),
            max_bytes: DEFAULT_MAX_BYTES,
            time: Time::system(),
            counters: Counters::default(),
            index: Mutex::default(),
            is_scanning: AtomicBool::new(false),
        };
        Ok(Self { disk: Arc::new(disk), threads: Arc::default() })
    }

    /// Sets how many bytes the files may take together.
    #[must_use]
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        self.with(|disk| disk.max_bytes = max_bytes)
    }

    /// Takes the time from somewhere else.
    #[must_use]
    pub fn time(self, time: Time) -> Self {
        self.with(|disk| disk.time = time)
    }

    /// Where this system keeps caches: `$XDG_CACHE_HOME/cache-core` or `~/.cache/cache-core`,
    /// `~/Library/Caches/cache-core` on macOS, `%LOCALAPPDATA%\cache-core` on Windows.
    ///
    /// `None` where the environment does not tell.
    #[must_use]
    pub fn default_root() -> Option<PathBuf> {
        default_root::default_root(std::env::consts::OS, |name| std::env::var_os(name))
    }

    /// Waits until the directory has been looked through, so that [`CacheBackend::stats`] knows all of it.
    ///
    /// This happens by itself, in the background, and nothing has to wait for it.
    ///
    /// # Errors
    ///
    /// If it cannot be read.
    pub async fn scan(&self) -> Result<(), Error> {
        self.run(Disk::scan).await
    }

    fn with(mut self, set: impl FnOnce(&mut Disk)) -> Self {
        let disk = Arc::get_mut(&mut self.disk).expect("settings come before the first clone");
        set(disk);
        self
    }

    /// Runs blocking work on one of the threads.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let disk = Arc::clone(&self.disk);
        let result = self.threads.run(move || disk.counters.noted(work(&disk))).await;
        result.unwrap_or_else(|| {
            let cause = "there is no thread to do it on";
            Err(failed("use the cache directory", self.disk.files.root(), io::Error::other(cause)))
        })
    }

    fn changes(&self, namespace: &str) -> Changes {
        Changes { path: self.disk.files.log(namespace) }
    }

    /// Notes in files that they are used now.
    fn touch(&self, places: Vec<String>) {
        if !places.is_empty() {
            let disk = Arc::clone(&self.disk);
            self.threads.start(Box::new(move || places.iter().for_each(|place| disk.touch(place))));
        }
    }

    /// Looks through the directory in the background, if that is due.
    fn scan_if_due(&self) {
        if self.disk.index.lock().is_due(self.disk.max_bytes)
            && !self.disk.is_scanning.swap(true, Ordering::SeqCst)
        {
            let disk = Arc::clone(&self.disk);
            self.threads.start(Box::new(move || {
                // A directory that cannot be read has its failures counted by whoever uses it.
                drop(disk.scan());
                disk.is_scanning.store(false, Ordering::SeqCst);
            }));
        }
    }
}

impl CacheBackend for Filesystem {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        Box::pin(async move { Ok(self.get_all(slice::from_ref(key)).await?.pop().flatten()) })
    }

    /// What the kernel has in memory takes no thread.
    fn get_all<'a>(
        &'a self,
        keys: &'a [BackendKey],
    ) -> BoxFuture<'a, Result<Vec<Option<Value>>, Error>> {
        Box::pin(async move {
            self.scan_if_due();
            if let Some((found, used)) = self.disk.get_at_once(keys) {
                self.touch(used);
                return Ok(found);
            }
            let keys = keys.to_vec();
            self.run(move |disk| keys.iter().map(|key| disk.get(key)).collect()).await
        })
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        let key = key.clone();
        Box::pin(async move {
            self.scan_if_due();
            self.run(move |disk| disk.set(&key, &value)).await
        })
    }

    fn set_if_absent<'a>(
        &'a self,
        key: &'a BackendKey,
        value: Value,
    ) -> BoxFuture<'a, Result<bool, Error>> {
        let key = key.clone();
        Box::pin(async move {
            self.scan_if_due();
            self.run(move |disk| disk.set_if_absent(&key, &value)).await
        })
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        let place = Files::place(key);
        Box::pin(self.run(move |disk| disk.remove(&place)))
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        let folder = Files::folder(scope);
        Box::pin(async move {
            let cleared = self.run(move |disk| disk.clear(&folder)).await?;
            let disk = Arc::clone(&self.disk);
            // What is moved away is gone; the bytes follow.
            self.threads.start(Box::new(move || disk.files.discard(&cleared)));
            Ok(())
        })
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        let mut stats = self.disk.counters.snapshot();
        let index = self.disk.index.lock();
        if index.is_complete() {
            stats.entries = Some(index.len() as u64);
            stats.bytes = Some(index.bytes());
        }
        Box::pin(std::future::ready(Ok(stats)))
    }

    fn log(&self) -> Option<&dyn ChangeLog> {
        Some(self)
    }
}

impl ChangeLog for Filesystem {
    fn append<'a>(
        &'a self,
        namespace: &'a str,
        message: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Error>> {
        let log = self.changes(namespace);
        Box::pin(self.run(move |_| {
            log.append(&message).map_err(|cause| failed("add to the cache log", &log.path, cause))
        }))
    }

    fn read<'a>(
        &'a self,
        namespace: &'a str,
        after: Option<&'a str>,
        patience: Duration,
    ) -> BoxFuture<'a, Result<News, Error>> {
        let log = self.changes(namespace);
        Box::pin(async move {
            let time = &self.disk.time;
            let end = time.now().after(patience);
            let mut being_written = true;
            loop {
                let (log, from) = (log.clone(), after.map(str::to_owned));
                let read = move |_: &Disk| {
                    let news = log.read(from.as_deref(), being_written);
                    news.map_err(|cause| failed("read the cache log", &log.path, cause))
                };
                let news = self.run(read).await?;
                let is_nothing = news.is_complete && Some(&*news.position) == after;
                if !is_nothing || (!being_written && time.now() >= end) {
                    return Ok(news);
                }
                within(time, POLL, std::future::pending::<()>()).await;
                // A writer takes no longer than that.
                being_written = false;
            }
        })
    }
}

impl Disk {
    fn get(&self, key: &BackendKey) -> Result<Option<Value>, Error> {
        let place = Files::place(key);
        let bytes = self
            .files
            .read(&place)
            .map_err(|cause| failed("read the cache file", &self.files.path(&place), cause))?;
        let opened = bytes.map(|bytes| Value::open(key, bytes, &self.time));
        let (value, is_due) = self.found(&place, opened);
        if is_due {
            self.touch(&place);
        }
        Ok(value)
    }

    /// The values of some keys, and the files that should know of their use, if the kernel has all that in memory.
    fn get_at_once(&self, keys: &[BackendKey]) -> Option<(Vec<Option<Value>>, Vec<String>)> {
        let read = |key| {
            let place = Files::place(key);
            let bytes = self.files.read_at_once(&place)?;
            let opened = bytes.map(|bytes| Value::open(key, bytes, &self.time));
            // The rest of it may have to be read.
            (opened != Some(Err(Unusable::Damaged))).then_some((place, opened))
        };
        let opened: Vec<_> = keys.iter().map(read).collect::<Option<_>>()?;
        let mut used = Vec::new();
        let found = opened.into_iter().map(|(place, opened)| {
            let (value, is_due) = self.found(&place, opened);
            used.extend(is_due.then_some(place));
            value
        });
        Some((found.collect(), used))
    }

    /// The value in a file, if it may be served, and whether the file should know of its use.
    fn found(&self, place: &str, opened: Option<Result<Value, Unusable>>) -> (Option<Value>, bool) {
        let Some(value) = self.counters.found(opened) else { return (None, false) };
        let file = self.describe(&value);
        let mut index = self.index.lock();
        if index.is_past(place, &file, self.time.now()) {
            // The wall clock has jumped back; the other one knows better.
            return (None, false);
        }
        let is_due = index.note_use(place, file);
        (Some(value), is_due)
    }

    /// Has other processes, and this one after a restart, see a use by the time of the file.
    fn touch(&self, place: &str) {
        drop(self.files.touch(place, self.time.wall()));
    }

    fn set(&self, key: &BackendKey, value: &Value) -> Result<(), Error> {
        let written = self.write(key, value, Place::Replace);
        if written.is_err() {
            // An older value must not outlive the one that should have taken its place.
            drop(self.remove(&Files::place(key)));
        }
        written.map(drop)
    }

    fn set_if_absent(&self, key: &BackendKey, value: &Value) -> Result<bool, Error> {
        if self.write(key, value, Place::Add)? {
            return Ok(true);
        }
        if self.get(key)?.is_some() {
            return Ok(false);
        }
        // What is there is no value, or has expired.
        self.remove(&Files::place(key))?;
        self.write(key, value, Place::Add)
    }

    /// Writes a value; false if it is only to be added, and there is a file.
    fn write(&self, key: &BackendKey, value: &Value, how: Place) -> Result<bool, Error> {
        let place = Files::place(key);
        let len = value.as_bytes().len() as u64;
        let written = if len > self.max_bytes {
            let cause = format!("{len} bytes are more than the {} of the limit", self.max_bytes);
            Err(io::Error::other(cause))
        } else {
            // A new file has the time of the system.
            let used = (!self.time.is_system()).then(|| self.time.wall());
            self.files.write(&place, value.as_bytes(), used, how)
        };
        match written {
            Ok(()) => {}
            Err(cause) if how == Place::Add && cause.kind() == ErrorKind::AlreadyExists => {
                return Ok(false);
            }
            Err(cause) => {
                return Err(failed("write the cache file", &self.files.path(&place), cause));
            }
        }
        add(&self.counters.writes);
        let file = self.describe(value);
        let mut index = self.index.lock();
        index.insert(&place, file);
        index.note_written(len);
        drop(index);
        self.make_room();
        Ok(true)
    }

    /// What the index says of the file of a value that is used now.
    fn describe(&self, value: &Value) -> File {
        let deadline = match value.remaining(&self.time) {
            Some(remaining) => self.time.now().after(remaining),
            None => Moment::NEVER,
        };
        let len = value.as_bytes().len() as u64;
        File { len, used: self.time.wall(), expires: value.expires(), deadline }
    }

    fn remove(&self, place: &str) -> Result<(), Error> {
        self.files
            .remove(place)
            .map_err(|cause| failed("remove the cache file", &self.files.path(place), cause))?;
        self.index.lock().remove(place);
        Ok(())
    }

    /// Moves a folder away, and says where to.
    fn clear(&self, folder: &str) -> Result<PathBuf, Error> {
        let cleared = self.files.take_away(folder).map_err(|cause| {
            failed("clear the cache directory", &self.files.path(folder), cause)
        })?;
        self.index.lock().remove_folder(folder);
        Ok(cleared)
    }

    /// Learns what is in the directory, also from other processes, and holds it to the limit.
    fn scan(&self) -> Result<(), Error> {
        let scan = self.index.lock().begin_scan();
        self.files
            .scan(self.time.wall(), |place, len, modified, read_expiry| {
                if self.index.lock().is_known(scan, place, len, modified) {
                    return;
                }
                let expires = read_expiry();
                let deadline = expires.map_or(Moment::NEVER, |at| {
                    let remaining = at.duration_since(self.time.wall()).unwrap_or_default();
                    self.time.now().after(remaining)
                });
                self.index.lock().insert(place, File { len, used: modified, expires, deadline });
            })
            .map_err(|cause| {
                failed("look through the cache directory", self.files.root(), cause)
            })?;
        self.index.lock().end_scan(scan);
        self.make_room();
        Ok(())
    }

    /// Removes files until the rest is well below the limit, if it is above.
    fn make_room(&self) {
        let now = self.time.now();
        let victims = self.index.lock().take_victims(self.max_bytes, now);
        for place in victims {
            // What cannot be removed is found again by the next scan.
            drop(self.files.remove(&place));
            add(&self.counters.evictions);
        }
    }
}

#[cold]
fn failed(what: &str, path: &Path, cause: io::Error) -> Error {
    Error::tier(format!("cannot {what} `{}`", path.display()), cause)
}
