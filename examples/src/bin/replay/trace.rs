//! Recorded requests: zstd over little-endian `u64` ids, one id a request.

use std::{fs, io::Read, path::Path};

use anyhow::{Context, Result, anyhow, ensure};
use foldhash::HashSet;
use ruzstd::decoding::StreamingDecoder;

/// A workload, in the order in which it was recorded.
#[derive(Debug)]
pub(crate) struct Trace {
    pub(crate) name: String,
    pub(crate) requests: Vec<u64>,
}

impl Trace {
    /// Reads a whole trace; a file that is damaged anywhere is refused, never shortened.
    pub(crate) fn read(path: &Path) -> Result<Trace> {
        let file = fs::read(path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let requests = decompress(&file)
            .and_then(|ids| parse(&ids))
            .with_context(|| format!("`{}` is not a trace", path.display()))?;
        let name = path.file_name().unwrap_or(path.as_os_str());
        let name = name.to_string_lossy();
        let name = name.strip_suffix(".trace.zst").unwrap_or(&name).to_owned();
        Ok(Trace { name, requests })
    }

    pub(crate) fn n_products(&self) -> usize {
        self.requests.iter().collect::<HashSet<_>>().len()
    }
}

/// The content of every zstd frame in `file`.
fn decompress(mut file: &[u8]) -> Result<Vec<u8>> {
    let mut ids = Vec::new();
    while !file.is_empty() {
        decompress_frame(&mut file, &mut ids)
            .map_err(|_| anyhow!("it is damaged, cut short or not compressed with zstd"))?;
    }
    Ok(ids)
}

fn decompress_frame(file: &mut &[u8], ids: &mut Vec<u8>) -> Result<()> {
    let mut frame = StreamingDecoder::new(file)?;
    frame.read_to_end(ids)?;
    let decoder = frame.into_frame_decoder();
    // The decoder computes the checksum but leaves the comparison to its caller.
    if let Some(expected) = decoder.get_checksum_from_data() {
        ensure!(decoder.get_calculated_checksum() == Some(expected), "its checksum is wrong");
    }
    Ok(())
}

fn parse(ids: &[u8]) -> Result<Vec<u64>> {
    let (ids, rest) = ids.as_chunks::<8>();
    ensure!(rest.is_empty(), "after {} ids, {} bytes are left over", ids.len(), rest.len());
    ensure!(!ids.is_empty(), "it holds no requests");
    Ok(ids.iter().map(|id| u64::from_le_bytes(*id)).collect())
}

#[cfg(test)]
mod tests {
    use super::{Trace, parse};
    use std::path::Path;

    #[test]
    fn the_recorded_trace_is_complete() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/cache2k-web07.trace.zst");
        let trace = Trace::read(Path::new(path)).unwrap();
        assert_eq!((trace.name.as_str(), trace.requests.len()), ("cache2k-web07", 76_118));
        assert_eq!(trace.n_products(), 20_484);
    }

    #[test]
    fn an_id_that_is_cut_short_is_an_error() {
        assert_eq!(parse(&[1, 0, 0, 0, 0, 0, 0, 0]).unwrap(), [1]);
        assert!(parse(&[1, 0, 0, 0, 0, 0, 0, 0, 2]).is_err());
    }
}
