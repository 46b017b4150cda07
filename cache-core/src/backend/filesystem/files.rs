//! The files themselves: blocking, and without knowledge of what is in them.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::system;
use crate::backend::key::hex;
use crate::backend::value::{HEADER, expiry};
use crate::backend::{BackendKey, Scope};
use crate::sync::{AtomicU64, Ordering};

/// The folder of this format, so that nothing else in a user's directory is touched.
const FORMAT: &str = "cache-core-1";

/// The folder of what is being written or removed.
const TEMPORARY: &str = "temporary";

/// The folder of the logs of changes.
const CHANGES: &str = "changes";

/// What is there for so long has been left behind by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(60 * 60);

/// How long the names of folders and files are, in hex digits.
const FOLDER_NAME: usize = 32;
const FILE_NAME: usize = 64;

/// Files with bytes, by their places: `<namespace>/<function>/<key>`.
#[derive(Debug)]
pub(super) struct Files {
    root: PathBuf,
    /// Tells the temporary files of this process from those of others.
    mark: u64,
    n_temporary: AtomicU64,
    /// Whether files can be read at once here, which is tried where it may take its time.
    reads_at_once: OnceLock<bool>,
}

/// A file cannot be read without waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread {
    /// Nor can others here.
    pub(super) is_for_good: bool,
}

impl Files {
    pub(super) fn new(root: &Path) -> Self {
        let mark = RandomState::new().hash_one(std::process::id());
        Self {
            root: root.join(FORMAT),
            mark,
            n_temporary: AtomicU64::new(0),
            reads_at_once: OnceLock::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, place: &str) -> PathBuf {
        self.root.join(place)
    }

    /// Where the file of a key is.
    pub(super) fn place(key: &BackendKey) -> String {
        let mut place = folder(key.parts(2));
        place.push('/');
        digest(&mut place, key.as_str(), FILE_NAME);
        place
    }

    /// Where the files of a scope are.
    pub(super) fn folder(scope: &Scope) -> String {
        folder(scope.as_str())
    }

    /// Where the log of a namespace is: not in its folder, which goes when that is cleared.
    pub(super) fn log(&self, namespace: &str) -> PathBuf {
        self.root.join(CHANGES).join(Self::folder(&Scope::namespace(namespace)))
    }

    /// All bytes of a file, if there is one.
    pub(super) fn read(&self, place: &str) -> io::Result<Option<Vec<u8>>> {
        let path = self.path(place);
        let read = || {
            // Opening a pipe would wait for somebody to write to it.
            if fs::symlink_metadata(&path)?.is_file() { fs::read(&path) } else { Ok(Vec::new()) }
        };
        let bytes = absent_is_none(read())?;
        if bytes.is_some() && self.reads_at_once.get().is_none() {
            match system::read_at_once(&path) {
                Err(Unread { is_for_good: false }) => {}
                read => drop(self.reads_at_once.set(read.is_ok())),
            }
        }
        Ok(bytes)
    }

    /// The same, if the kernel has it in memory. The end of the bytes may be missing.
    pub(super) fn read_at_once(&self, place: &str) -> Option<Option<Vec<u8>>> {
        let reads_at_once = self.reads_at_once.get() == Some(&true);
        reads_at_once.then(|| system::read_at_once(&self.path(place)).ok()).flatten()
    }

    /// Puts a file in its place, at once for everybody who reads it, as one that was last `used` then, or now.
    pub(super) fn write(
        &self,
        place: &str,
        bytes: &[u8],
        used: Option<SystemTime>,
        how: Place,
    ) -> io::Result<()> {
        let path = self.path(place);
        let mut result = self.try_write(&path, bytes, used, how);
        // Somebody may have removed the folders, and may do so again between two steps.
        for _ in 0..3 {
            match &result {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                _ => break,
            }
            self.create_folders(path.parent())?;
            result = self.try_write(&path, bytes, used, how);
        }
        result
    }

    fn try_write(
        &self,
        path: &Path,
        bytes: &[u8],
        used: Option<SystemTime>,
        how: Place,
    ) -> io::Result<()> {
        let temporary = self.temporary();
        // A file that is there already belongs to somebody else, who has the same mark by an incredible accident.
        let mut file =
            private::file(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
        let written = file
            .write_all(bytes)
            .and_then(|()| used.map_or(Ok(()), |used| file.set_modified(used)));
        drop(file);
        let result = written.and_then(|()| match how {
            Place::Replace => fs::rename(&temporary, path),
            Place::Add => add(&temporary, path),
        });
        if result.is_err() {
            drop(fs::remove_file(&temporary));
        }
        result
    }

    /// Sets when a file was used last.
    pub(super) fn touch(&self, place: &str, used: SystemTime) -> io::Result<()> {
        // On Windows the time of a file is for those to set who may write to it.
        OpenOptions::new().append(true).open(self.path(place))?.set_modified(used)
    }

    pub(super) fn remove(&self, place: &str) -> io::Result<()> {
        absent_is_none(fs::remove_file(self.path(place))).map(drop)
    }

    /// Moves a folder out of the way, in one step, and says where to.
    pub(super) fn take_away(&self, folder: &str) -> io::Result<PathBuf> {
        let temporary = self.temporary();
        if absent_is_none(fs::symlink_metadata(self.path(folder)))?.is_some() {
            self.create_folders(None)?;
            absent_is_none(fs::rename(self.path(folder), &temporary))?;
        }
        Ok(temporary)
    }

    /// Removes what was moved away. What is left of it is found by a later scan.
    pub(super) fn discard(&self, temporary: &Path) {
        drop(match fs::symlink_metadata(temporary) {
            Ok(found) if found.is_dir() => fs::remove_dir_all(temporary),
            Ok(_) => fs::remove_file(temporary),
            Err(_) => Ok(()),
        });
    }

    /// Shows every file: its place, length, last use, and how to find out when it expires.
    ///
    /// Whatever else is in the directory is passed over, and symbolic links are not followed.
    pub(super) fn scan(
        &self,
        now: SystemTime,
        mut found: impl FnMut(&str, u64, SystemTime, &dyn Fn() -> Option<SystemTime>),
    ) -> io::Result<()> {
        private::tighten(&self.root);
        self.discard_left_behind(now)?;
        for namespace in folders(&self.root)? {
            for function in folders(&self.root.join(&namespace))? {
                let folder = format!("{namespace}/{function}");
                for (name, entry) in entries(&self.path(&folder), FILE_NAME)? {
                    // It may have been removed since.
                    let Some(data) = absent_is_none(entry.metadata())? else { continue };
                    if data.is_file() {
                        let read_expiry = || read_expiry(&entry.path());
                        let used = data.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                        found(&format!("{folder}/{name}"), data.len(), used, &read_expiry);
                    }
                }
            }
        }
        Ok(())
    }

    fn discard_left_behind(&self, now: SystemTime) -> io::Result<()> {
        let Some(all) = absent_is_none(fs::read_dir(self.path(TEMPORARY)))? else { return Ok(()) };
        for entry in all {
            let path = entry?.path();
            let modified = fs::symlink_metadata(&path).and_then(|data| data.modified());
            // A clock may have been set back since, or may differ a little from that of a file server.
            let is_old = modified.is_ok_and(|at| {
                let age = now.duration_since(at).unwrap_or_else(|ahead| ahead.duration());
                age > LEFT_BEHIND
            });
            if is_old {
                self.discard(&path);
            }
        }
        Ok(())
    }

    fn create_folders(&self, folder: Option<&Path>) -> io::Result<()> {
        private::folders(&self.path(TEMPORARY))?;
        private::tighten(&self.root);
        folder.map_or(Ok(()), private::folders)
    }

    fn temporary(&self) -> PathBuf {
        let n = self.n_temporary.fetch_add(1, Ordering::Relaxed);
        self.root.join(TEMPORARY).join(format!("{:016x}-{n}", self.mark))
    }
}

/// How a file gets to its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In that of an older one.
    Replace,
    /// If there is none.
    Add,
}

/// Moves a file to where there is none.
fn add(from: &Path, to: &Path) -> io::Result<()> {
    for attempt in [system::rename_to_free, link] {
        match attempt(from, to) {
            // A file system without this.
            Err(error)
                if !matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::NotFound) => {}
            result => return result,
        }
    }
    fs::rename(from, to)
}

