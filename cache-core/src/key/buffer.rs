//! Bytes that start on the stack and move to the heap only when they must.

use std::fmt;

/// What a key may measure on the stack at first. Most stay below, and clearing more than they need would be
/// what costs most about them.
pub(super) const SHORT: usize = 128;

/// What a key may measure on the stack at all.
pub(super) const LONG: usize = 256;

/// The bytes of a key so far.
pub(super) struct Buffer {
    pub(super) place: Place,
    /// How much of a place on the stack is written.
    len: u16,
}

pub(super) enum Place {
    Short([u8; SHORT]),
    Long([u8; LONG]),
    Heap(Vec<u8>),
}

impl Buffer {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { place: Place::Short([0; SHORT]), len: 0 }
    }

    #[inline]
    pub(super) fn written(&self) -> &[u8] {
        match &self.place {
            Place::Short(short) => &short[..usize::from(self.len)],
            Place::Long(long) => &long[..usize::from(self.len)],
            Place::Heap(heap) => heap,
        }
    }

    #[inline]
    pub(super) fn written_mut(&mut self) -> &mut [u8] {
        match &mut self.place {
            Place::Short(short) => &mut short[..usize::from(self.len)],
            Place::Long(long) => &mut long[..usize::from(self.len)],
            Place::Heap(heap) => heap,
        }
    }

    /// The next `n` bytes on the stack, counted as written, if there is room for them.
    #[inline]
    pub(super) fn slot(&mut self, n: usize) -> Option<&mut [u8]> {
        let start = usize::from(self.len);
        let end = start + n;
        let slot = match &mut self.place {
            Place::Short(short) => short.get_mut(start..end),
            Place::Long(long) => long.get_mut(start..end),
            Place::Heap(_) => None,
        }?;
        self.len = end as u16;
        Some(slot)
    }

    #[inline]
    pub(super) fn put(&mut self, bytes: &[u8]) {
        match self.slot(bytes.len()) {
            Some(slot) => slot.copy_from_slice(bytes),
            None => self.put_grown(bytes),
        }
    }

    #[inline]
    pub(super) fn tag(&mut self, tag: u8) {
        self.put(&[tag]);
    }

    #[inline]
    pub(super) fn scalar<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        // One bounds check for both.
        if let Some([first, rest @ ..]) = self.slot(1 + N) {
            *first = tag;
            rest.copy_from_slice(&bytes);
        } else {
            self.scalar_grown(tag, bytes);
        }
    }

    #[inline(never)]
    fn put_grown(&mut self, bytes: &[u8]) {
        match &mut self.place {
            Place::Heap(heap) => heap.extend_from_slice(bytes),
            _ => {
                self.grow(bytes.len());
                self.put(bytes);
            }
        }
    }

    // Long vectors of numbers come here for each, hence not through `put_grown`.
    #[inline(never)]
    fn scalar_grown<const N: usize>(&mut self, tag: u8, bytes: [u8; N]) {
        match &mut self.place {
            Place::Heap(heap) => {
                heap.reserve(1 + N);
                heap.push(tag);
                heap.extend_from_slice(&bytes);
            }
            _ => {
                self.grow(1 + N);
                self.scalar(tag, bytes);
            }
        }
    }

    /// Moves to a buffer that has room for `n` more bytes.
    #[cold]
    fn grow(&mut self, n: usize) {
        let written = self.written();
        let len = written.len();
        self.place = if len.saturating_add(n) <= LONG {
            let mut long = [0; LONG];
            long[..len].copy_from_slice(written);
            Place::Long(long)
        } else {
            let mut heap = Vec::with_capacity((2 * LONG).max(len.saturating_add(n)));
            heap.extend_from_slice(written);
            Place::Heap(heap)
        };
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.written().len())
    }
}
