//! How a token is spoken of where its text must not appear.

use serde::{Deserialize, Serialize};

/// A token as the log names it: by fingerprint, never by its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRef {
    /// See [`fingerprint`](crate::fingerprint).
    pub fingerprint: String,
    /// What it is good for.
    pub kind: TokenKind,
    /// The sign-in it descends from, counted from 1; 0 when unknown.
    pub family: u64,
    /// 1 after the sign-in, one more per refresh; 0 when unknown.
    pub generation: u32,
    /// Its state when it was presented or issued.
    pub state: TokenState,
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// Calls the API.
    Access,
    /// Calls the API with less scope than the access token it was made from.
    Downscoped,
    /// Gets new access tokens.
    Refresh,
    /// Never seen here.
    Unknown,
}

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It is accepted.
    Live,
    /// Its time is over.
    Expired,
    /// A refresh token that was replaced by a younger one.
    Rotated,
    /// It was taken back.
    Revoked,
    /// Never seen here.
    Unknown,
}
