//! Maps, whose entries are sorted once all of them are written.

use super::KeyError;
use super::buffer::{Buffer, LONG};
use super::tag;
use serde::ser::{self, Serialize};

/// What a map may hold before sorting it needs the heap.
const FEW: usize = 32;

/// A map while it is written: entries in the order they come, sorted when the last one is in.
#[derive(Debug)]
pub(super) struct MapWriter<'a> {
    key: &'a mut Buffer,
    n_entries: usize,
    /// Where the first entries start, as long as that is on the stack.
    starts: [u16; FEW],
    /// Where all entries start, once they are too many or too far.
    more_starts: Vec<usize>,
}

impl<'a> MapWriter<'a> {
    #[inline]
    pub(super) fn new(key: &'a mut Buffer) -> Self {
        Self { key, n_entries: 0, starts: [0; FEW], more_starts: Vec::new() }
    }

    #[inline]
    fn start_entry(&mut self) {
        let start = self.key.written().len();
        match self.starts.get_mut(self.n_entries) {
            Some(slot) if start <= LONG => *slot = start as u16,
            _ => self.start_entry_far(start),
        }
        self.n_entries += 1;
    }

    #[cold]
    fn start_entry_far(&mut self, start: usize) {
        if self.more_starts.is_empty() {
            self.more_starts
                .extend(self.starts[..self.n_entries].iter().map(|&start| usize::from(start)));
        }
        self.more_starts.push(start);
    }

    /// Sorts in place, by moving each entry before the greater ones that came earlier.
    fn sort_few(&mut self) {
        let n_entries = self.n_entries;
        let bytes = self.key.written_mut();
        let mut bounds = [0; FEW + 1];
        for (bound, &start) in bounds.iter_mut().zip(&self.starts[..n_entries]) {
            *bound = usize::from(start);
        }
        bounds[n_entries] = bytes.len();
        for entry_idx in 1..n_entries {
            let (start, end) = (bounds[entry_idx], bounds[entry_idx + 1]);
            let mut to_idx = entry_idx;
            while to_idx > 0 && bytes[bounds[to_idx - 1]..bounds[to_idx]] > bytes[start..end] {
                to_idx -= 1;
            }
            if to_idx == entry_idx {
                continue;
            }
            bytes[bounds[to_idx]..end].rotate_right(end - start);
            for moved_idx in (to_idx + 1..=entry_idx).rev() {
                bounds[moved_idx] = bounds[moved_idx - 1] + (end - start);
            }
        }
    }

    #[cold]
    fn sort_many(&mut self) {
        let bytes = self.key.written_mut();
        let ends = self.more_starts.iter().skip(1).copied().chain([bytes.len()]);
        let mut entries: Vec<&[u8]> =
            self.more_starts.iter().zip(ends).map(|(&start, end)| &bytes[start..end]).collect();
        if entries.is_sorted() {
            return;
        }
        entries.sort_unstable();
        let sorted = entries.concat();
        let start = bytes.len() - sorted.len();
        bytes[start..].copy_from_slice(&sorted);
    }
}

impl ser::SerializeMap for MapWriter<'_> {
    type Ok = ();
    type Error = KeyError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), KeyError> {
        self.start_entry();
        key.serialize(&mut *self.key)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
        value.serialize(&mut *self.key)
    }

    #[inline]
    fn end(mut self) -> Result<(), KeyError> {
        if self.more_starts.is_empty() {
            self.sort_few();
        } else {
            self.sort_many();
        }
        self.key.tag(tag::END);
        Ok(())
    }
}
