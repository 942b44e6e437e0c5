//! A lock file: locked by whoever can, freed by the system when its holder ends.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::keep_owner;

/// Locks the file at `path`, which is created where needed, for whom `guarded` belongs to. `None` where another holds it.
pub(super) fn try_lock(path: &Path, guarded: &Path) -> io::Result<Option<File>> {
    let file = open(path, guarded)?;
    Ok(lock_now(&file)?.then_some(file))
}

fn open(path: &Path, guarded: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.clone().create_new(true).open(path) {
        Ok(new) => {
            // Only one that was made here: what root finds may be a link of the user's to somebody else's file.
            keep_owner(guarded, &new);
            Ok(new)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.create(true).truncate(false).open(path),
        Err(error) => Err(error),
    }
}

/// A record lock that belongs to the open file: `F_SETLK`, as Java and Python take it, would be shared by all threads of
/// a process, and lost when any of them closes the file. The two kinds exclude each other.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn lock_now(file: &File) -> io::Result<bool> {
    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    // `as _`: the types of these constants differ between systems.
    #[allow(clippy::unnecessary_cast, reason = "not on every system")]
    let whole_file =
        libc::flock { l_type: libc::F_WRLCK as _, l_whence: libc::SEEK_SET as _, l_start: 0, l_len: 0, l_pid: 0 };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole_file)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn lock_now(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}
