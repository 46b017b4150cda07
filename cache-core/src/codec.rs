//! Values to bytes and back, for slower tiers.
//!
//! bincode is compact, and positional: it cannot read `serde_json::Value`, untagged and flattened types back.
//! MessagePack, written with the names of fields, describes itself and can.
//! Either loses something on some type, so [`Coder`] reads back what it is about to hand out, and refuses
//! the type with a message that names the other codec.

mod canonical;
mod compression;

use std::any::type_name;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use compression::Compression;

use crate::error::Error;
use crate::sync::{AtomicBool, Ordering};
use crate::task::panic_message;

/// The largest value that is written or read. Whatever a length in damaged bytes says, no more is allocated.
const MAX_BYTES: usize = 1 << 30;

/// Values of up to this size are read back each time that one is written, larger ones the first time.
const ALWAYS_CHECKED: usize = 4 << 10;

/// How a value becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// Compact, and only for types whose shape serde does not have to ask the bytes for.
    Bincode,
    /// MessagePack with the names of fields: for `serde_json::Value`, untagged, flattened and all other types.
    MessagePack,
}

impl Codec {
    fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, String> {
        match self {
            Self::Bincode => {
                bincode::serde::encode_to_vec(value, BINCODE).map_err(|error| error.to_string())
            }
            Self::MessagePack => {
                let mut bytes = Vec::new();
                let mut serializer = rmp_serde::Serializer::new(&mut bytes)
                    .with_struct_map()
                    .with_bytes(rmp_serde::config::BytesMode::ForceIterables);
                value.serialize(&mut serializer).map_err(|error| error.to_string())?;
                Ok(bytes)
            }
        }
    }

    fn decode<T: DeserializeOwned>(self, bytes: &[u8]) -> Result<T, String> {
        let (value, n_read) = match self {
            Self::Bincode => bincode::serde::decode_from_slice(bytes, BINCODE)
                .map_err(|error| error.to_string())?,
            Self::MessagePack => {
                let mut deserializer = rmp_serde::Deserializer::new(std::io::Cursor::new(bytes));
                let value = T::deserialize(&mut deserializer).map_err(|error| error.to_string())?;
                (value, usize::try_from(deserializer.position()).unwrap_or(usize::MAX))
            }
        };
        match bytes.len().checked_sub(n_read) {
            Some(0) => Ok(value),
            _ => Err(format!("{n_read} of {} bytes were read", bytes.len())),
        }
    }
}

const BINCODE: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Varint,
    bincode::config::Limit<MAX_BYTES>,
> = bincode::config::standard().with_limit::<MAX_BYTES>();

/// As people write it in the attribute and read it in messages.
impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bincode => "bincode",
            Self::MessagePack => "messagepack",
        })
    }
}

/// How the bytes of a value came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// `None` for bytes that are what they are.
    pub codec: Option<Codec>,
    /// How they were compressed.
    pub compression: Compression,
    /// What the bytes depend on besides the codec: the shape of the type, the version of the function.
    pub fingerprint: u64,
    /// How long they are without compression.
    pub len: u64,
}

/// A value as bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// How it was made.
    pub encoding: Encoding,
    /// What was made.
    pub bytes: Vec<u8>,
}

impl Encoded {
    /// Bytes that are stored as they are.
    #[must_use]
    pub fn raw(bytes: Vec<u8>) -> Self {
        let encoding = Encoding {
            codec: None,
            compression: Compression::None,
            fingerprint: 0,
            len: bytes.len() as u64,
        };
        Self { encoding, bytes }
    }
}

/// Writes and reads the values of one function for one tier.
#[derive(Debug)]
pub struct Coder {
    codec: Codec,
    compression: Compression,
    fingerprint: u64,
    /// A value has been read back, and was what had been written.
    is_checked: AtomicBool,
}

impl Coder {
    /// A coder for values that `fingerprint` tells from those of another type or another version.
    #[must_use]
    pub const fn new(codec: Codec, compression: Compression, fingerprint: u64) -> Self {
        Self { codec, compression, fingerprint, is_checked: AtomicBool::new(false) }
    }

    /// The value as bytes, compressed if that makes them a tenth smaller.
    ///
    /// The first value, and each small one, is read back before it is handed out.
    ///
    /// # Errors
    ///
    /// If the codec cannot write the value or reads something else back, if `Serialize` or `Deserialize` fails
    /// or panics, or if it is larger than 1 GiB. The message names the type, and the codec to try.
    pub fn encode<T: Serialize + DeserializeOwned>(&self, value: &T) -> Result<Encoded, Error> {
        self.try_encode(value).map_err(|reason| {
            let advice = match self.codec {
                Codec::Bincode => {
                    "; the codec `messagepack` describes itself and writes most types"
                }
                Codec::MessagePack => "; the codec `bincode` tells nested options apart",
            };
            Error::tier(
                format!(
                    "a `{}` cannot be stored with the codec `{}`",
                    type_name::<T>(),
                    self.codec
                ),
                reason + advice,
            )
        })
    }

    fn try_encode<T: Serialize + DeserializeOwned>(&self, value: &T) -> Result<Encoded, String> {
        guarded(|| {
            let bytes = self.codec.encode(value)?;
            if bytes.len() > MAX_BYTES {
                return Err(format!("it takes {} bytes, more than {MAX_BYTES}", bytes.len()));
            }
            if bytes.len() <= ALWAYS_CHECKED || !self.is_checked.load(Ordering::Relaxed) {
                let found = self.codec.decode(&bytes)?;
                if !canonical::are_same(value, &found)? {
                    return Err("what is read back is not what was written".to_owned());
                }
                self.is_checked.store(true, Ordering::Relaxed);
            }
            let len = bytes.len() as u64;
            let (compression, bytes) = self.compression.apply(bytes);
            let encoding = Encoding {
                codec: Some(self.codec),
                compression,
                fingerprint: self.fingerprint,
                len,
            };
            Ok(Encoded { encoding, bytes })
        })
    }

    /// The value that was encoded.
    ///
    /// # Errors
    ///
    /// If the bytes were made with another codec or fingerprint, or cannot be read, or `Deserialize` panics.
    pub fn decode<T: DeserializeOwned>(
        &self,
        encoding: &Encoding,
        bytes: &[u8],
    ) -> Result<T, Error> {
        self.try_decode(encoding, bytes).map_err(|reason| {
            Error::tier(format!("stored bytes cannot be read as a `{}`", type_name::<T>()), reason)
        })
    }

    fn try_decode<T: DeserializeOwned>(
        &self,
        encoding: &Encoding,
        bytes: &[u8],
    ) -> Result<T, String> {
        if (encoding.codec, encoding.fingerprint) != (Some(self.codec), self.fingerprint) {
            return Err("they were written by another version of the function or its type".into());
        }
        let len = usize::try_from(encoding.len).unwrap_or(usize::MAX);
        if len > MAX_BYTES {
            return Err(format!("they claim to hold {len} bytes, more than {MAX_BYTES}"));
        }
        let bytes = encoding.compression.undo(bytes, len)?;
        guarded(|| self.codec.decode(&bytes))
    }
}

/// Runs the user's `Serialize` and `Deserialize`, whose panics are not the caller's.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(panic_message(&*payload)))
}
