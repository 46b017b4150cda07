//! Arguments to canonical key bytes.
//!
//! Two calls share an entry when their key bytes are equal, so the bytes must say everything that makes arguments
//! different, and nothing else. This module promises:
//!
//! - *Equal arguments give equal bytes*, whatever order a map iterates in, on every platform and in every process.
//! - *Different arguments of one type give different bytes*, as long as the type shows the difference to serde.
//! - *No encoding is the beginning of another*, so arguments written one after the other cannot be confused:
//!   `("ab", "c")` is not `("a", "bc")`.
//! - *No allocation* for keys of up to 256 bytes, maps of up to 32 entries among them.
//!
//! None of the usual codecs promises the first two, which is why the encoder is ours: a small [`serde::Serializer`].
//!
//! # The format
//!
//! A value is a tag and what follows it. Numbers are little-endian and of fixed width.
//!
//! | value | tag | followed by |
//! | --- | --- | --- |
//! | end of a list, see below | `00` | |
//! | `false`, `true` | `01`, `02` | |
//! | `i8`, `i16`, `i32`, `i64`, `i128` | `10` to `14` | 1, 2, 4, 8, 16 bytes |
//! | `u8`, `u16`, `u32`, `u64`, `u128` | `18` to `1c` | 1, 2, 4, 8, 16 bytes |
//! | `f32`, `f64` | `20`, `21` | the bits as they are: `NaN` finds itself, `-0.0` is not `0.0` |
//! | `char` | `22` | `u32` |
//! | string | `28` | length as `u32`, UTF-8 |
//! | byte string | `29` | length as `u32`, bytes |
//! | `None` | `30` | |
//! | `Some` | `31` | the value |
//! | `()` | `32` | |
//! | unit struct | `38` | name |
//! | newtype struct | `39` | name, the value |
//! | tuple struct | `3a` | name, values, end |
//! | struct | `3b` | name, fields, end |
//! | unit variant | `40` | name of the enum, index as `u32`, name of the variant |
//! | newtype variant | `41` | the same, the value |
//! | tuple variant | `42` | the same, values, end |
//! | struct variant | `43` | the same, fields, end |
//! | sequence | `48` | values, end |
//! | tuple, array | `49` | values, end |
//! | map | `4a` | entries (key, value) sorted by their bytes, end |
//! | field that is present | `50` | name, the value |
//! | field that is skipped | `51` | name |
//!
//! A *name* is its length in one byte and its UTF-8; a length of 255 or more is `ff` and a `u32`.
//! Lists end with a tag instead of beginning with a length, because serde does not always know the length.
//! Names are part of the bytes because an untagged enum has nothing else to tell `A { x }` from `B { y }`.
//!
//! # What serde does not show
//!
//! A field marked `#[serde(skip)]` is not part of a value's identity. Two variants of an untagged enum with the very
//! same content, such as `A(u32)` and `B(u32)`, are the same value to serde. Sets are sequences to serde, in whatever
//! order they iterate: see [`unordered`].

#[expect(unsafe_code, reason = "clearing the stack would make a short key four times as dear")]
mod buffer;
mod encoder;
mod hash;
mod map;
mod tag;

use buffer::Buffer;
use encoder::Encoder;
use hash::Hash;
pub use hash::Start;
pub(crate) use hash::digest_of;
use serde::ser::{self, Serialize, Serializer};
use std::fmt::{self, Display};

/// A value that can be part of a key: everything that implements [`serde::Serialize`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a cache key",
    label = "this argument has no `serde::Serialize`",
    note = "derive `serde::Serialize` for it, name the argument in `skip(..)`, or say what identifies it with `key = ..`"
)]
pub trait KeyPart {
    /// Appends the canonical bytes of this value.
    #[doc(hidden)]
    fn write_to(&self, key: &mut KeyWriter) -> Result<(), KeyError>;
}

// Without this the compiler would report the missing `Serialize` and serde's advice instead of ours.
#[diagnostic::do_not_recommend]
impl<T: Serialize + ?Sized> KeyPart for T {
    #[inline]
    fn write_to(&self, key: &mut KeyWriter) -> Result<(), KeyError> {
        let Encoder { end, hash } =
            self.serialize(Encoder { end: key.buffer.end(), hash: key.hash })?;
        end.keep();
        key.hash = hash;
        Ok(())
    }
}

