//! A value outside of the process: sealed bytes that say what they are, whose they are and until when.
//!
//! # The format
//!
//! Numbers are little-endian. Times are milliseconds since 1970.
//!
//! | from | bytes | |
//! | --- | --- | --- |
//! | 0 | 4 | `ca c4 e0 0d` |
//! | 4 | 1 | version of this format |
//! | 5 | 1 | codec |
//! | 6 | 1 | compression |
//! | 7 | 1 | zero |
//! | 8 | 8 | fingerprint of function and type |
//! | 16 | 8 | when it was made |
//! | 24 | 8 | when it expires, or all ones |
//! | 32 | 8 | length before compression |
//! | 40 | 8 | length of the key |
//! | 48 | 8 | length of the payload |
//! | 56 | 8 | XXH3 of all other bytes |
//! | 64 | | key, payload, and nothing else |

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use twox_hash::XxHash3_64;

use crate::backend::BackendKey;
use crate::codec::{Codec, Compression, Encoded, Encoding};
use crate::sync::Arc;
use crate::time::Time;

const MAGIC: [u8; 4] = [0xca, 0xc4, 0xe0, 0x0d];
const VERSION: u8 = 1;

/// Where the checksum is, and the header ends.
const CHECKSUM: usize = 56;
pub(super) const HEADER: usize = 64;

/// The expiry of what does not expire.
const NEVER: u64 = u64::MAX;

/// A value made so much later than now is one of a machine whose clock is a little ahead.
/// One made still later tells that a clock has jumped, and nobody knows how old it is.
const SKEW: u64 = 2_000;

/// A stored value, as slower tiers see it.
///
/// Its bytes hold everything: the key, the lifetime, how the payload was encoded, and a checksum over all of it.
/// The only way from bytes to a value is [`Value::open`], so a backend cannot hand out bytes that are damaged,
/// expired or those of another key. Clones share the bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Value {
    bytes: Arc<Vec<u8>>,
    header: Header,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct Header {
    encoding: Encoding,
    created: u64,
    expires: u64,
    key_len: usize,
}

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// They were one, whose lifetime has ended, or cannot be told since the wall clock has jumped back.
    Expired,
    /// They are incomplete, damaged, foreign or those of another key.
    Damaged,
}

impl Value {
    /// Seals what a codec made for `key`. Without a lifetime it does not expire.
    #[must_use]
    pub fn seal(key: &BackendKey, encoded: &Encoded, ttl: Option<Duration>, time: &Time) -> Self {
        Self::seal_after(&[], key, encoded, ttl, time)
    }

    /// The same with a payload that begins with something else.
    pub(crate) fn seal_after(
        prefix: &[u8],
        key: &BackendKey,
        encoded: &Encoded,
        ttl: Option<Duration>,
        time: &Time,
    ) -> Self {
        let created = millis(time.wall());
        let expires = ttl.map_or(NEVER, |ttl| {
            // An instant that is not a whole millisecond is rounded down: never served too long.
            created.saturating_add(u64::try_from(ttl.as_millis()).unwrap_or(NEVER))
        });
        let key = key.as_str().as_bytes();
        let header = Header { encoding: encoded.encoding, created, expires, key_len: key.len() };
        let payload_len = prefix.len() + encoded.bytes.len();
        let mut bytes = Vec::with_capacity(HEADER + key.len() + payload_len);
        header.write(&mut bytes, payload_len);
        bytes.extend_from_slice(&[0; HEADER - CHECKSUM]);
        for part in [key, prefix, &encoded.bytes] {
            bytes.extend_from_slice(part);
        }
        let checksum = checksum(&bytes);
        bytes[CHECKSUM..HEADER].copy_from_slice(&checksum.to_le_bytes());
        Self { bytes: Arc::new(bytes), header }
    }

    /// The value of `key` that was sealed into these bytes.
    ///
    /// # Errors
    ///
    /// If they are anything else. A backend takes that for a miss.
    pub fn open(
        key: &BackendKey,
        bytes: impl Into<Vec<u8>>,
        time: &Time,
    ) -> Result<Self, Unusable> {
        let bytes = bytes.into();
        let header = Header::read(&bytes).ok_or(Unusable::Damaged)?;
        let key_end = HEADER + header.key_len;
        if bytes[HEADER..key_end] != *key.as_str().as_bytes()
            || bytes[CHECKSUM..HEADER] != checksum(&bytes).to_le_bytes()
        {
            return Err(Unusable::Damaged);
        }
        let value = Self { bytes: Arc::new(bytes), header };
        if value.is_fresh(time) { Ok(value) } else { Err(Unusable::Expired) }
    }

