//! Where a key is looked for: a number that follows from its bytes, taken from the values while they are written.
//!
//! Reading the bytes back would be dearer than writing them: they were stored in pieces of other sizes just before,
//! and the processor must wait until the pieces have arrived.
//!
//! - *Equal bytes give equal hashes*, because the bytes tell which calls of the serializer wrote them, and in what order.
//! - *Nobody can choose keys that collide*: every process hashes in its own way, and every tag takes part.
//! - It only ever points to candidates, whose bytes are then compared.

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

/// The fraction of the golden ratio, which carries every bit to many others.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Up to how many bytes are hashed where they are written.
const MIDDLE: usize = 64;

/// What the hashes of one function's keys begin with.
#[derive(Clone, Copy, Debug)]
pub struct Start {
    state: u64,
    seed: &'static SharedSeed,
}

impl Start {
    /// For one function, by whatever tells it from others.
    #[cold]
    pub(crate) fn new(function: u64) -> Self {
        static SEEDS: LazyLock<(u64, SharedSeed)> =
            LazyLock::new(|| (random(), SharedSeed::from_u64(random())));
        let (state, seed) = &*SEEDS;
        Self { state: *state, seed }.with(function)
    }

    /// For one instantiation of the function.
    #[inline]
    pub(crate) fn with(self, instance: u64) -> Self {
        let state = self.state.rotate_left(5).wrapping_add(instance.wrapping_mul(ODD));
        Self { state, ..self }
    }
}

/// The hash of the values so far.
#[derive(Clone, Copy)]
pub(super) struct Hash {
    state: u64,
    /// What was opened and closed since the last value. Where all of it is known at compile time, so is this.
    marks: u64,
    seed: &'static SharedSeed,
}

impl Hash {
    /// The hash of a call without arguments.
    #[inline]
    pub(super) fn new(Start { state, seed }: Start) -> Self {
        Self { state, marks: 0, seed }
    }

    /// Adds what is opened or closed, or the tag of the value that comes next.
    #[inline]
    pub(super) fn mark(&mut self, mark: u64) {
        self.marks = (self.marks.rotate_left(26) ^ mark).wrapping_mul(ODD);
    }

    /// Adds what has a name and is opened.
    #[inline]
    pub(super) fn named(&mut self, tag: u8, name: &'static str) {
        self.mark(digest(name) ^ u64::from(tag) << 48);
    }

    /// Adds a value that fits in a word.
    #[inline]
    pub(super) fn word(&mut self, tag: u8, word: u64) {
        self.mark(tag.into());
        let mut hasher = FoldHasher::with_seed(self.state, self.seed);
        hasher.write_u128(u128::from(word) | u128::from(self.marks) << 64);
        self.after(&hasher);
    }

    /// Adds a value that fits in two words.
    #[inline]
    pub(super) fn words(&mut self, tag: u8, words: u128) {
        let mut hasher = self.hasher(tag);
        hasher.write_u128(words);
        self.after(&hasher);
    }

    /// Adds a value of any length.
    #[inline]
    pub(super) fn bytes(&mut self, tag: u8, bytes: &[u8]) {
        let mut hasher = self.hasher(tag);
        if (17..=MIDDLE).contains(&bytes.len())
            && let Some(last) = bytes.last_chunk()
        {
            // Most texts are of this length, for which a call is dear.
            hasher =
                FoldHasher::with_seed(hasher.finish().rotate_right(bytes.len() as u32), self.seed);
            for chunk in bytes.as_chunks().0 {
                hasher.write_u128(u128::from_le_bytes(*chunk));
            }
            hasher.write_u128(u128::from_le_bytes(*last));
        } else {
            hasher.write(bytes);
        }
        self.after(&hasher);
    }

    /// The hash of all values. No bit of its upper half says more than another.
    #[inline]
    pub(super) fn finish(mut self) -> u64 {
        if self.marks != 0 {
            self.word(super::tag::END, 0);
        }
        // Numbers that follow each other may be spread badly by an unlucky seed; this undoes what is regular in it.
        self.state.wrapping_mul(ODD)
    }

    // The marks are added to what nobody knows. Written next to the value, a chosen value could undo them.
    #[inline]
    fn hasher(&mut self, tag: u8) -> FoldHasher<'static> {
        self.mark(tag.into());
        FoldHasher::with_seed(self.state.wrapping_add(self.marks), self.seed)
    }

    #[inline]
    fn after(&mut self, hasher: &FoldHasher<'static>) {
        self.state = hasher.finish();
        self.marks = 0;
    }
}

/// What tells one name from another, short enough for the compiler to know it.
#[inline]
fn digest(name: &'static str) -> u64 {
    let name = name.as_bytes();
    let (first, last) = match *name {
        [a, b, c, d, e, f, g, h, ..] => (
            u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            name.last_chunk().map_or(0, |last| u64::from_le_bytes(*last)),
        ),
        [a, b, c, d, ..] => (
            u32::from_le_bytes([a, b, c, d]).into(),
            name.last_chunk().map_or(0, |last| u32::from_le_bytes(*last)).into(),
        ),
        [first, .., last] => (first.into(), u64::from(last) << 8 | u64::from(name[name.len() / 2])),
        [first] => (first.into(), 0),
        [] => (0, 0),
    };
    (first.wrapping_mul(ODD) ^ last).wrapping_mul(ODD) ^ name.len() as u64
}

/// A number that tells bytes from others, within this process.
pub(crate) fn digest_of(bytes: &[u8]) -> u64 {
    let mut hash = Hash::new(Start::new(0));
    hash.bytes(super::tag::BYTES, bytes);
    hash.finish()
}

/// A number from the operating system's randomness, which is where the standard library seeds its maps from.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}
