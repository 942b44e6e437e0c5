//! Values that must not be printed. They cross the border as objects, and only `expose` hands out the text.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::error::EntropyError;

/// A text that is never printed: a token, a code, a snapshot, a URL for the browser.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct Secret(webex_oauth::Secret);

#[uniffi::export]
impl Secret {
    /// Takes in a text.
    #[uniffi::constructor]
    pub fn new(text: String) -> Arc<Self> {
        Self::of(text)
    }

    /// The text itself. Call it where the value leaves for its destination, nowhere else.
    pub fn expose(&self) -> String {
        self.0.expose().to_owned()
    }
}

impl Secret {
    pub(crate) fn of(text: impl Into<webex_oauth::Secret>) -> Arc<Self> {
        Arc::new(Self(text.into()))
    }

    pub(crate) fn core(&self) -> webex_oauth::Secret {
        self.0.clone()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// An access token, together with the `Authorization` header that presents it.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct AccessToken(webex_oauth::AccessToken);

#[uniffi::export]
impl AccessToken {
    /// The bare token.
    pub fn expose(&self) -> String {
        self.0.expose().to_owned()
    }

    /// The whole value of the `Authorization` header.
    pub fn expose_header(&self) -> String {
        self.0.expose_header().to_owned()
    }

    /// `Bearer` nearly always.
    pub fn token_type(&self) -> String {
        self.0.token_type().to_owned()
    }
}

impl AccessToken {
    pub(crate) fn of(token: &webex_oauth::AccessToken) -> Arc<Self> {
        Arc::new(Self(token.clone()))
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// 64 bytes from the host's secure random generator. Serves once.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct Entropy(Mutex<Option<webex_oauth::Entropy>>);

#[uniffi::export]
impl Entropy {
    /// Wraps the bytes.
    #[uniffi::constructor]
    pub fn new(bytes: Vec<u8>) -> Result<Arc<Self>, EntropyError> {
        let entropy = webex_oauth::Entropy::new(&Zeroizing::new(bytes))?;
        Ok(Arc::new(Self(Mutex::new(Some(entropy)))))
    }
}

impl Entropy {
    /// The bytes, once.
    pub(crate) fn take(&self) -> Option<webex_oauth::Entropy> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entropy(redacted)")
    }
}

impl fmt::Display for Entropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
