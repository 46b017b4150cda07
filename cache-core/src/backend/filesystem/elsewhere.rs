//! What only Linux does, elsewhere: see `linux.rs`.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::files::Unread;

/// Whether a read waits for a disk is not known here.
pub(super) fn read_at_once(_path: &Path) -> Result<Option<Vec<u8>>, Unread> {
    Err(Unread { is_for_good: true })
}

/// There is no such move here.
pub(super) fn rename_to_free(_from: &Path, _to: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}
