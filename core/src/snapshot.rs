//! What is stored: versioned, with absolute instants, the pending login included. The secrets are in here.
//!
//! Stored bytes are for ever. A member that this version does not know is kept and written again; a member that is
//! missing has a default. `tests/snapshots/` holds frozen examples of every version.
//!
//! Version 1 knew one login at a time, in `login`. Version 2 has a list of those that wait for a browser, `logins`, and in
//! `login` the one on a device. A reader of version 1 refuses version 2 by its number and leaves it alone: were it to take the
//! newest login and store what it knows, the others would be lost.

mod client_tag;
mod expiry;
mod read;
mod record;
mod sealed;
mod write;

use serde::Deserialize;

pub use self::client_tag::client_tag;
pub(crate) use self::client_tag::tag;
pub use self::expiry::{KEPT_FOR, kept_for};
use self::record::Record;
pub use self::sealed::SealedHeader;
#[cfg(feature = "sealed")]
pub(crate) use self::sealed::is_key_id;
use crate::config::Config;
use crate::secret::Secret;
use crate::state::State;
use crate::target_uri::TargetUri;

/// The version that is written.
const VERSION: u32 = 2;

/// Why stored bytes cannot be used. The bytes themselves are left alone: another version may read them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Not a snapshot, or a damaged one.
    #[error("the stored session is damaged or not one")]
    Unreadable,
    /// Written by a newer version of this library.
    #[error("the stored session is of version {found}, this library reads up to {VERSION}")]
    NewerVersion {
        /// The version found.
        found: u32,
    },
    /// Of another client, or for another server.
    #[error("the stored session belongs to another {field}")]
    OtherConfig {
        /// `client_id` or `token_endpoint`.
        field: &'static str,
    },
    /// Encrypted, and handed over as it is: whoever opens it has no key. That says nothing about whether anybody is signed in.
    #[error("the stored session is sealed with key {key_id:?}, and no key was given")]
    Sealed {
        /// The key that it names.
        key_id: String,
    },
}

/// The revision of stored bytes, encrypted or not: the key by which a store compares before it swaps.
///
/// # Errors
///
/// [`RestoreError::Unreadable`] where none can be read. Nothing else is looked at: what has one may be damaged all the same.
pub fn revision(snapshot: &str) -> Result<u64, RestoreError> {
    match SealedHeader::read(snapshot) {
        Some(header) => Ok(header.revision),
        None => plain_revision(snapshot),
    }
}

/// The same of bytes that are not encrypted.
pub(crate) fn plain_revision(snapshot: &str) -> Result<u64, RestoreError> {
    #[derive(Deserialize)]
    struct Revision {
        revision: u64,
    }
    serde_json::from_str::<Revision>(snapshot).map(|read| read.revision).map_err(|_| RestoreError::Unreadable)
}

pub(crate) fn read(config: &Config, text: &str) -> Result<State, RestoreError> {
    let record: Record<'_> = serde_json::from_str(text).map_err(|_| other_kind(text))?;
    if record.version > VERSION {
        return Err(RestoreError::NewerVersion { found: record.version });
    }
    if record.client_id != config.client_id() {
        return Err(RestoreError::OtherConfig { field: "client_id" });
    }
    let token_endpoint = &config.endpoints().token;
    // It was once stored as the configuration had spelled it.
    if record.token_endpoint != token_endpoint.url()
        && TargetUri::parse(&record.token_endpoint).as_ref() != Ok(&**token_endpoint)
    {
        return Err(RestoreError::OtherConfig { field: "token_endpoint" });
    }
    read::state(config, record)
}

/// Sealed, damaged, or of a version whose members have other types.
fn other_kind(text: &str) -> RestoreError {
    #[derive(Deserialize)]
    struct Version {
        #[serde(rename = "webex_oauth")]
        version: u32,
    }
    if let Some(header) = SealedHeader::read(text) {
        return RestoreError::Sealed { key_id: header.key_id };
    }
    match serde_json::from_str::<Version>(text) {
        Ok(read) if read.version > VERSION => RestoreError::NewerVersion { found: read.version },
        Ok(_) | Err(_) => RestoreError::Unreadable,
    }
}

pub(crate) fn write(config: &Config, state: &State) -> Secret {
    let record = write::record(config, state);
    // Twice, so that the text need not grow and leave copies of the secrets behind.
    let mut length = Length(0);
    write_to(&mut length, &record);
    let mut json = Vec::with_capacity(length.0);
    write_to(&mut json, &record);
    Secret::new(String::from_utf8(json).unwrap_or_default())
}

/// `dyn`, so that it is compiled once: it is 10 kB.
fn write_to(writer: &mut dyn std::io::Write, record: &Record<'_>) {
    // Writing to memory cannot fail, and what is written here always serializes.
    let _ = serde_json::to_writer(writer, record);
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
