//! A set of tokens, for hand-off and display.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;
use webex_oauth::{Deviation, Scope, Timestamp};

use crate::mirror::mirror;
use crate::secret::{AccessToken, Secret};

/// What a server granted.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct TokenSet(webex_oauth::TokenSet);

#[uniffi::export]
impl TokenSet {
    /// Absent only while a bare refresh token waits for its first use.
    pub fn access_token(&self) -> Option<Arc<AccessToken>> {
        self.0.access_token.as_ref().map(AccessToken::of)
    }

    /// The refresh token.
    pub fn refresh_token(&self) -> Option<Arc<Secret>> {
        self.0.refresh_token.clone().map(Secret::of)
    }

    /// An OpenID Connect ID token, not verified.
    pub fn id_token(&self) -> Option<Arc<Secret>> {
        self.0.id_token.clone().map(Secret::of)
    }

    /// The granted scope, where the server told it.
    pub fn scope(&self) -> Option<Scope> {
        self.0.scope.clone()
    }

    /// When this set arrived.
    pub fn received_at(&self) -> Timestamp {
        self.0.received_at
    }

    /// When the access token ends, if known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// When the refresh token ends, if known.
    pub fn refresh_token_expires_at(&self) -> Option<Timestamp> {
        self.0.refresh_token_expires_at
    }

    /// Members of the answer that are not the protocol's, as a JSON object.
    pub fn custom(&self) -> Arc<Secret> {
        Secret::of(Value::Object(self.0.custom.0.clone()).to_string())
    }

    /// The JSON object by which a front end takes the tokens over.
    pub fn to_handoff_json(&self, now: Timestamp, with_refresh_token: bool) -> Arc<Secret> {
        Secret::of(self.0.to_handoff_json(now, with_refresh_token))
    }

    /// The same as a query string, to follow the `#` of a redirect.
    pub fn to_handoff_query(&self, now: Timestamp, with_refresh_token: bool) -> Arc<Secret> {
        Secret::of(self.0.to_handoff_query(now, with_refresh_token))
    }
}

impl TokenSet {
    pub(crate) fn of(tokens: webex_oauth::TokenSet) -> Arc<Self> {
        Arc::new(Self(tokens))
    }
}

impl fmt::Debug for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// In a few words: see [`Task`](crate::Task).
impl fmt::Display for TokenSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSet(redacted)")
    }
}

mirror! {
    /// Tokens fresh from a parser, and what had to be tolerated to read them.
    #[derive(Debug, uniffi::Record)]
    pub struct ReadTokens from webex_oauth::ReadTokens {
        /// The tokens.
        pub tokens: Arc<TokenSet>,
        /// What was not by the book, sorted.
        pub deviations: Vec<Deviation>,
    }
}
