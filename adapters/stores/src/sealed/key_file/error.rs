//! What can go wrong with a file of keys.

use std::io;
use std::path::PathBuf;

use webex_oauth::sealed::KeyError;

/// What is wrong with a file of keys. Nothing of what is in it is told but the names of keys.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is none.
    #[error("{}: there is no such key file", path.display())]
    Missing {
        /// Where it would be.
        path: PathBuf,
    },
    /// Others than its owner may read or change it.
    #[error("{}: others than you may use this key file (mode {mode:04o}): chmod 600 it", path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// What is in there are no keys.
    #[error("{}: not a key file: {why}", path.display())]
    NoKeys {
        /// Which file.
        path: PathBuf,
        /// Why.
        why: KeyError,
    },
    /// No key can be called this.
    #[error("{name:?} is no name for a key: it has 1 to 64 letters, digits, '.', '_' or '-'")]
    Name {
        /// What was asked for.
        name: String,
    },
    /// Another key in the file is called this. The file is as it was.
    #[error("{}: there is a key {name:?} already", path.display())]
    Taken {
        /// Which file.
        path: PathBuf,
        /// What was asked for.
        name: String,
    },
    /// There is a file already. It is left as it is: without its keys what they have sealed is lost.
    #[error("{}: there is a file already, and a key file is never overwritten", path.display())]
    Exists {
        /// Which file.
        path: PathBuf,
    },
    /// Another key is being added, for longer than that takes.
    #[error("{}: another key is being added by another process", path.display())]
    Busy {
        /// Which file.
        path: PathBuf,
    },
    /// There is no folder for a new file.
    #[error("{}: there is no such folder", path.display())]
    NoFolder {
        /// Which folder.
        path: PathBuf,
    },
    /// The system gives no randomness.
    #[error("the system gives no randomness to make a key of")]
    NoRandomness,
    /// Anything else that the system reports.
    #[error("{}: {kind}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// How the system put it.
        kind: io::ErrorKind,
    },
}
