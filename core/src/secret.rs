//! Values that must never reach a log: one type, one way to look inside.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

/// A text that is never printed: a token, a code, a request body.
///
/// `Debug` is redacted, there is no `Display` and no `Serialize`, comparison takes constant time, and the bytes are
/// overwritten when it is dropped. [`Secret::expose`] is the only way in.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes ownership of `text`; no copy is left behind.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Call it where the value leaves for its destination, nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// True for the empty text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        is_same(self.expose(), other.expose())
    }
}

impl Eq for Secret {}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// An access token, together with the `Authorization` header that presents it (RFC 6750 section 2.1).
///
/// Cheap to clone: it is a handle to one shared, zeroized allocation.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// `Bearer <token>`: both views are slices of it.
    header: Arc<Secret>,
}

const BEARER: &str = "Bearer ";

impl AccessToken {
    /// A token of type `Bearer`.
    pub fn bearer(token: &str) -> Self {
        let mut header = String::with_capacity(BEARER.len() + token.len());
        header.push_str(BEARER);
        header.push_str(token);
        Self { header: Arc::new(Secret::new(header)) }
    }

    /// The bare token.
    pub fn expose(&self) -> &str {
        self.header.expose().get(BEARER.len()..).unwrap_or_default()
    }

    /// The whole value of the `Authorization` header, `Bearer <token>`.
    pub fn expose_header(&self) -> &str {
        self.header.expose()
    }

    /// The token type. There is no other: what would be presented in another way is refused where it enters.
    pub fn token_type(&self) -> &str {
        BEARER.trim_end()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(Bearer, redacted)")
    }
}

/// 64 bytes from the host's cryptographically secure random generator, used once and then gone.
///
/// A login draws its PKCE verifier, its CSRF value and its nonce from one `Entropy`; a session draws its jitter seed.
/// There is no `Clone`: the same bytes must not serve twice.
pub struct Entropy([u8; Entropy::LEN]);

impl Entropy {
    /// How many bytes the host has to supply.
    pub const LEN: usize = 64;

    /// Wraps the bytes.
    ///
    /// # Errors
    ///
    /// [`EntropyError::Length`] where they are not [`Entropy::LEN`], [`EntropyError::Unfilled`] where all of them are equal:
    /// they were plainly never filled.
    pub fn new(bytes: &[u8]) -> Result<Self, EntropyError> {
        let array: [u8; Self::LEN] = bytes.try_into().map_err(|_| EntropyError::Length { found: bytes.len() })?;
        if array[1..] == array[..Self::LEN - 1] {
            return Err(EntropyError::Unfilled);
        }
        Ok(Self(array))
    }

    /// Bytes that become the PKCE verifier: 32, the size RFC 7636 section 4.1 recommends.
    pub(crate) fn verifier_bytes(&self) -> &[u8] {
        &self.0[..32]
    }

    /// All of them, to be hashed.
    pub(crate) fn all_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Bytes that become an identifier nobody can guess: a CSRF value, a guest's subject.
    pub(crate) fn identifier_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[32..48]);
        bytes
    }

    /// The same for a second one.
    pub(crate) fn other_identifier_bytes(&self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&self.0[48..]);
        bytes
    }

    /// A seed for jitter. Not a secret: it is kept in snapshots.
    pub(crate) fn into_seed(self) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[56..]);
        u64::from_le_bytes(bytes)
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(redacted)")
    }
}

/// Why bytes were refused as [`Entropy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntropyError {
    /// The number of bytes is not [`Entropy::LEN`].
    #[error("entropy must be {} bytes from the system's random generator, got {found}", Entropy::LEN)]
    Length {
        /// How many bytes there were.
        found: usize,
    },
    /// All bytes are equal: the buffer was never filled.
    #[error("entropy was never filled: all bytes are equal")]
    Unfilled,
}

/// Compares in constant time. How long they are is no secret.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_wherever_they_differ() {
        let text = "0123456789abcdefghijk";
        assert!(is_same(text, text));
        for at in 0..text.len() {
            let other: String = text.chars().enumerate().map(|(i, c)| if i == at { 'X' } else { c }).collect();
            assert!(!is_same(text, &other), "{at}");
            assert!(!is_same(text, &text[..at]), "{at}");
        }
        // Differences in two places do not make up for each other.
        assert!(!is_same("aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"));
    }
}
