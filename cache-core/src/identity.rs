//! The identity of a call within one cache: a function, the bytes that its arguments were written as, and their hash.

use crate::events::Topic;
use crate::function::FunctionState;
use crate::instance::Instance;
use crate::sync::{Arc, Ref};

/// The identity of a call within one cache, borrowing its bytes from the caller's stack.
#[derive(Clone, Copy)]
pub(crate) struct KeyRef<'a> {
    pub(crate) state: &'a FunctionState,
    /// Tells instantiations of a generic function apart.
    pub(crate) instance: Option<Instance>,
    pub(crate) hash: u64,
    pub(crate) bytes: &'a [u8],
}

impl<'a> KeyRef<'a> {
    /// What is done to the call by hand, as an event.
    pub(crate) fn topic(self) -> Topic<'a> {
        let Self { state, instance, hash, bytes } = self;
        Topic { family: state.function.family(), instance, hash, bytes }
    }

    /// `state` is the one that this key has already.
    pub(crate) fn to_owned(self, state: Ref<FunctionState>) -> Key {
        Key { state, instance: self.instance, hash: self.hash, bytes: KeyBytes::new(self.bytes) }
    }
}

/// The identity of a call within one cache.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) state: Ref<FunctionState>,
    pub(crate) instance: Option<Instance>,
    pub(crate) hash: u64,
    bytes: KeyBytes,
}

/// The bytes of a key while it is loaded: most are short, and are copied without an allocation.
#[derive(Clone)]
enum KeyBytes {
    Short(u8, [u8; KeyBytes::SHORT]),
    Long(Arc<[u8]>),
}

impl KeyBytes {
    const SHORT: usize = 46;

    fn new(bytes: &[u8]) -> Self {
        if bytes.len() > Self::SHORT {
            return Self::Long(bytes.into());
        }
        let mut short = [0; Self::SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Self::Short(bytes.len() as u8, short)
    }
}

impl Key {
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.bytes {
            KeyBytes::Short(len, bytes) => &bytes[..usize::from(*len)],
            KeyBytes::Long(bytes) => bytes,
        }
    }

    pub(crate) fn borrow(&self) -> KeyRef<'_> {
        KeyRef { state: &self.state, instance: self.instance, hash: self.hash, bytes: self.bytes() }
    }

    /// The bytes decide; the hash only found the place to look.
    pub(crate) fn is(&self, other: KeyRef<'_>) -> bool {
        self.hash == other.hash
            && self.state.owner == other.state.owner
            && self.instance == other.instance
            && self.bytes() == other.bytes
    }
}

/// Whatever knows the key of a call: the call itself, or somebody who outlives it.
pub(crate) trait AsKey {
    fn key(&self) -> KeyRef<'_>;
}

impl AsKey for KeyRef<'_> {
    fn key(&self) -> KeyRef<'_> {
        *self
    }
}

impl AsKey for Key {
    fn key(&self) -> KeyRef<'_> {
        self.borrow()
    }
}
