//! The store in a file, which every language shares: the code is the driver's, and so are the rules.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use webex_oauth_driver::{FileStore, Put, Saved, Store, StoreError, StoreLock};

use crate::secret::Secret;

/// A session's file, readable by its owner only. Its calls block for moments; a save and a delete wait up to ten seconds
/// for another process that is saving.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct SessionFile(FileStore);

#[uniffi::export]
impl SessionFile {
    /// The file at `path`, which is taken from the current folder now. Nothing is touched yet. A symbolic link is followed.
    #[uniffi::constructor]
    pub fn new(path: String) -> Arc<Self> {
        Arc::new(Self(FileStore::new(path)))
    }

    /// Where it is.
    pub fn path(&self) -> String {
        self.0.path().display().to_string()
    }

    /// What is stored; nothing where there is nothing yet.
    pub fn load(&self) -> Result<Option<Arc<Secret>>, SessionFileError> {
        Ok(self.0.load().map_err(|error| self.told(error))?.map(Secret::of))
    }

    /// Stores `snapshot` durably, where what is there is what it replaces.
    pub fn save(&self, snapshot: &Secret, replaces: u64) -> Result<SavedFile, SessionFileError> {
        let snapshot = snapshot.core();
        // The file does not look at it; where it is no number, the save fails in the store's own words.
        let revision = webex_oauth::snapshot_revision(snapshot.expose()).unwrap_or_default();
        let put = Put::new(snapshot, revision, replaces.into());
        Ok(match self.0.save(&put).map_err(|error| self.told(error))? {
            Saved::Stored => SavedFile::Stored,
            Saved::Conflict { found } => SavedFile::Conflict { found: found.map(Secret::of) },
        })
    }

    /// Forgets what is stored. Nothing there is a success.
    pub fn delete(&self) -> Result<(), SessionFileError> {
        self.0.delete().map_err(|error| self.told(error))
    }

    /// Names that lock: whoever sees the same name waits for the same lock, and when its holder's process ends, it is free.
    pub fn lock_domain(&self) -> Option<String> {
        self.0.lock_domain()
    }

    /// Takes the lock that is held around grant requests; nothing where another holds it.
    pub fn try_lock(&self) -> Result<Option<Arc<SessionFileLock>>, SessionFileError> {
        let lock = self.0.try_lock().map_err(|error| self.told(error))?;
        Ok(lock.map(|lock| Arc::new(SessionFileLock(Mutex::new(Some(lock))))))
    }
}

impl SessionFile {
    fn told(&self, error: StoreError) -> SessionFileError {
        let text = |path: std::path::PathBuf| path.display().to_string();
        match error {
            StoreError::Denied { what } => SessionFileError::Denied { path: what },
            StoreError::Full { what } => SessionFileError::Full { path: what },
            StoreError::Busy { what } => SessionFileError::Busy { path: what },
            StoreError::Lock { path, kind } => SessionFileError::Lock { path: text(path), problem: kind.to_string() },
            StoreError::Damaged { what } => SessionFileError::Damaged { path: what },
            StoreError::Io { path, kind } => SessionFileError::Io { path: text(path), problem: kind.to_string() },
            // No file: the path is told already.
            StoreError::Refused { what } => {
                let problem = what.strip_prefix(&format!("{}: ", self.path())).unwrap_or(&what).to_owned();
                SessionFileError::Io { path: self.path(), problem }
            }
            // A file has no other failures; these are databases'.
            error @ (StoreError::Unavailable { .. } | StoreError::Sealed { .. }) => {
                SessionFileError::Io { path: self.path(), problem: error.to_string() }
            }
            StoreError::Other { problem } => SessionFileError::Io { path: self.path(), problem },
        }
    }
}

/// What became of a save.
#[derive(Debug, uniffi::Enum)]
pub enum SavedFile {
    /// It is stored.
    Stored,
    /// The file holds something else than was to be replaced: nothing was changed.
    Conflict {
        /// What it holds; absent: nothing any longer.
        found: Option<Arc<Secret>>,
    },
}

/// The lock of a file, held until it is released, or dropped.
#[derive(uniffi::Object)]
pub struct SessionFileLock(Mutex<Option<StoreLock>>);

#[uniffi::export]
impl SessionFileLock {
    /// Lets go. Once is enough.
    pub fn release(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// What is wrong with a file. Paths are named, contents never.
#[derive(Debug, thiserror::Error, uniffi::Error)]
pub enum SessionFileError {
    /// Reading or writing is not allowed.
    #[error("{path}: no permission, or read-only")]
    Denied {
        /// Which file or folder.
        path: String,
    },
    /// No space is left.
    #[error("{path}: the disk is full")]
    Full {
        /// Which file.
        path: String,
    },
    /// Another process is saving and does not come to an end.
    #[error("{path}: locked by another process")]
    Busy {
        /// Which file.
        path: String,
    },
    /// The lock does not work at all: not a file, or a file system without locks.
    #[error("{path}: the lock does not work ({problem})")]
    Lock {
        /// The lock file.
        path: String,
        /// How the system put it.
        problem: String,
    },
    /// What is stored is not a session. It is left as it is.
    #[error("{path}: not a stored session, or a damaged one")]
    Damaged {
        /// Which file.
        path: String,
    },
    /// Anything else that the system reports.
    #[error("{path}: {problem}")]
    Io {
        /// Which file or folder.
        path: String,
        /// How the system put it.
        problem: String,
    },
}

impl fmt::Debug for SessionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SessionFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
