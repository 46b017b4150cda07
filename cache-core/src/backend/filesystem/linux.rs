//! What Linux does that `std` does not offer: reading without waiting, and moving a file to where there is none.

use std::io::{self, IoSliceMut};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use rustix::fs::{
    CWD, FileType, Mode, OFlags, RenameFlags, ResolveFlags, fstat, openat2, renameat_with,
};
use rustix::io::{Errno, ReadWriteFlags, preadv2};

use super::files::Unread;

/// A longer file takes so long to copy that a thread for that is worth waiting for.
const MAX_LEN: usize = 4 << 20;

/// Most files are shorter than the first of these, and longer ones are read in pieces of the second.
const SHORT: usize = 4 << 10;
const LONG: usize = 64 << 10;

/// The bytes of a file, or that there is none, if the kernel has that in memory. The end may be missing.
pub(super) fn read_at_once(path: &Path) -> Result<Option<Vec<u8>>, Unread> {
    // A pipe is not waited for, a link not followed, and the time of this use is for the index to note.
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOATIME | OFlags::CLOEXEC;
    match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED) {
        Ok(file) => Ok(Some(read(file.as_fd())?)),
        // Of a name that the kernel does not remember it says that it would have to look.
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

fn read(file: BorrowedFd<'_>) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    if read_on(file, &mut Block([0; SHORT]), &mut bytes)? < SHORT {
        return Ok(bytes);
    }
    let data = fstat(file)?;
    let len = usize::try_from(data.st_size).unwrap_or(usize::MAX);
    if len > MAX_LEN || !FileType::from_raw_mode(data.st_mode).is_file() {
        return Err(Errno::AGAIN);
    }
    bytes.reserve_exact(len.saturating_sub(SHORT));
    let mut block = Box::new(Block([0; LONG]));
    while bytes.len() < len && read_on(file, &mut block, &mut bytes)? > 0 {}
    Ok(bytes)
}

/// Where the kernel copies to. From a page to one that begins elsewhere takes some processors ten times as long.
#[repr(align(4096))]
struct Block<const N: usize>([u8; N]);

/// Appends what comes next, and says how much.
fn read_on<const N: usize>(
    file: BorrowedFd<'_>,
    block: &mut Block<N>,
    bytes: &mut Vec<u8>,
) -> Result<usize, Errno> {
    let (offset, slice) = (bytes.len() as u64, IoSliceMut::new(&mut block.0));
    let n = preadv2(file, &mut [slice], offset, ReadWriteFlags::NOWAIT)?;
    bytes.extend_from_slice(&block.0[..n]);
    Ok(n)
}

impl From<Errno> for Unread {
    fn from(errno: Errno) -> Self {
        // A kernel, a file system or a sandbox without this.
        let refusals = [Errno::NOSYS, Errno::OPNOTSUPP, Errno::INVAL, Errno::PERM];
        Self { is_for_good: refusals.contains(&errno) }
    }
}

/// Moves a file to where there is none.
pub(super) fn rename_to_free(from: &Path, to: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
}