    /// All bytes, as [`Value::open`] takes them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How the payload was made.
    #[must_use]
    pub fn encoding(&self) -> &Encoding {
        &self.header.encoding
    }

    /// What the codec made.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.bytes[HEADER + self.header.key_len..]
    }

    /// How long it may still be served; `None` if for ever.
    #[must_use]
    pub fn remaining(&self, time: &Time) -> Option<Duration> {
        let Header { created, expires, .. } = self.header;
        let now = millis(time.wall());
        match expires {
            NEVER => None,
            _ if created > now.saturating_add(SKEW) => Some(Duration::ZERO),
            _ => Some(Duration::from_millis(expires.saturating_sub(now.max(created)))),
        }
    }

    /// When it expires, by the wall clock.
    pub(super) fn expires(&self) -> Option<SystemTime> {
        wall(self.header.expires)
    }

    /// Whether it may be served.
    #[must_use]
    pub fn is_fresh(&self, time: &Time) -> bool {
        self.remaining(time) != Some(Duration::ZERO)
    }
}

/// When the value expires whose header begins like this, as far as that can be told without its key.
pub(super) fn expiry(header: &[u8; HEADER]) -> Option<SystemTime> {
    wall(Fields::read(header)?.expires)
}

/// The numbers in a header, in their order.
struct Fields {
    codec: u8,
    compression: u8,
    fingerprint: u64,
    created: u64,
    expires: u64,
    len: u64,
    key_len: u64,
    payload_len: u64,
}

impl Fields {
    fn read(bytes: &[u8]) -> Option<Self> {
        let number =
            |from: usize| bytes.get(from..from + 8)?.try_into().ok().map(u64::from_le_bytes);
        let [codec, compression] = match bytes.get(..8)? {
            [magic @ .., VERSION, codec, compression, 0] if *magic == MAGIC => {
                [*codec, *compression]
            }
            _ => return None,
        };
        Some(Self {
            codec,
            compression,
            fingerprint: number(8)?,
            created: number(16)?,
            expires: number(24)?,
            len: number(32)?,
            key_len: number(40)?,
            payload_len: number(48)?,
        })
    }
}

impl Header {
    fn write(&self, bytes: &mut Vec<u8>, payload_len: usize) {
        let Encoding { codec, compression, fingerprint, len } = self.encoding;
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[
            VERSION,
            number(&CODECS, codec),
            number(&COMPRESSIONS, compression),
            0,
        ]);
        for number in
            [fingerprint, self.created, self.expires, len, self.key_len as u64, payload_len as u64]
        {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// The header of bytes that are exactly as long as it says.
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::read(bytes)?;
        let len = (HEADER as u64).checked_add(fields.key_len)?.checked_add(fields.payload_len)?;
        if len != bytes.len() as u64 {
            return None;
        }
        let encoding = Encoding {
            codec: CODECS.get(usize::from(fields.codec)).copied()?,
            compression: COMPRESSIONS.get(usize::from(fields.compression)).copied()?,
            fingerprint: fields.fingerprint,
            len: fields.len,
        };
        let key_len = usize::try_from(fields.key_len).ok()?;
        Some(Self { encoding, created: fields.created, expires: fields.expires, key_len })
    }
}

/// By their numbers in the header, which do not change.
const CODECS: [Option<Codec>; 3] = [None, Some(Codec::Bincode), Some(Codec::MessagePack)];
const COMPRESSIONS: [Compression; 3] = [Compression::None, Compression::Lz4, Compression::Zstd];

fn number<T: PartialEq>(all: &[T], one: T) -> u8 {
    let number = all.iter().position(|known| *known == one).expect("all of them are listed");
    u8::try_from(number).expect("there are few")
}

/// Of everything but itself.
fn checksum(bytes: &[u8]) -> u64 {
    let payload = XxHash3_64::oneshot(&bytes[HEADER..]);
    XxHash3_64::oneshot_with_seed(payload, &bytes[..CHECKSUM])
}

fn millis(wall: SystemTime) -> u64 {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(NEVER)
}

/// The instant of an expiry, if there is one that the system can tell.
fn wall(expires: u64) -> Option<SystemTime> {
    (expires != NEVER).then(|| UNIX_EPOCH.checked_add(Duration::from_millis(expires))).flatten()
}

impl fmt::Debug for Value {
    // The payload is the user's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Value")
            .field("encoding", &self.header.encoding)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}
