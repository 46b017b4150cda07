//! What is known of the files: enough to choose which of them goes first.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use crate::clock::Moment;

/// A file with a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct File {
    pub(super) len: u64,
    /// By the wall clock, as the time of the file tells other processes.
    pub(super) used: SystemTime,
    /// By the wall clock, as the file says.
    pub(super) expires: Option<SystemTime>,
    /// The same by the clock that does not jump.
    pub(super) deadline: Moment,
}

/// A use is written to the file if it is so much later than the last one that was.
const PRECISION: Duration = Duration::from_secs(1);

/// All files that are known, by their places.
#[derive(Debug, Default)]
pub(super) struct Index {
    files: HashMap<Box<str>, Known>,
    bytes: u64,
    /// How many scans have begun, and how many have come to their end.
    n_begun: u64,
    n_ended: u64,
    /// How much this process has written since the last one began.
    n_written: u64,
}

#[derive(Debug)]
struct Known {
    file: File,
    /// The last scan that this file was seen in or after.
    seen: u64,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the whole directory has been looked through.
    pub(super) fn is_complete(&self) -> bool {
        self.n_ended > 0
    }

    /// Whether it is time to look through the directory: for the first time, or because others may have written
    /// as much as this process has.
    pub(super) fn is_due(&self, max_bytes: u64) -> bool {
        self.n_begun == 0 || self.n_written > max_bytes / 8
    }

    pub(super) fn insert(&mut self, place: &str, file: File) {
        self.remove(place);
        self.bytes += file.len;
        self.files.insert(place.into(), Known { file, seen: self.n_begun });
    }

    /// Notes that this process has written so many bytes.
    pub(super) fn note_written(&mut self, len: u64) {
        self.n_written += len;
    }

    pub(super) fn remove(&mut self, place: &str) {
        if let Some(known) = self.files.remove(place) {
            self.bytes -= known.file.len;
        }
    }

    pub(super) fn remove_folder(&mut self, folder: &str) {
        let is_inside =
            |place: &str| place.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
        self.retain(|place, _| !is_inside(place));
    }

    /// Whether the clock that does not jump says that this very value has expired.
    pub(super) fn is_past(&self, place: &str, file: &File, now: Moment) -> bool {
        self.files
            .get(place)
            .is_some_and(|known| known.file.expires == file.expires && known.file.deadline <= now)
    }

    /// Notes that a file was used, and says whether the file should know.
    pub(super) fn note_use(&mut self, place: &str, file: File) -> bool {
        match self.files.get_mut(place) {
            Some(known) if (known.file.len, known.file.expires) == (file.len, file.expires) => {
                let is_due = file.used > known.file.used + PRECISION;
                if is_due {
                    known.file.used = file.used;
                }
                is_due
            }
            _ => {
                self.insert(place, file);
                true
            }
        }
    }

    /// Begins a scan, and names it.
    pub(super) fn begin_scan(&mut self) -> u64 {
        self.n_begun += 1;
        self.n_written = 0;
        self.n_begun
    }

    /// Notes that a scan has found a file, and says whether it is the one that is known.
    pub(super) fn is_known(&mut self, scan: u64, place: &str, len: u64, used: SystemTime) -> bool {
        match self.files.get_mut(place) {
            Some(known) if known.file.len == len => {
                known.seen = known.seen.max(scan);
                known.file.used = known.file.used.max(used);
                true
            }
            _ => false,
        }
    }

    /// Forgets the files that this scan has not found.
    pub(super) fn end_scan(&mut self, scan: u64) {
        self.n_ended = self.n_ended.max(scan);
        self.retain(|_, known| known.seen >= scan);
    }

    /// If the files take more than `max_bytes`, forgets as many as make them a tenth less, and names those.
    pub(super) fn take_victims(&mut self, max_bytes: u64, now: Moment) -> Vec<Box<str>> {
        if self.bytes <= max_bytes {
            return Vec::new();
        }
        let goal = max_bytes - max_bytes / 10;
        let mut order: Vec<(bool, SystemTime, Box<str>)> = self
            .files
            .iter()
            .map(|(place, Known { file, .. })| (file.deadline > now, file.used, place.clone()))
            .collect();
        order.sort_unstable();
        let mut victims = Vec::new();
        for (_, _, place) in order {
            if self.bytes <= goal {
                break;
            }
            self.remove(&place);
            victims.push(place);
        }
        victims
    }

    fn retain(&mut self, mut keep: impl FnMut(&str, &Known) -> bool) {
        self.files.retain(|place, known| {
            let keep = keep(place, known);
            if !keep {
                self.bytes -= known.file.len;
            }
            keep
        });
    }
}
