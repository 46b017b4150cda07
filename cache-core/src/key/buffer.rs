//! Bytes that start on the stack and move to the heap only when they must.
//!
//! The place on the stack is not cleared, for that would cost several times what writing a short key does. So this is
//! the one module that takes its own word for which bytes are written: [`End::put`] writes bytes and counts them, and
//! nothing else moves a length.

use super::KeyError;
use std::fmt;
use std::mem::MaybeUninit;

/// What a key may measure on the stack.
pub(super) const STACK: usize = 256;

/// A length that leaves no room on the stack: the bytes are on the heap.
const FAR: usize = STACK + 1;

/// The bytes of a key so far.
pub(super) struct Buffer {
    stack: [MaybeUninit<u8>; STACK],
    /// How much of the stack is written, from its beginning.
    len: usize,
    /// What few keys have. In a box, so that one word tells that there is none of it.
    rare: Option<Box<Rare>>,
}

#[derive(Default)]
struct Rare {
    /// All bytes, once they are too many.
    bytes: Vec<u8>,
    /// The first thing that went wrong; nothing is written after it.
    error: Option<KeyError>,
}

impl Buffer {
    #[inline]
    pub(super) const fn new() -> Self {
        Self { stack: [const { MaybeUninit::uninit() }; STACK], len: 0, rare: None }
    }

    #[inline]
    pub(super) fn written(&self) -> &[u8] {
        // Safety: `len` comes from an end of this buffer, which has written that much.
        unsafe { self.up_to(self.len) }
    }

    #[inline]
    pub(super) fn error(&self) -> Option<&KeyError> {
        self.rare.as_ref()?.error.as_ref()
    }

    #[cold]
    pub(super) fn fail(&mut self, error: KeyError) {
        self.rare.get_or_insert_default().error = Some(error);
    }

    #[cfg(test)]
    pub(super) fn is_on_heap(&self) -> bool {
        self.len == FAR
    }

    /// Where to write more.
    #[inline]
    pub(super) fn end(&mut self) -> End<'_> {
        End { len: self.len, buffer: self }
    }

    /// # Safety
    ///
    /// The first `len` bytes of the stack are written, or `len` is [`FAR`].
    #[inline]
    unsafe fn up_to(&self, len: usize) -> &[u8] {
        if len == FAR {
            return self.rare.as_ref().map_or(&[], |rare| &rare.bytes);
        }
        let written = std::ptr::from_ref(&self.stack[..len]);
        // Safety: a byte that is written may be read as such, and the caller says that these are.
        unsafe { &*(written as *const [u8]) }
    }

    /// # Safety
    ///
    /// As for [`up_to`](Self::up_to).
    #[inline]
    unsafe fn up_to_mut(&mut self, len: usize) -> &mut [u8] {
        if len == FAR {
            return self.rare.as_mut().map_or(&mut [], |rare| &mut rare.bytes);
        }
        let written = std::ptr::from_mut(&mut self.stack[..len]);
        // Safety: as above; and what is written through it is bytes, so they stay written.
        unsafe { &mut *(written as *mut [u8]) }
    }

    /// Appends on the heap what no longer fits after the first `len` bytes.
    ///
    /// # Safety
    ///
    /// As for [`up_to`](Self::up_to).
    #[cold]
    #[inline(never)]
    unsafe fn put_far<const M: usize, const N: usize>(
        &mut self,
        len: usize,
        first: [u8; M],
        second: [u8; N],
        rest: &[u8],
    ) {
        let mut rare = self.rare.take().unwrap_or_default();
        let heap = &mut rare.bytes;
        if len != FAR {
            heap.reserve((2 * STACK).max(len + M + N + rest.len()));
            // Safety: the caller says so.
            heap.extend_from_slice(unsafe { self.up_to(len) });
        }
        heap.reserve(M + N + rest.len());
        heap.extend_from_slice(&first);
        heap.extend_from_slice(&second);
        heap.extend_from_slice(rest);
        self.rare = Some(rare);
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.written().len())
    }
}

/// The end of a buffer, to which more is written. It counts for the buffer once it is kept.
///
/// It is handed on by value, so that the length is in a register and not in memory, where every step would wait for
/// the one before.
pub(super) struct End<'a> {
    buffer: &'a mut Buffer,
    /// As the buffer's, and ahead of it. Only `put` moves it, and only over what it has written to this buffer.
    len: usize,
}

impl End<'_> {
    #[inline]
    pub(super) fn keep(self) {
        self.buffer.len = self.len;
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        if self.len == FAR {
            self.buffer.rare.as_ref().map_or(0, |rare| rare.bytes.len())
        } else {
            self.len
        }
    }

    #[inline]
    pub(super) fn written(&mut self) -> &mut [u8] {
        // Safety: `put` has written that much.
        unsafe { self.buffer.up_to_mut(self.len) }
    }

    /// Appends three pieces, with one look whether there is room for them.
    #[inline]
    pub(super) fn put<const M: usize, const N: usize>(
        &mut self,
        first: [u8; M],
        second: [u8; N],
        rest: &[u8],
    ) {
        // No length is cut off here. But now the compiler knows that the sum below cannot overflow.
        let start = usize::from(self.len as u16);
        let end = start + M + N + rest.len();
        if let Some(slot) = self.buffer.stack.get_mut(start..end) {
            let (to_first, slot) = slot.split_at_mut(M);
            let (to_second, to_rest) = slot.split_at_mut(N);
            to_first.copy_from_slice(to_write(&first));
            to_second.copy_from_slice(to_write(&second));
            to_rest.copy_from_slice(to_write(rest));
            self.len = end;
        } else {
            // Safety: `put` has written that much.
            unsafe { self.buffer.put_far(self.len, first, second, rest) };
            self.len = FAR;
        }
    }
}

#[inline]
fn to_write(bytes: &[u8]) -> &[MaybeUninit<u8>] {
    // Safety: it asks less of the bytes, and nothing is written through a shared reference.
    unsafe { &*(std::ptr::from_ref(bytes) as *const [MaybeUninit<u8>]) }
}
