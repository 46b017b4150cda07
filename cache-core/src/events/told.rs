//! What processes tell each other of events: numbers for their names.

use super::{Change, Digest, Events, MOVED, Mark};
use crate::sync::Ordering;

impl Mark {
    /// What other processes are told that it was emitted by. Without bytes it is all events of the family.
    pub(crate) fn digests(&self, digest: Digest) -> Vec<u64> {
        let any = digest(&self.family, None);
        match &self.bytes {
            Some(bytes) => vec![digest(&self.family, Some(bytes)), any],
            None => vec![!any],
        }
    }
}

impl Events {
    /// Hears from now on what other processes tell.
    pub(crate) fn listen(&self, digest: Digest) {
        self.digest.get_or_init(|| digest);
    }

    /// Does what another process has told; true if somebody depends on it.
    pub(crate) fn hear(&self, digest: u64, change: Change) -> bool {
        let mut state = self.state.lock();
        let n_emitted = self.n_emitted.fetch_add(1, Ordering::SeqCst) + 1;
        state.watched.note([digest].into_iter(), n_emitted);
        let cells = state.told.iter_hash(digest).filter(|cell| cell.digest == Some(digest));
        let has_moved = state.move_on(cells, change);
        drop(state);
        if has_moved {
            MOVED.fetch_add(1, Ordering::AcqRel);
        }
        has_moved
    }
}
