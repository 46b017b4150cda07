//! Compression of encoded values, where it pays.

/// Below this many bytes nothing is compressed: what it saves is less than a block of a disk or a packet.
const WORTHWHILE: usize = 1 << 10;

/// Of at least so many bytes, samples are compressed first: so many, of so many bytes, one from each part.
const SAMPLED: usize = 256 << 10;
const N_SAMPLES: usize = 4;
const SAMPLE: usize = 8 << 10;

/// How the bytes of a value are made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// lz4: a third of JSON's bytes at more than a gigabyte a second.
    #[default]
    Lz4,
    /// zstd: a fifth of JSON's bytes at some hundred megabytes a second.
    Zstd,
}

impl Compression {
    /// The bytes compressed, and how: not at all if that saves less than a tenth, or if samples do not promise it.
    pub(super) fn apply(self, bytes: Vec<u8>) -> (Self, Vec<u8>) {
        if bytes.len() < WORTHWHILE || !self.is_promising(&bytes) {
            return (Self::None, bytes);
        }
        match self.compress(&bytes) {
            Some(compressed) if compressed.len() <= bytes.len() - bytes.len() / 10 => {
                (self, compressed)
            }
            _ => (Self::None, bytes),
        }
    }

    fn compress(self, bytes: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::None => None,
            Self::Lz4 => Some(lz4_flex::block::compress(bytes)),
            Self::Zstd => zstd::compress(bytes),
        }
    }

    /// Whether all of the bytes are worth a try: of many, samples become a twentieth smaller.
    fn is_promising(self, bytes: &[u8]) -> bool {
        if bytes.len() < SAMPLED {
            return true;
        }
        let samples = bytes.chunks_exact(bytes.len() / N_SAMPLES).map(|part| &part[..SAMPLE]);
        let compressed = samples.filter_map(|sample| self.compress(sample));
        let len: usize = compressed.map(|sample| sample.len()).sum();
        len <= N_SAMPLES * SAMPLE / 20 * 19
    }

    /// The `len` bytes that there were before.
    pub(super) fn undo(
        self,
        bytes: &[u8],
        len: usize,
    ) -> Result<std::borrow::Cow<'_, [u8]>, String> {
        let found = match self {
            Self::None => bytes.into(),
            Self::Lz4 => {
                lz4_flex::block::decompress(bytes, len).map_err(|error| error.to_string())?.into()
            }
            Self::Zstd => zstd::decompress(bytes, len)?.into(),
        };
        let found: std::borrow::Cow<'_, [u8]> = found;
        if found.len() == len {
            Ok(found)
        } else {
            Err(format!("there are {} bytes where {len} were written", found.len()))
        }
    }
}

#[cfg(feature = "zstd")]
mod zstd {
    use std::cell::RefCell;

    use zstd::bulk::{Compressor, Decompressor};

    /// Between speed and size, the level at which both are well ahead of lz4's size.
    const LEVEL: i32 = 1;

    thread_local! {
        // Making one costs more than compressing a kilobyte.
        static COMPRESSOR: RefCell<Option<Compressor<'static>>> =
            RefCell::new(Compressor::new(LEVEL).ok());
        static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> =
            RefCell::new(Decompressor::new().ok());
    }

    pub(super) fn compress(bytes: &[u8]) -> Option<Vec<u8>> {
        COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(bytes).ok())
    }

    pub(super) fn decompress(bytes: &[u8], len: usize) -> Result<Vec<u8>, String> {
        DECOMPRESSOR.with_borrow_mut(|decompressor| {
            let decompressor = decompressor.as_mut().ok_or("zstd cannot be started")?;
            decompressor.decompress(bytes, len).map_err(|error| error.to_string())
        })
    }
}

/// Without the feature nothing is compressed with zstd, and what was cannot be read.
#[cfg(not(feature = "zstd"))]
mod zstd {
    pub(super) fn compress(_bytes: &[u8]) -> Option<Vec<u8>> {
        None
    }

    pub(super) fn decompress(_bytes: &[u8], _len: usize) -> Result<Vec<u8>, String> {
        Err("they are compressed with zstd: enable the feature `zstd` of cache-core".to_owned())
    }
}
