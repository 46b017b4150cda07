//! Which instantiation of a generic function is called.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::hash::{Hash, Hasher};

/// One instantiation of a function with parameters, or one of a method that several types have.
#[derive(Clone, Copy, Debug)]
pub struct Instance {
    id: TypeId,
    /// How its values leave the process, if they can.
    pub stow: fn() -> Option<&'static Stow>,
}

/// How the values of a function leave the process. The feature `tiers` knows what it is.
pub type Stow = dyn Any + Send + Sync;

impl Instance {
    /// The instantiation in which a closure was written.
    #[inline]
    pub(crate) fn of<T>(stow: fn() -> Option<&'static Stow>) -> Self {
        Self { id: typeid::of::<T>(), stow }
    }

    /// Tells it from others, also in other processes: the compiler gives the same types the same number if it is the same
    /// compiler, and has compiled the crates that they are from alike.
    #[inline]
    pub(crate) fn number(self) -> u64 {
        let mut hasher = NumberOf(0);
        self.id.hash(&mut hasher);
        hasher.0
    }
}

impl PartialEq for Instance {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Instance {}

impl Hash for Instance {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.id.hash(state);
    }
}

/// The bytes of a call outside of the process, where all instantiations are in one place.
pub(crate) fn with_instance(bytes: &[u8], instance: Option<Instance>) -> Cow<'_, [u8]> {
    match instance {
        Some(instance) => [bytes, &instance.number().to_le_bytes()].concat().into(),
        None => bytes.into(),
    }
}

/// Takes the hash out of a `TypeId`, which is one already.
struct NumberOf(u64);

impl Hasher for NumberOf {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = self.0.rotate_left(5) ^ hash;
    }
}