/// The key of one call while it is written, argument by argument.
#[doc(hidden)]
pub struct KeyWriter {
    buffer: Buffer,
    hash: Hash,
}

impl KeyWriter {
    /// A key without arguments.
    // Else it is made somewhere and then copied, uninitialized bytes and all.
    #[inline(always)]
    #[must_use]
    pub(crate) fn new(start: Start) -> Self {
        Self { hash: Hash::new(start), buffer: Buffer::new() }
    }

    /// Appends one argument.
    #[inline]
    pub fn arg<T: KeyPart + ?Sized>(&mut self, value: &T) {
        if self.buffer.error().is_none()
            && let Err(error) = value.write_to(self)
        {
            self.buffer.fail(error);
        }
    }

    /// The key, of which nothing is left here.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Self {
        Self { hash: self.hash, buffer: std::mem::replace(&mut self.buffer, Buffer::new()) }
    }

    /// The bytes of the key and where the function looks for them, or why there are none.
    #[inline]
    pub(crate) fn finish(&self) -> Result<(&[u8], u64), &KeyError> {
        match self.buffer.error() {
            None => Ok((self.buffer.written(), self.hash.finish())),
            Some(error) => Err(error),
        }
    }
}

/// The canonical bytes of a value, unless it cannot be serialized.
pub(crate) fn bytes_of<T: Serialize>(value: &T) -> Option<Vec<u8>> {
    let mut key = KeyWriter::new(Start::new(0));
    key.arg(value);
    key.finish().ok().map(|(bytes, _)| bytes.to_vec())
}

impl fmt::Debug for KeyWriter {
    // Arguments never appear in clear.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyWriter")
            .field("buffer", &self.buffer)
            .field("error", &self.buffer.error())
            .finish()
    }
}

/// Serializes a set, or any sequence whose order means nothing, so that equal sets give equal keys.
///
/// To serde a `HashSet` is a sequence in whatever order it iterates, so two equal sets are two different keys.
/// Name this function at the field; for an argument that is a set itself, there is [`Unordered`].
/// Items that occur twice are kept: this is the identity of a bag.
///
/// It writes a map from items to `()`, in every format, so keep it to types that are made to be keys.
///
/// ```
/// # use std::collections::HashSet;
/// #[derive(serde::Serialize)]
/// struct Search {
///     text: String,
///     #[serde(serialize_with = "cache_core::key::unordered")]
///     tags: HashSet<String>,
/// }
/// ```
///
/// # Errors
///
/// Fails when the serializer or an item does.
pub fn unordered<'a, T, S>(items: &'a T, serializer: S) -> Result<S::Ok, S::Error>
where
    T: ?Sized,
    &'a T: IntoIterator<Item: Serialize>,
    S: Serializer,
{
    serializer.collect_map(items.into_iter().map(|item| (item, ())))
}

/// A set, or any sequence whose order means nothing, as part of a `key = ..` expression.
///
/// Wrap a reference to the collection, or an iterator that can be cloned.
///
/// ```
/// use cache_core::{cached, key::Unordered};
/// # use std::collections::HashSet;
///
/// #[cached(key = (Unordered(&tags), page))]
/// fn search(tags: HashSet<String>, page: u32) -> Vec<String> {
///     tags.into_iter().skip(page as usize * 10).take(10).collect()
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Unordered<I>(pub I);

impl<I> Serialize for Unordered<I>
where
    I: IntoIterator<Item: Serialize> + Clone,
{
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone().into_iter().map(|item| (item, ())))
    }
}

/// Why an argument has no key: the call is computed, not cached.
// One pointer, so that the `Result` of every scalar fits in a register.
#[doc(hidden)]
#[derive(Debug)]
pub struct KeyError(Box<Kind>);

#[derive(Debug)]
enum Kind {
    TooLong,
    Custom(String),
}

impl KeyError {
    #[cold]
    fn too_long() -> Self {
        Self(Box::new(Kind::TooLong))
    }
}

impl ser::Error for KeyError {
    #[cold]
    fn custom<T: Display>(message: T) -> Self {
        Self(Box::new(Kind::Custom(message.to_string())))
    }
}

impl Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Kind::TooLong => {
                f.write_str("an argument of 4 GiB or more cannot be part of a cache key")
            }
            Kind::Custom(message) => {
                write!(f, "an argument cannot be part of a cache key: {message}")
            }
        }
    }
}

impl std::error::Error for KeyError {}

#[cfg(test)]
mod tests;
