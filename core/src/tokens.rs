//! A set of tokens with absolute instants.

use serde_json::{Map, Value};

use crate::event::Deviation;
use crate::protocol::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;

/// What a server granted: the "supertoken" of Webex's SDK. Lifetimes are absolute instants, so that a restart does not
/// prolong them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenSet {
    /// The access token. Absent only while a bare refresh token waits for its first use.
    pub access_token: Option<AccessToken>,
    /// The refresh token.
    pub refresh_token: Option<Secret>,
    /// An OpenID Connect ID token, passed on and not verified.
    pub id_token: Option<Secret>,
    /// The granted scope, where the server told it.
    pub scope: Option<Scope>,
    /// When this set arrived.
    pub received_at: Timestamp,
    /// When the access token ends, if known.
    pub expires_at: Option<Timestamp>,
    /// When the refresh token ends, if known.
    pub refresh_token_expires_at: Option<Timestamp>,
    /// Members of the answer that are not the protocol's, kept as they came. They may hold anything: treat as secret.
    pub custom: Custom,
}

/// Unknown members, kept. `Debug` shows only their names.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Custom(pub Map<String, Value>);

impl std::fmt::Debug for Custom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A token set fresh from a parser, and what had to be tolerated to read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadTokens {
    /// The tokens.
    pub tokens: TokenSet,
    /// What was not by the book, sorted.
    pub deviations: Vec<Deviation>,
}

impl TokenSet {
    /// The merge rule of a refresh: what the answer does not mention is kept from `old` (RFC 6749 section 6).
    pub(crate) fn keep_from(&mut self, old: &Self) {
        if self.refresh_token.is_none() {
            self.refresh_token.clone_from(&old.refresh_token);
        }
        // An expiry told earlier still holds for the refresh token that it was told for.
        if self.refresh_token_expires_at.is_none() && self.refresh_token == old.refresh_token {
            self.refresh_token_expires_at = old.refresh_token_expires_at;
        }
        if self.scope.is_none() {
            self.scope.clone_from(&old.scope);
        }
        if self.id_token.is_none() {
            self.id_token.clone_from(&old.id_token);
        }
        for (name, value) in &old.custom.0 {
            if !self.custom.0.contains_key(name) {
                self.custom.0.insert(name.clone(), value.clone());
            }
        }
    }

    /// Moves what was reckoned by a clock that has since been set back. The refresh token's end is the server's own
    /// date and stays.
    pub(crate) fn shift(&mut self, from: Timestamp, to: Timestamp) {
        self.received_at = self.received_at.moved_along(from, to);
        self.expires_at = self.expires_at.map(|at| at.moved_along(from, to));
    }
}
