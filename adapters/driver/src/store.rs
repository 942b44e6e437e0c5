//! Where a session survives a restart, and where several processes meet.

mod asynchronous;
mod error;
mod file;
mod key_ring;
mod lock;
mod memory;
mod put;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use asynchronous::{AsyncStore, BoxFuture};
pub use error::StoreError;
pub use file::{FileStore, keep_owner, sync_folder};
pub use key_ring::key_ring_locks;
pub use memory::MemoryStore;
pub use put::{Put, Replaces, conflict, has_revision};
use webex_oauth::Secret;

/// Keeps one snapshot. Several sessions, also in other processes, may share what it stands for.
///
/// Its calls block; each is a matter of milliseconds.
pub trait Store: Send + Sync + fmt::Debug {
    /// What is stored, or `None` where there is nothing yet. The bytes are not looked into.
    ///
    /// # Errors
    ///
    /// Where it cannot be told what is stored, which is another thing than that nobody is signed in: [`StoreError::Denied`]
    /// or [`StoreError::Unavailable`] where it cannot be read, [`StoreError::Damaged`] where it is no text that could be a
    /// session, [`StoreError::Sealed`] where it is encrypted and stays closed.
    fn load(&self) -> Result<Option<Secret>, StoreError>;

    /// Stores the snapshot durably, if the store holds what is to be replaced; otherwise changes nothing and says what it
    /// holds. Comparing and storing is one step. What was deleted is not brought back by who has not noticed:
    /// [`Replaces::Revision`] never inserts.
    ///
    /// # Errors
    ///
    /// Where it is not known to be stored. [`StoreError::Sealed`] and [`StoreError::Damaged`] leave what is there as it is;
    /// after any other one, [`StoreError::Unavailable`] for example, it may be stored all the same: load, and look.
    fn save(&self, put: &Put) -> Result<Saved, StoreError>;

    /// Forgets what is stored. Nothing there is a success.
    ///
    /// # Errors
    ///
    /// Where it is not known to be gone: [`StoreError::Busy`] while somebody saves, [`StoreError::Denied`],
    /// [`StoreError::Unavailable`]. Deleting again does no harm.
    fn delete(&self) -> Result<(), StoreError>;

    /// Forgets what is stored where that has this revision, and answers whether it did. Comparing and deleting is one step: what
    /// another process has stored meanwhile stays. A store that cannot do that leaves everything as it is.
    ///
    /// # Errors
    ///
    /// As [`Store::load`] and [`Store::delete`].
    fn delete_revision(&self, revision: u64) -> Result<bool, StoreError> {
        let _ = revision;
        Ok(false)
    }

    /// Takes the lock that is held around grant requests, or answers `None` where another holds it. A store that nobody
    /// shares may hand out [`StoreLock::none`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Lock`] where locks do not work there at all, [`StoreError::Denied`] where it may not be taken. That
    /// another holds it is none.
    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError>;

    /// Names the lock: whoever sees the same name waits for the same lock, and when its holder's process ends, it is free. It
    /// has to name the machine, as a file on a network share is locked on each for itself. `None` where no such promise can
    /// be given: then it is not used.
    fn lock_domain(&self) -> Option<String> {
        None
    }

    /// Takes the lock, waiting `patience` for it at most.
    ///
    /// # Errors
    ///
    /// [`StoreError::Busy`] where another holds it all the while, and as [`Store::try_lock`].
    fn lock(&self, patience: Duration) -> Result<StoreLock, StoreError> {
        wait_for(patience, || self.try_lock())?.ok_or_else(|| StoreError::Busy { what: format!("{self:?}") })
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        (**self).load()
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        (**self).save(put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        (**self).delete()
    }

    fn delete_revision(&self, revision: u64) -> Result<bool, StoreError> {
        (**self).delete_revision(revision)
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        (**self).try_lock()
    }

    fn lock_domain(&self) -> Option<String> {
        (**self).lock_domain()
    }

    fn lock(&self, patience: Duration) -> Result<StoreLock, StoreError> {
        (**self).lock(patience)
    }
}

/// What became of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[expect(clippy::exhaustive_enums, reason = "a store that wraps another one passes every answer on")]
pub enum Saved {
    /// It is stored.
    Stored,
    /// The store holds something else than was to be replaced: nothing was changed.
    Conflict {
        /// What it holds; `None`: nothing any longer.
        found: Option<Secret>,
    },
}

/// The lock of a store; dropping it lets go.
pub struct StoreLock {
    _held: Option<Box<dyn Send + Sync>>,
}

impl StoreLock {
    /// A lock that is held as long as `held` lives.
    pub fn new(held: impl Send + Sync + 'static) -> Self {
        Self { _held: Some(Box::new(held)) }
    }

    /// Where there is nobody to lock out.
    pub fn none() -> Self {
        Self { _held: None }
    }
}

impl fmt::Debug for StoreLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreLock")
    }
}

/// Asks again and again, ever more slowly, until there is an answer or patience ends.
fn wait_for<T>(
    patience: Duration,
    mut ask: impl FnMut() -> Result<Option<T>, StoreError>,
) -> Result<Option<T>, StoreError> {
    const LONGEST: Duration = Duration::from_millis(40);
    let begun = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(answer) = ask()? {
            return Ok(Some(answer));
        }
        if begun.elapsed() >= patience {
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST);
    }
}
