//! Maps, whose entries are sorted once all of them are written.

use super::KeyError;
use super::buffer::STACK;
use super::encoder::{Encoder, List};
use super::hash::Hash;
use super::tag;
use serde::ser::{self, Serialize};

/// What a map may hold before sorting it needs the heap.
const FEW: usize = 32;

/// A map while it is written: entries in the order they come, sorted when the last one is in.
pub(super) struct MapWriter<'a> {
    entries: List<'a>,
    starts: Starts,
    /// Where the first entry starts.
    start: usize,
    /// The hash before the map. What the entries do to it depends on their order, and is forgotten.
    hash: Hash,
}

impl<'a> MapWriter<'a> {
    #[inline]
    pub(super) fn new(encoder: Encoder<'a>) -> Self {
        let (start, hash) = (encoder.end.len(), encoder.hash);
        Self { entries: List::new(encoder), starts: Starts::new(), start, hash }
    }
}

impl<'a> ser::SerializeMap for MapWriter<'a> {
    type Ok = Encoder<'a>;
    type Error = KeyError;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), KeyError> {
        self.entries.part(|encoder| {
            self.starts.push(encoder.end.len());
            key.serialize(encoder)
        })
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), KeyError> {
        self.entries.part(|encoder| value.serialize(encoder))
    }

    #[inline]
    fn end(self) -> Result<Encoder<'a>, KeyError> {
        let mut encoder = self.entries.end()?;
        let bytes = encoder.end.written();
        self.starts.sort(bytes);
        encoder.hash = self.hash;
        encoder.hash.bytes(tag::MAP, &bytes[self.start..]);
        encoder.end.put([tag::END], [], &[]);
        Ok(encoder)
    }
}

/// Where the entries of a map start.
struct Starts {
    n_entries: usize,
    /// The first ones, as long as they are on the stack.
    few: [u16; FEW],
    /// All of them, once they are too many or too far.
    many: Vec<usize>,
}

impl Starts {
    #[inline]
    fn new() -> Self {
        Self { n_entries: 0, few: [0; FEW], many: Vec::new() }
    }

    #[inline]
    fn push(&mut self, start: usize) {
        match self.few.get_mut(self.n_entries) {
            Some(slot) if start <= STACK => *slot = start as u16,
            _ => self.push_far(start),
        }
        self.n_entries += 1;
    }

    #[cold]
    fn push_far(&mut self, start: usize) {
        if self.many.is_empty() {
            self.many.extend(self.few[..self.n_entries].iter().map(|&start| usize::from(start)));
        }
        self.many.push(start);
    }

    /// Sorts the entries, which are all that follows the first start.
    fn sort(&self, bytes: &mut [u8]) {
        if self.many.is_empty() { self.sort_few(bytes) } else { self.sort_many(bytes) }
    }

    /// Sorts in place, by moving each entry before the greater ones that came earlier.
    fn sort_few(&self, bytes: &mut [u8]) {
        let mut bounds = [0; FEW + 1];
        for (bound, &start) in bounds.iter_mut().zip(&self.few[..self.n_entries]) {
            *bound = usize::from(start);
        }
        bounds[self.n_entries] = bytes.len();
        for entry_idx in 1..self.n_entries {
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
    fn sort_many(&self, bytes: &mut [u8]) {
        let ends = self.many.iter().skip(1).copied().chain([bytes.len()]);
        let mut entries: Vec<&[u8]> =
            self.many.iter().zip(ends).map(|(&start, end)| &bytes[start..end]).collect();
        if entries.is_sorted() {
            return;
        }
        entries.sort_unstable();
        let sorted = entries.concat();
        let start = bytes.len() - sorted.len();
        bytes[start..].copy_from_slice(&sorted);
    }
}
