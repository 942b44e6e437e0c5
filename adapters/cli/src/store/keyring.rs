//! A store in the key ring of the operating system: Keychain, Credential Manager, Secret Service.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use keyring::{Entry, Error};
use webex_oauth::Secret;
use webex_oauth_driver::{FileStore, Put, Saved, Store, StoreError, StoreLock, conflict, has_revision, key_ring_locks};

use crate::places::Profile;

/// What our entries are filed under.
const SERVICE: &str = "webex-oauth";
/// A save holds its lock for moments; who waits longer has met something broken.
const SAVE_PATIENCE: Duration = Duration::from_secs(10);

/// Keeps a snapshot as one entry of the key ring.
///
/// A key ring cannot compare and swap, and has no locks: two lock files do that for the user's processes, in every
/// language. They are those of a file store, so that they work as its own do.
pub(crate) struct KeyringStore {
    entry: Entry,
    profile: Profile,
    locks: FileStore,
    /// Is there while the key ring has something of ours.
    marker: PathBuf,
}

impl KeyringStore {
    /// Fails where there is no key ring, or it is locked for good.
    pub(crate) fn open(profile: &Profile, beside: &Path) -> Result<Self, StoreError> {
        let entry = Entry::new(SERVICE, profile.as_str()).map_err(|error| told(&error))?;
        let no_home =
            || StoreError::Other { problem: "there is no home folder for the lock of the key ring".to_owned() };
        let locks = FileStore::new(key_ring_locks(SERVICE, profile.as_str()).ok_or_else(no_home)?);
        let store = Self { entry, profile: profile.clone(), locks, marker: marker(beside) };
        store.load()?;
        Ok(store)
    }

    /// Whether something was left in the key ring.
    pub(crate) fn is_used(beside: &Path) -> bool {
        marker(beside).exists()
    }

    /// Call it with the lock of the saves held.
    fn remove(&self) -> Result<(), StoreError> {
        match self.entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => {}
            Err(error) => return Err(told(&error)),
        }
        match fs::remove_file(&self.marker) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&self.marker, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl Store for KeyringStore {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        match self.entry.get_secret() {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(Secret::new(text)).filter(|text| !text.is_empty())),
                Err(_) => Err(StoreError::Damaged { what: format!("{self:?}") }),
            },
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(told(&error)),
        }
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        let _lock = self.locks.lock_saves(SAVE_PATIENCE)?;
        let damaged = || StoreError::Damaged { what: format!("{self:?}") };
        if let Some(conflict) = conflict(self.load()?, put, damaged)? {
            return Ok(conflict);
        }
        if let Some(folder) = self.marker.parent() {
            fs::create_dir_all(folder).map_err(|error| at(folder, &error))?;
        }
        // Before the entry: an entry without the marker would be overlooked.
        File::create(&self.marker).map_err(|error| at(&self.marker, &error))?;
        self.entry.set_secret(put.snapshot.expose().as_bytes()).map_err(|error| told(&error))?;
        Ok(Saved::Stored)
    }

    fn delete(&self) -> Result<(), StoreError> {
        // A lock that does not work is no reason to keep anything.
        let _lock = match self.locks.lock_saves(SAVE_PATIENCE) {
            Err(error @ StoreError::Busy { .. }) => return Err(error),
            other => other.ok(),
        };
        self.remove()
    }

    fn delete_revision(&self, revision: u64) -> Result<bool, StoreError> {
        let _lock = self.locks.lock_saves(SAVE_PATIENCE)?;
        let is_it = has_revision(self.load()?.as_ref(), revision);
        if is_it {
            self.remove()?;
        }
        Ok(is_it)
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.locks.try_lock()
    }

    fn lock_domain(&self) -> Option<String> {
        self.locks.lock_domain()
    }
}

/// The profile alone.
impl std::fmt::Debug for KeyringStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the entry {SERVICE}/{} of the key ring", self.profile)
    }
}

fn marker(beside: &Path) -> PathBuf {
    let mut name = beside.as_os_str().to_owned();
    name.push(".used");
    name.into()
}

fn at(path: &Path, error: &io::Error) -> StoreError {
    let what = || path.display().to_string();
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::Denied { what: what() },
        io::ErrorKind::StorageFull => StoreError::Full { what: what() },
        kind => StoreError::Io { path: path.to_owned(), kind },
    }
}

/// In our own words: a library's error may quote what is stored.
fn told(error: &Error) -> StoreError {
    let problem = match error {
        Error::NoDefaultStore | Error::PlatformFailure(_) => "the key ring of this system does not answer".to_owned(),
        Error::NoStorageAccess(_) => "the key ring is locked".to_owned(),
        Error::TooLong(_, limit) => format!("the key ring takes no more than {limit} characters"),
        Error::Ambiguous(_) => "the key ring has more than one entry for this profile".to_owned(),
        _ => "the key ring does not do what it should".to_owned(),
    };
    StoreError::Other { problem }
}
