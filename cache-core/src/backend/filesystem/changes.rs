//! The log of changes of a namespace: a file that grows at its end, by one step for each message.
//!
//! A record is the length of its bytes, their checksum, and the bytes. The first one of a file is its *epoch*, eight
//! random bytes, so that a position in one file is not taken for one in another. A file that has become long is moved
//! aside, where those who have not read all of it find it until the next one is.

use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use twox_hash::XxHash3_64;

use super::files::{absent_is_none, private};
use crate::backend::News;

/// A file that is longer is moved aside.
const MAX_LEN: u64 = 1 << 20;

/// What comes before the bytes of a record: their length and their checksum.
const HEADER: usize = 12;

/// The record with the epoch.
const FIRST: usize = HEADER + 8;

/// The log in one file.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    pub(super) path: PathBuf,
}

impl Changes {
    fn previous(&self) -> PathBuf {
        self.path.with_extension("previous")
    }

    /// Adds a message. If that fails the log is removed, so that whoever reads it sees that something is missing.
    pub(super) fn append(&self, message: &[u8]) -> io::Result<()> {
        let result = self.add(&record(message));
        if result.is_err() {
            drop(fs::remove_file(&self.path));
        }
        result
    }

    fn add(&self, records: &[u8]) -> io::Result<()> {
        // Somebody may move the file aside, or remove it, and may do so again.
        for _ in 0..10 {
            let Some(mut file) = self.open()? else {
                self.path.parent().map_or(Ok(()), private::folders)?;
                continue;
            };
            let len = file.metadata()?.len();
            if len > 0 && Tail::read(&mut file, 0)?.epoch.is_none() {
                // It is no log, and never will be.
                absent_is_none(fs::remove_file(&self.path))?;
                continue;
            }
            let epoch = RandomState::new().hash_one(len).to_le_bytes();
            let first = if len == 0 { record(&epoch) } else { Vec::new() };
            // In one piece, so that those of others come before it or after it.
            file.write_all(&[&first, records].concat())?;
            file.rewind()?;
            // Who has read a file that was moved aside does not look at it again.
            if Tail::read(&mut file, 0)?.epoch == Tail::open(&self.path, 0)?.epoch {
                if len > MAX_LEN {
                    absent_is_none(fs::rename(&self.path, self.previous()))?;
                }
                return Ok(());
            }
        }
        Err(io::Error::other("others keep removing it"))
    }

    /// `None` if there is no folder for it.
    fn open(&self) -> io::Result<Option<File>> {
        // Opening a pipe would wait for somebody to read from it, and a link may lead anywhere.
        let found = absent_is_none(fs::symlink_metadata(&self.path))?;
        if found.is_some_and(|found| !found.is_file()) {
            return Err(io::Error::other("something else is in its place"));
        }
        let mut options = OpenOptions::new();
        absent_is_none(private::file(options.read(true).append(true).create(true)).open(&self.path))
    }

    /// What was added after a position. The last record may be one that is `being_written` now.
    pub(super) fn read(&self, after: Option<&str>, being_written: bool) -> io::Result<News> {
        let Some(after) = after else {
            return self.nothing(true);
        };
        let known = after.split_once('+').and_then(|(epoch, offset)| {
            Some((u64::from_str_radix(epoch, 16).ok()?, offset.parse().ok()?))
        });
        let Some((epoch, offset)) = known else { return self.nothing(false) };
        let mut tail = Tail::open(&self.path, offset)?;
        let mut messages = Vec::new();
        if tail.epoch != Some(epoch) {
            // It was moved aside, and another one has begun.
            let previous = Tail::open(&self.previous(), offset)?;
            tail = Tail::open(&self.path, FIRST as u64)?;
            match previous.messages() {
                Some((rest, 0)) if previous.epoch == Some(epoch) => messages = rest,
                _ => return self.nothing(false),
            }
        }
        match (tail.epoch, tail.messages()) {
            (Some(epoch), Some((rest, n_left))) if n_left == 0 || being_written => {
                messages.extend(rest);
                let position = position(epoch, tail.end - n_left as u64);
                Ok(News { position, messages, is_complete: true })
            }
            _ => self.nothing(false),
        }
    }

    /// No messages, and where the log ends, which is there from then on.
    fn nothing(&self, is_complete: bool) -> io::Result<News> {
        self.add(&[])?;
        let tail = Tail::open(&self.path, 0)?;
        let position = position(tail.epoch.unwrap_or(0), tail.end);
        Ok(News { position, messages: Vec::new(), is_complete })
    }
}

fn position(epoch: u64, offset: u64) -> String {
    format!("{epoch:x}+{offset}")
}

fn record(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("messages are short");
    let mut record = len.to_le_bytes().to_vec();
    record.extend_from_slice(&XxHash3_64::oneshot(bytes).to_le_bytes());
    record.extend_from_slice(bytes);
    record
}

/// What a file holds from an offset on.
#[derive(Default)]
struct Tail {
    /// `None` if there is no file, or it is not a log.
    epoch: Option<u64>,
    bytes: Vec<u8>,
    /// Where the file ends.
    end: u64,
    /// The offset is beyond that.
    is_beyond: bool,
}

impl Tail {
    fn open(path: &std::path::Path, offset: u64) -> io::Result<Self> {
        let file = absent_is_none(File::open(path))?;
        file.map_or(Ok(Self::default()), |mut file| Self::read(&mut file, offset))
    }

    fn read(file: &mut File, offset: u64) -> io::Result<Self> {
        let mut first = Vec::new();
        file.take(FIRST as u64).read_to_end(&mut first)?;
        let epoch = Self { bytes: first, ..Self::default() }.messages();
        let epoch = epoch.and_then(|(records, _)| records.into_iter().next()?.try_into().ok());
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(offset))?;
        file.read_to_end(&mut bytes)?;
        let end = offset + bytes.len() as u64;
        let is_beyond = bytes.is_empty() && file.metadata()?.len() < offset;
        Ok(Self { epoch: epoch.map(u64::from_le_bytes), bytes, end, is_beyond })
    }

    /// The bytes of all records, and how many bytes there are after them; `None` if one is damaged.
    fn messages(&self) -> Option<(Vec<Vec<u8>>, usize)> {
        let mut messages = Vec::new();
        let mut rest = &self.bytes[..];
        while let Some((header, after)) = rest.split_first_chunk::<HEADER>() {
            let (len, checksum) = header.split_first_chunk()?;
            let len = usize::try_from(u32::from_le_bytes(*len)).ok()?;
            let Some((bytes, after)) = after.split_at_checked(len) else { break };
            if XxHash3_64::oneshot(bytes).to_le_bytes() != *checksum {
                return None;
            }
            messages.push(bytes.to_vec());
            rest = after;
        }
        (!self.is_beyond).then_some((messages, rest.len()))
    }
}
