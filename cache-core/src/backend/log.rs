//! What processes that share a tier tell each other: which results have changed.

use crate::backend::BoxFuture;
use crate::error::Error;

/// A log of messages in a tier, for all processes that share it.
///
/// It may forget what is old, or everything, but must not hide that it has: who asks for what came after a position
/// and cannot be told all of it is told that there was more.
pub trait ChangeLog: Send + Sync {
    /// Adds a message. Whoever reads from an earlier position gets it after those that were added before it.
    ///
    /// # Errors
    ///
    /// If it may not be read by somebody. The log then tries to make all readers see that something is missing.
    fn append<'a>(
        &'a self,
        namespace: &'a str,
        message: Vec<u8>,
    ) -> BoxFuture<'a, Result<(), Error>>;

    /// The messages after a position, or none but the position where the log ends now.
    ///
    /// If there are none yet it waits for some, for about as long as `patience`.
    ///
    /// # Errors
    ///
    /// If it cannot be told whether there are some.
    fn read<'a>(
        &'a self,
        namespace: &'a str,
        after: Option<&'a str>,
        patience: std::time::Duration,
    ) -> BoxFuture<'a, Result<News, Error>>;
}

/// What was added to a [`ChangeLog`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// What to read on from: a text that only the log understands.
    pub position: String,
    /// In the order in which they were added.
    pub messages: Vec<Vec<u8>>,
    /// Whether nothing came after the position that was asked for but these.
    pub is_complete: bool,
}

/// A change of results that other processes may have in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// What depends on the event of this digest has expired.
    Soft(u64),
    /// It must not be served any more.
    Hard(u64),
    /// Nothing must that the tier keeps.
    Everything,
}

/// A change as bytes: what it is, and a digest.
const LEN: usize = 9;

/// A message of a process about changes.
pub(crate) fn encode(origin: u64, changes: &[Told]) -> Vec<u8> {
    let mut message = origin.to_le_bytes().to_vec();
    for change in changes {
        let (kind, digest) = match *change {
            Told::Soft(digest) => (0, digest),
            Told::Hard(digest) => (1, digest),
            Told::Everything => (2, 0),
        };
        message.push(kind);
        message.extend_from_slice(&digest.to_le_bytes());
    }
    message
}

/// Which process tells what. What is not understood may be anything.
pub(crate) fn decode(message: &[u8]) -> (Option<u64>, Vec<Told>) {
    let anything = (None, vec![Told::Everything]);
    let Some((origin, changes)) = message.split_first_chunk() else { return anything };
    let decode = |change: &[u8]| {
        let (kind, digest) = change.split_first()?;
        let digest = u64::from_le_bytes(digest.try_into().ok()?);
        match kind {
            0 => Some(Told::Soft(digest)),
            1 => Some(Told::Hard(digest)),
            2 => Some(Told::Everything),
            _ => None,
        }
    };
    let changes: Option<Vec<_>> = changes.chunks(LEN).map(decode).collect();
    changes.map_or(anything, |changes| (Some(u64::from_le_bytes(*origin)), changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_what_was_told() {
        let changes = [Told::Soft(7), Told::Hard(u64::MAX), Told::Everything];
        assert_eq!(decode(&encode(5, &changes)), (Some(5), changes.to_vec()));
        assert_eq!(decode(&encode(5, &[])), (Some(5), Vec::new()));
    }

    #[test]
    fn what_is_no_message_may_be_about_anything() {
        let anything = (None, vec![Told::Everything]);
        let message = encode(5, &[Told::Hard(7)]);
        for len in (0..message.len()).filter(|len| *len != 8) {
            assert_eq!(decode(&message[..len]), anything, "{len} bytes");
        }
        let mut unknown = message;
        unknown[8] = 9;
        assert_eq!(decode(&unknown), anything);
    }
}
