//! Answers to questions: may I have a token, where is the session, how does it stand.

use std::sync::Arc;

use serde::Deserialize as _;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::error::Fault;
use crate::http::RequestId;
use crate::protocol::scope::Scope;
use crate::secret::AccessToken;
use crate::time::Timestamp;

/// How a session came by its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// Authorization code grant.
    Code,
    /// Implicit grant.
    Implicit,
    /// Device grant.
    Device,
    /// Guest JWT.
    Jwt,
    /// `guests/token`.
    Guest,
    /// Client credentials grant.
    ClientCredentials,
    /// Taken over from elsewhere.
    Adopted,
    /// Delivered by the host.
    Host,
}

impl Via {
    /// The one with this stable name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::deserialize(StrDeserializer::<ValueError>::new(name)).ok()
    }

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Implicit => "implicit",
            Self::Device => "device",
            Self::Jwt => "jwt",
            Self::Guest => "guest",
            Self::ClientCredentials => "client_credentials",
            Self::Adopted => "adopted",
            Self::Host => "host",
        }
    }
}

/// Why a session is signed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignedOutReason {
    /// Nobody signed in yet.
    NeverSignedIn,
    /// The user signed out.
    ByUser,
    /// The server said that the grant is over.
    GrantEnded,
    /// An API answered 451.
    Embargoed,
}

impl SignedOutReason {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NeverSignedIn => "never_signed_in",
            Self::ByUser => "by_user",
            Self::GrantEnded => "grant_ended",
            Self::Embargoed => "embargoed",
        }
    }
}

/// Why only the user can help.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum SignInReason {
    /// The session is signed out.
    SignedOut(SignedOutReason),
    /// A login is under way; its outcome decides.
    LoginPending,
    /// The access token has expired and nothing is there to renew it with.
    Expired,
    /// The refresh token has expired.
    RefreshTokenExpired,
    /// An API refuses the token and nothing is there to renew it with.
    Rejected,
    /// The tokens do not cover this scope: sign in with more.
    ScopeNotGranted {
        /// What is missing.
        missing: Scope,
    },
}

/// Why a token cannot be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaleWhy {
    /// There is only a refresh token so far.
    NoAccessToken,
    /// Past the must line.
    Expired,
    /// An API refused it.
    Rejected,
    /// The clock reads earlier than it has been seen: the remaining life and the waits have to be worked out again.
    ClockWentBack,
    /// Not asked for yet: the host's callback or a downscope request has to bring it.
    NotAskedYet,
}

/// The answer to "may I have a token now?". A pure query: asking changes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Use this token.
    Ready {
        /// A handle; cloning it allocates nothing.
        token: AccessToken,
        /// Name it in `token_rejected` when an API answers 401.
        generation: u64,
        /// When the server will refuse it, if known.
        expires_at: Option<Timestamp>,
        /// It is time to refresh in the background: call `ensure_fresh`, and use the token meanwhile.
        refresh_soon: bool,
    },
    /// Call `ensure_fresh` (or `downscope`), then ask again.
    Stale {
        /// Why.
        why: StaleWhy,
        /// When the token ended, if there is one and it is known.
        expires_at: Option<Timestamp>,
    },
    /// Wait for this request.
    Refreshing {
        /// The request that is under way.
        id: RequestId,
    },
    /// The last attempt failed. Nothing to do before `retry_at`.
    BackingOff {
        /// How it failed.
        fault: Arc<Fault>,
        /// When the session tries again.
        retry_at: Timestamp,
    },
    /// Only the user can help.
    SignInRequired {
        /// Why.
        reason: SignInReason,
    },
}

/// Where a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// No tokens.
    SignedOut {
        /// Why.
        reason: SignedOutReason,
    },
    /// A login is under way.
    SigningIn {
        /// Which.
        via: Via,
        /// Where a failed or cancelled login leads back to.
        return_to: ReturnTo,
    },
    /// Tokens are there. They may be stale: see [`Access`].
    SignedIn,
}

/// Where a failed or cancelled login leads back to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReturnTo {
    /// The session before was signed out.
    SignedOut,
    /// The session before goes on.
    SignedIn,
}

/// A summary for people and user interfaces, free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Where the session is.
    pub phase: Phase,
    /// A token can be had without the user.
    pub can_authorize: bool,
    /// The tokens can be renewed without the user.
    pub can_refresh: bool,
    /// User tokens with less scope can be had.
    pub can_downscope: bool,
    /// A refresh is under way.
    pub is_refreshing: bool,
    /// How the tokens came about.
    pub via: Option<Via>,
    /// The generation of the access token; 0 before the first.
    pub generation: u64,
    /// What the tokens may do, if known.
    pub scope: Option<Scope>,
    /// When the access token ends, if known.
    pub expires_at: Option<Timestamp>,
    /// When the session means to refresh, if it does.
    pub refresh_at: Option<Timestamp>,
    /// When the user has to sign in again at the latest, if known: the end of the refresh token.
    pub sign_in_again_by: Option<Timestamp>,
    /// Webex: the organization of the user, read from the token. A hint, not verified.
    pub org_id: Option<String>,
    /// Webex: the token says it is a guest's. A hint, not verified.
    pub is_guest: bool,
    /// The last failed attempt to renew, until one succeeds.
    pub last_fault: Option<Arc<Fault>>,
}

/// What the answer of an API means for the token that it was called with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to do with authorization.
    Pass,
    /// 401: tell `token_rejected`, and call once more if the generation has changed then.
    Rejected,
    /// 429 or 423: call again after this wait.
    Wait {
        /// Within the configured bounds.
        wait: std::time::Duration,
    },
    /// 451: tell `embargoed`.
    Embargoed,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is stored under a name is found by it: a session whose way in is not known cannot be read.
    #[test]
    fn ways_in_are_found_by_their_names() {
        for name in ["code", "implicit", "device", "jwt", "guest", "client_credentials", "adopted", "host"] {
            assert_eq!(Via::named(name).map(Via::as_str), Some(name));
        }
        assert_eq!(Via::named("Code"), None);
    }
}
