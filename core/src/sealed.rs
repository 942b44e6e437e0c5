//! Snapshots encrypted at rest, for any store. Pure: the nonce is an argument.
//!
//! A record is a JWE in its compact form (RFC 7516): `alg` is `dir`, `enc` is `A256GCM`, and the protected header names the key
//! (`kid`) and the revision (`rev`), which a store reads without a key ([`SealedHeader`]). The content key
//! is the user's own, derived from a master key ([`MasterKey::content_key`]), so that a record which was moved to another user
//! does not open, and a nonce may be drawn at random as often as one user's session is saved.
//!
//! ```
//! use webex_oauth::Secret;
//! use webex_oauth::sealed::{Keys, Owner, OpenError, open, seal};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // From a file that only its owner reads, a variable, or a key service: the first one seals, all of them open.
//! let keys = Keys::read("2026-11:uwfbCQ1BTdJOgfP6C8F4AHzmHRXBbEFUWCzcmHIl0xs 2025-02:MDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk8")?;
//! let snapshot = Secret::new(r#"{"webex_oauth":2,"revision":7}"#);
//!
//! // Twelve bytes from the host's random generator, new ones for each record.
//! let nonce = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
//! let owner = Owner { tenant: "acme", user: "u1" };
//! let record = seal(&keys, owner, &snapshot, nonce)?;
//! assert_eq!(open(&keys, owner, record.expose())?, snapshot);
//!
//! let other = Owner { tenant: "acme", user: "u2" };
//! assert!(matches!(open(&keys, other, record.expose()), Err(OpenError::Sealed { .. })));
//! # Ok(())
//! # }
//! ```

mod keys;

use aes_gcm::aead::{AeadInOut as _, KeyInit as _};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

pub use self::keys::{ContentKey, KeyError, Keys, MasterKey};
use crate::secret::Secret;
use crate::snapshot::{SealedHeader, plain_revision};

/// Bytes of a nonce, from the host's random generator: new ones for each record.
pub const NONCE_LEN: usize = 12;
const TAG_LEN: usize = 16;

/// Whose session it is, as the host names its tenants and users. A host without tenants has the empty one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner<'a> {
    /// The organisation, customer or application.
    pub tenant: &'a str,
    /// The user in it.
    pub user: &'a str,
}

/// Nothing of the names, which may be people's.
impl std::fmt::Debug for Owner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Owner(..)")
    }
}

/// Why a record does not open. It says nothing about whether anybody is signed in: the record is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// It is a record of this kind, and stays closed.
    #[error("the stored session is sealed with key {key_id:?}: {why}")]
    Sealed {
        /// The key that it names.
        key_id: String,
        /// Why.
        why: Unopened,
    },
    /// It is no record of this kind: a snapshot that is not encrypted, or something else.
    #[error("what is stored is not a sealed session")]
    NotSealed,
}

/// Why a sealed record stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unopened {
    /// This key is not among those that were given.
    #[error("there is no such key")]
    UnknownKey,
    /// The key is another one of the same name, the record is another user's, or it was changed.
    #[error("it is another key of this name, another user's session, or a changed one")]
    Refused,
    /// The revision outside is not the one inside.
    #[error("its revision is not that of the session inside")]
    OtherRevision,
}

/// What is to be sealed is not a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what is to be sealed is not a snapshot")]
pub struct NotASnapshot;

/// Encrypts a snapshot with the first of the keys.
///
/// # Errors
///
/// [`NotASnapshot`] where it has no revision: what is sealed already, for example.
pub fn seal(keys: &Keys, owner: Owner<'_>, snapshot: &Secret, nonce: [u8; NONCE_LEN]) -> Result<Secret, NotASnapshot> {
    let plain = snapshot.expose();
    let revision = plain_revision(plain).map_err(|_| NotASnapshot)?;
    let master = keys.first();
    let header = SealedHeader { key_id: master.id().to_owned(), revision }.encode();
    // Room for the tag: a buffer that grows leaves a copy of the secrets behind.
    let mut buffer = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_LEN));
    buffer.extend_from_slice(plain.as_bytes());
    let cipher = Aes256Gcm::new(master.content_key(owner).expose().into());
    if cipher.encrypt_in_place(&Nonce::from(nonce), header.as_bytes(), &mut *buffer).is_err() {
        // Longer than 64 GiB.
        return Err(NotASnapshot);
    }
    let (text, tag) = buffer.split_at(plain.len());
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok(Secret::new(format!("{header}..{}.{}.{}", encode(&nonce), encode(text), encode(tag))))
}

/// Decrypts a record with the key that it names.
///
/// # Errors
///
/// [`OpenError::NotSealed`] where it is no record of this kind; [`OpenError::Sealed`] where it is one and stays closed, and
/// why.
pub fn open(keys: &Keys, owner: Owner<'_>, record: &str) -> Result<Secret, OpenError> {
    let header = SealedHeader::read(record).ok_or(OpenError::NotSealed)?;
    let opened = match keys.find(&header.key_id) {
        Some(master) => open_with(&master.content_key(owner), record, header.revision),
        None => Err(Unopened::UnknownKey),
    };
    opened.map_err(|why| OpenError::Sealed { key_id: header.key_id, why })
}

fn open_with(key: &ContentKey, record: &str, revision: u64) -> Result<Secret, Unopened> {
    let mut parts = record.split('.');
    let mut part = || parts.next().ok_or(Unopened::Refused);
    let (header, encrypted_key, nonce, text, tag) = (part()?, part()?, part()?, part()?, part()?);
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| Unopened::Refused);
    let nonce: [u8; NONCE_LEN] = decode(nonce)?.try_into().map_err(|_| Unopened::Refused)?;
    let tag: [u8; TAG_LEN] = decode(tag)?.try_into().map_err(|_| Unopened::Refused)?;
    let mut buffer = Zeroizing::new(decode(text)?);
    let cipher = Aes256Gcm::new(key.expose().into());
    let nonce = Nonce::from(nonce);
    // With `dir` there is no encrypted key (RFC 7516 section 5.2, step 10).
    if !encrypted_key.is_empty()
        || cipher.decrypt_inout_detached(&nonce, header.as_bytes(), buffer.as_mut_slice().into(), &tag.into()).is_err()
    {
        return Err(Unopened::Refused);
    }
    let plain = Secret::new(str::from_utf8(&buffer).map_err(|_| Unopened::Refused)?);
    if plain_revision(plain.expose()) == Ok(revision) { Ok(plain) } else { Err(Unopened::OtherRevision) }
}