fn link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

/// Where the files of a scope are, of which this is the text.
fn folder(scope: &str) -> String {
    // Each part of a scope ends with a colon, so the digest of a namespace is that of a shorter text.
    let mut folder = String::with_capacity(2 * FOLDER_NAME + FILE_NAME + 2);
    let mut end = 0;
    for part in scope.split_inclusive(':') {
        end += part.len();
        if !folder.is_empty() {
            folder.push('/');
        }
        digest(&mut folder, &scope[..end], FOLDER_NAME);
    }
    folder
}

/// Appends the first so many hex digits of a digest.
fn digest(place: &mut String, text: &str, n_digits: usize) {
    hex(place, &Sha256::digest(text)[..n_digits / 2]);
}

/// What is in a folder under a name of hex digits.
fn entries(folder: &Path, len: usize) -> io::Result<Vec<(String, fs::DirEntry)>> {
    let mut found = Vec::new();
    let Some(all) = absent_is_none(fs::read_dir(folder))? else { return Ok(found) };
    for entry in all {
        let entry = entry?;
        let name = entry.file_name();
        if let Some(name) = name.to_str()
            && name.len() == len
            && name.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        {
            found.push((name.to_owned(), entry));
        }
    }
    Ok(found)
}

/// The folders in a folder that have a name of hex digits.
fn folders(folder: &Path) -> io::Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, entry) in entries(folder, FOLDER_NAME)? {
        if entry.file_type()?.is_dir() {
            found.push(name);
        }
    }
    Ok(found)
}

fn read_expiry(path: &Path) -> Option<SystemTime> {
    let mut header = [0; HEADER];
    File::open(path).and_then(|mut file| file.read_exact(&mut header)).ok()?;
    expiry(&header)
}

pub(super) fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Files and folders for the eyes of their owner only.
#[cfg(unix)]
pub(super) mod private {
    use super::{DirBuilder, OpenOptions, Path, fs, io};
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};

    pub(in super::super) fn file(options: &mut OpenOptions) -> &mut OpenOptions {
        options.mode(0o600)
    }

    pub(in super::super) fn folders(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Closes a folder to others that was open to them, if it is ours.
    pub(super) fn tighten(path: &Path) {
        if let Ok(data) = fs::symlink_metadata(path)
            && data.is_dir()
            && data.permissions().mode() & 0o077 != 0
        {
            drop(fs::set_permissions(path, PermissionsExt::from_mode(0o700)));
        }
    }
}

/// Elsewhere, a user's own directory is closed to others as it is.
#[cfg(not(unix))]
pub(super) mod private {
    use super::{DirBuilder, OpenOptions, Path, io};

    pub(in super::super) fn file(options: &mut OpenOptions) -> &mut OpenOptions {
        options
    }

    pub(in super::super) fn folders(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).create(path)
    }

    pub(super) fn tighten(_path: &Path) {}
}
