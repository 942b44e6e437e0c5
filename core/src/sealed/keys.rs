//! Master keys, and the keys of single users that are derived from them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hkdf::Hkdf;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize, Zeroizing};

use super::Owner;
use crate::secret::Secret;
use crate::snapshot::is_key_id;

/// What the derived keys are for: no other use of the master key comes to them.
const PURPOSE: &[u8] = b"webex-oauth sealed 1";
/// What is as long may be a key as text.
const SHORTEST_KEY: usize = 40;

/// A key of 32 bytes, with a name. Overwritten when it is dropped, and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey {
    id: String,
    key: ContentKey,
}

impl MasterKey {
    /// Bytes of a key.
    pub const LEN: usize = 32;

    /// A key under its name: 1 to 64 letters, digits, `.`, `_` and `-`, which stand readable beside each record. The bytes are
    /// from a random generator: a password is none.
    ///
    /// # Errors
    ///
    /// [`KeyError::Name`] where it cannot be called this, [`KeyError::Length`] where there are not [`MasterKey::LEN`] bytes,
    /// [`KeyError::Unfilled`] where all of them are equal.
    pub fn new(id: &str, bytes: &[u8]) -> Result<Self, KeyError> {
        if !is_key_id(id) {
            return Err(KeyError::Name);
        }
        let named = |problem: fn(String) -> KeyError| problem(id.to_owned());
        let bytes: [u8; Self::LEN] = bytes.try_into().map_err(|_| named(|id| KeyError::Length { id }))?;
        if bytes[1..] == bytes[..Self::LEN - 1] {
            return Err(named(|id| KeyError::Unfilled { id }));
        }
        Ok(Self { id: id.to_owned(), key: ContentKey(bytes) })
    }

    /// `NAME:BYTES`, the bytes in base64, of either alphabet, padded or not.
    ///
    /// # Errors
    ///
    /// As [`MasterKey::new`]; [`KeyError::Name`] also where there is no `:`, and [`KeyError::Length`] where the bytes are not
    /// in base64. Of a name as long as a key, which may be the key itself, only [`KeyError::Name`] is told.
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let (id, bytes) = text.split_once(':').ok_or(KeyError::Name)?;
        if !is_key_id(id) {
            return Err(KeyError::Name);
        }
        // Whoever has swapped the two has the key in the place of the name.
        let may_be_told = id.len() < SHORTEST_KEY;
        let told = |error: KeyError| if may_be_told { error } else { KeyError::Name };
        // The one alphabet, so that a key from `openssl rand -base64 32` is as good as one from a JWK.
        let standard = Secret::new(bytes.trim_end_matches('=').replace('-', "+").replace('_', "/"));
        let decoded = STANDARD_NO_PAD.decode(standard.expose()).map(Zeroizing::new);
        Self::new(id, &decoded.map_err(|_| told(KeyError::Length { id: id.to_owned() }))?).map_err(told)
    }

    /// As [`MasterKey::read`] takes it: for a file that only its owner reads.
    pub fn to_text(&self) -> Secret {
        let encoded = Secret::new(base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(self.key.0));
        Secret::new(format!("{}:{}", self.id, encoded.expose()))
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key of one user: HKDF-SHA256 (RFC 5869) without salt, its `info` being `webex-oauth sealed 1`, then the tenant and
    /// the user, each behind its length in eight bytes, the highest first. Any JOSE library opens that user's records with it.
    pub fn content_key(&self, owner: Owner<'_>) -> ContentKey {
        let length = |text: &str| u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes();
        let (tenant, user) = (length(owner.tenant), length(owner.user));
        let info = [PURPOSE, &tenant, owner.tenant.as_bytes(), &user, owner.user.as_bytes()];
        let mut bytes = [0; Self::LEN];
        // It fails for more than 255 times the length of a hash.
        let _ = Hkdf::<Sha256>::new(None, &self.key.0).expand_multi_info(&info, &mut bytes);
        ContentKey(bytes)
    }
}

/// The name alone.
impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MasterKey").field(&self.id).finish()
    }
}

/// 32 bytes that encrypt. Overwritten when they are dropped, and never printed.
#[derive(Clone)]
pub struct ContentKey([u8; MasterKey::LEN]);

impl ContentKey {
    /// The bytes themselves.
    pub fn expose(&self) -> &[u8; MasterKey::LEN] {
        &self.0
    }
}

impl PartialEq for ContentKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_slice().ct_eq(other.0.as_slice()).into()
    }
}

impl Eq for ContentKey {}

impl Drop for ContentKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey(redacted)")
    }
}

/// The keys of a service: the first one seals, all of them open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    first: MasterKey,
    others: Vec<MasterKey>,
}

impl Keys {
    /// With one key.
    pub fn new(first: MasterKey) -> Self {
        Self { first, others: Vec::new() }
    }

    /// With one more, which opens what was sealed with it.
    ///
    /// # Errors
    ///
    /// [`KeyError::Twice`] where one of them has its name. The keys are gone then.
    pub fn and(mut self, other: MasterKey) -> Result<Self, KeyError> {
        if self.find(other.id()).is_some() {
            return Err(KeyError::Twice { id: other.id });
        }
        self.others.push(other);
        Ok(self)
    }

    /// `NAME:BYTES` once or more ([`MasterKey::read`]), with spaces, commas or line ends between them.
    ///
    /// # Errors
    ///
    /// [`KeyError::None`] where there is none, and as [`MasterKey::read`] and [`Keys::and`].
    pub fn read(text: &str) -> Result<Self, KeyError> {
        let is_between = |c: char| c == ',' || c.is_ascii_whitespace();
        let mut found = text.split(is_between).filter(|part| !part.is_empty()).map(MasterKey::read);
        let first = found.next().ok_or(KeyError::None)??;
        found.try_fold(Self::new(first), |keys, key| keys.and(key?))
    }

    /// The one that seals.
    pub fn first(&self) -> &MasterKey {
        &self.first
    }

    /// The names of all, the one that seals first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.first).chain(&self.others).map(MasterKey::id)
    }

    /// The one with this name.
    pub fn find(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.first).chain(&self.others).find(|key| key.id == id)
    }
}

/// Why something is no key. Nothing of its bytes is told.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// There is none.
    #[error("there is no key")]
    None,
    /// It has no name, or one that cannot be used.
    #[error("a key is NAME:BYTES, the name 1 to 64 letters, digits, '.', '_' or '-'")]
    Name,
    /// Not 32 bytes in base64.
    #[error("key {id:?} is not {} bytes in base64", MasterKey::LEN)]
    Length {
        /// Its name.
        id: String,
    },
    /// All bytes are equal: nobody drew them.
    #[error("key {id:?} was never filled: all its bytes are equal")]
    Unfilled {
        /// Its name.
        id: String,
    },
    /// Two keys have one name.
    #[error("key {id:?} is there twice")]
    Twice {
        /// Its name.
        id: String,
    },
}
