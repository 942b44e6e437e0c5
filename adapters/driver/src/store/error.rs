//! What can go wrong with a store. Paths are named, contents never.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A store that does not do what it should. The session goes on in memory and tries again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(clippy::exhaustive_enums, reason = "bindings and the command say each in their own words")]
pub enum StoreError {
    /// Reading or writing is not allowed: a read-only folder or file system, or somebody else's.
    #[error("{what}: no permission, or read-only")]
    Denied {
        /// Which file, folder or store.
        what: String,
    },
    /// No space is left, or none of the user's share.
    #[error("{what}: the disk is full")]
    Full {
        /// Which file or store.
        what: String,
    },
    /// It does not answer, or not in time. Trying again may help.
    #[error("{what}: not available")]
    Unavailable {
        /// Which store, and how it went.
        what: String,
        /// When to try again, where the store has said so.
        retry_after: Option<Duration>,
    },
    /// What is stored is encrypted, and stays closed. That says nothing about whether anybody is signed in: it is left as it
    /// is, and nothing is saved over it.
    #[error("the stored session is sealed with key {key_id:?}: {why}")]
    Sealed {
        /// The key that it names.
        key_id: String,
        /// Why it stays closed.
        why: String,
    },
    /// The store is not one that sessions may be kept in, or may not be used like this.
    #[error("{what}")]
    Refused {
        /// Why.
        what: String,
    },
    /// Another process holds the lock and does not let go.
    #[error("{what}: locked by another process")]
    Busy {
        /// Which store.
        what: String,
    },
    /// The lock does not work at all: not a file, or a file system without locks.
    #[error("{}: the lock does not work ({kind})", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// How the system put it.
        kind: io::ErrorKind,
    },
    /// What is stored is not a session. It is left as it is.
    #[error("{what}: not a stored session, or a damaged one")]
    Damaged {
        /// Which store.
        what: String,
    },
    /// Anything else that the system reports.
    #[error("{}: {kind}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// How the system put it.
        kind: io::ErrorKind,
    },
    /// For stores of other kinds. The text must not contain a secret.
    #[error("{problem}")]
    Other {
        /// What happened.
        problem: String,
    },
}

impl StoreError {
    /// The failure of an operation on `path`.
    pub(super) fn of(path: &Path, error: &io::Error) -> Self {
        let what = || path.display().to_string();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::Denied { what: what() },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { what: what() }
            }
            kind => Self::Io { path: path.to_owned(), kind },
        }
    }

    pub(super) fn lock(path: &Path, error: &io::Error) -> Self {
        match Self::of(path, error) {
            Self::Io { path, kind } => Self::Lock { path, kind },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_and_a_read_only_one_are_told_apart() {
        let of = |kind: io::ErrorKind| StoreError::of(Path::new("/s"), &kind.into());
        assert_eq!(of(io::ErrorKind::StorageFull).to_string(), "/s: the disk is full");
        assert_eq!(of(io::ErrorKind::ReadOnlyFilesystem).to_string(), "/s: no permission, or read-only");
        assert_eq!(of(io::ErrorKind::IsADirectory).to_string(), "/s: is a directory");
    }
}
