//! Which values can leave the process, decided by their type.

use std::any::Any;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{Coder, Encoded, Encoding};
use crate::entry::{AnyValue, Entry};
use crate::error::Error;
use crate::instance;
use crate::outcome::{Kind, Storable};
use crate::outer::{CanStow, Stowed};

use super::shape;

/// How the values of a function leave the process and come back.
pub(super) struct Stow {
    /// `None` if the entry is of another type.
    pub(super) encode: fn(&Coder, Entry<'_>) -> Option<Result<Encoded, Error>>,
    pub(super) decode: Decode,
    /// Writes what the function returns into an `Option` of it.
    pub(super) restore: fn(Box<AnyValue>, &mut dyn Any),
    /// What tells the type from what it was before it was edited.
    pub(super) shape: fn() -> u64,
}

type Decode = fn(&Coder, &Encoding, &[u8]) -> Result<Box<AnyValue>, Error>;

// Without this the compiler would report what is missing twice, and its advice instead of ours.
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> CanStow for T {}

impl<K> Stowed<K>
where
    K: Kind<Stored: Storable + Serialize + DeserializeOwned, Output: 'static>,
{
    /// First choice: the type can be written and read.
    pub fn __cache_stow(&self) -> Option<&'static instance::Stow> {
        Some(
            const {
                &Stow {
                    encode: |coder, entry| entry.value::<K::Stored>().map(|it| coder.encode(it)),
                    decode: |coder, encoding, bytes| {
                        let value: K::Stored = coder.decode(encoding, bytes)?;
                        Ok(Box::new(value))
                    },
                    restore: |value, out| {
                        let value: Option<Box<K::Stored>> = (value as Box<dyn Any>).downcast().ok();
                        if let Some(out) = out.downcast_mut::<Option<K::Output>>() {
                            *out = value.map(|value| K::restore(*value));
                        }
                    },
                    shape: shape::of::<K::Stored>,
                }
            },
        )
    }
}
