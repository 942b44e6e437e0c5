//! Where the tokens of a profile are.

mod keyring;

use std::path::PathBuf;
use std::sync::Arc;

use webex_oauth::Secret;
use webex_oauth::sealed::Keys;
use webex_oauth_driver::{FileStore, Store, StoreError};
use webex_oauth_stores::{Key, Sealed, SealedUser};

use crate::args::StoreKind;
use crate::failure::{Exit, Failure};
use crate::places::{Places, Profile};
use keyring::KeyringStore;

/// What to open.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    pub(crate) kind: StoreKind,
    pub(crate) profile: &'a Profile,
    pub(crate) places: &'a Places,
    /// A file of its own choosing goes before everything.
    pub(crate) session_file: Option<PathBuf>,
    /// What it is encrypted with.
    pub(crate) keys: Option<Keys>,
}

/// A store, and how to speak of it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) place: Place,
}

/// Where the tokens are, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// The key ring of the operating system.
    Keyring,
    /// A file, as wanted.
    File(PathBuf),
    /// A file, because there is no key ring.
    NoKeyring(PathBuf),
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keyring => f.write_str("the key ring"),
            Self::File(path) | Self::NoKeyring(path) => path.display().fmt(f),
        }
    }
}

impl Place {
    /// What to say where others than the user may read or change the tokens. The next save makes a file of its own.
    #[cfg(unix)]
    pub(crate) fn open_to_others(&self) -> Option<String> {
        use std::os::unix::fs::PermissionsExt as _;
        let (Self::File(path) | Self::NoKeyring(path)) = self else { return None };
        let mode = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?.permissions().mode() & 0o777;
        let path = path.display();
        (mode & 0o077 != 0)
            .then(|| format!("Others than you may use the tokens in {path} (mode {mode:04o}): chmod 600 it."))
    }

    /// Whether it is where tokens can be: not a folder, pipe or device.
    fn is_readable(&self) -> bool {
        match self {
            Self::Keyring => true,
            Self::File(path) | Self::NoKeyring(path) => path.is_file(),
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn open_to_others(&self) -> Option<String> {
        None
    }
}

impl Opened {
    /// What is stored. With keys, what is not encrypted is not taken: the one remedy is named.
    pub(crate) fn load(&self) -> Result<Option<Secret>, Failure> {
        self.store.load().map_err(|error| match error {
            StoreError::Refused { what } if self.place.is_readable() => {
                let advice = "seal it with webex-oauth reseal, or leave out --key-file and WEBEX_KEY_FILE";
                Failure::new(Exit::Store, format!("{what}; {advice}"))
            }
            error => error.into(),
        })
    }
}

/// What is stored of a profile has the profile's name as its user's.
pub(crate) fn sealed(
    profile: &Profile,
    store: Arc<dyn Store>,
    keys: Keys,
) -> Result<SealedUser<Arc<dyn Store>>, Failure> {
    Ok(Sealed::user(store, keys, Key::new("", profile.as_str())?))
}

/// Opens the store of a profile. Where the choice is ours, tokens stay where they are once they are somewhere.
pub(crate) fn open(wanted: &Wanted<'_>) -> Result<Opened, Failure> {
    let opened = open_as_it_is(wanted)?;
    Ok(match &wanted.keys {
        Some(keys) => {
            let store = sealed(wanted.profile, opened.store, keys.clone())?;
            Opened { store: Arc::new(store), place: opened.place }
        }
        None => opened,
    })
}

fn open_as_it_is(wanted: &Wanted<'_>) -> Result<Opened, Failure> {
    if let Some(path) = &wanted.session_file {
        return Ok(in_file(path.clone(), Place::File));
    }
    let path = wanted.places.session_file(wanted.profile);
    match wanted.kind {
        StoreKind::File => Ok(in_file(path, Place::File)),
        StoreKind::Keyring => in_keyring(wanted).map_err(Failure::from),
        StoreKind::Auto if path.exists() => Ok(in_file(path, Place::File)),
        StoreKind::Auto => match in_keyring(wanted) {
            Ok(opened) => Ok(opened),
            // What is in there must not seem to be gone.
            Err(error) if KeyringStore::is_used(&wanted.places.keyring_file(wanted.profile)) => Err(error.into()),
            Err(_) => Ok(in_file(path, Place::NoKeyring)),
        },
    }
}

fn in_file(path: PathBuf, place: fn(PathBuf) -> Place) -> Opened {
    Opened { store: Arc::new(FileStore::new(&path)), place: place(path) }
}

fn in_keyring(wanted: &Wanted<'_>) -> Result<Opened, StoreError> {
    let store = KeyringStore::open(wanted.profile, &wanted.places.keyring_file(wanted.profile))?;
    Ok(Opened { store: Arc::new(store), place: Place::Keyring })
}
