//! Answers to questions.

use std::sync::Arc;

use webex_oauth::{Phase, RequestId, ReturnTo, Scope, SignedOutReason, StaleWhy, Timestamp, Via};

use crate::error::Fault;
use crate::ms;
use crate::secret::AccessToken;

/// Why only the user can help.
#[derive(Debug, uniffi::Enum)]
pub enum SignInReason {
    /// The session is signed out.
    SignedOut {
        /// Why.
        reason: SignedOutReason,
    },
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

impl From<webex_oauth::SignInReason> for SignInReason {
    fn from(reason: webex_oauth::SignInReason) -> Self {
        use webex_oauth::SignInReason;
        match reason {
            SignInReason::SignedOut(reason) => Self::SignedOut { reason },
            SignInReason::LoginPending => Self::LoginPending,
            SignInReason::Expired => Self::Expired,
            SignInReason::RefreshTokenExpired => Self::RefreshTokenExpired,
            SignInReason::Rejected => Self::Rejected,
            SignInReason::ScopeNotGranted { missing } => Self::ScopeNotGranted { missing },
        }
    }
}

/// The answer to "may I have a token now?".
#[derive(Debug, uniffi::Enum)]
pub enum Access {
    /// Use this token.
    Ready {
        /// The token.
        token: Arc<AccessToken>,
        /// Name it when an API answers 401.
        generation: u64,
        /// When the server will refuse it, if known.
        expires_at: Option<Timestamp>,
        /// It is time to refresh in the background.
        refresh_soon: bool,
    },
    /// Give `EnsureFresh` (or `Downscope`), then ask again.
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
        fault: Fault,
        /// When the session tries again.
        retry_at: Timestamp,
    },
    /// Only the user can help.
    SignInRequired {
        /// Why.
        reason: SignInReason,
    },
}

impl From<webex_oauth::Access> for Access {
    fn from(access: webex_oauth::Access) -> Self {
        use webex_oauth::Access;
        match access {
            Access::Ready { token, generation, expires_at, refresh_soon } => {
                Self::Ready { token: AccessToken::of(&token), generation, expires_at, refresh_soon }
            }
            Access::Stale { why, expires_at } => Self::Stale { why, expires_at },
            Access::Refreshing { id } => Self::Refreshing { id },
            Access::BackingOff { fault, retry_at } => Self::BackingOff { fault: (&*fault).into(), retry_at },
            Access::SignInRequired { reason } => Self::SignInRequired { reason: reason.into() },
        }
    }
}

/// A token that needs no further question until `until`, unless an input changes the session.
#[derive(Debug, uniffi::Record)]
pub struct FreshToken {
    /// The token.
    pub token: Arc<AccessToken>,
    /// Name it when an API answers 401.
    pub generation: u64,
    /// When the server will refuse it, if known.
    pub expires_at: Option<Timestamp>,
    /// The first instant at which `access` answers something else, or that a refresh is due soon.
    pub until: Timestamp,
}

/// Where a session is.
#[uniffi::remote(Enum)]
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
    /// Tokens are there. They may be stale.
    SignedIn,
}

/// A summary for people and user interfaces, free of secrets.
#[derive(Debug, uniffi::Record)]
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
    /// When the user has to sign in again at the latest, if known.
    pub sign_in_again_by: Option<Timestamp>,
    /// Webex: the organization of the user. A hint, not verified.
    pub org_id: Option<String>,
    /// Webex: the token says it is a guest's. A hint, not verified.
    pub is_guest: bool,
    /// The last failed attempt to renew, until one succeeds.
    pub last_fault: Option<Fault>,
}

impl From<webex_oauth::Status> for Status {
    fn from(status: webex_oauth::Status) -> Self {
        let webex_oauth::Status {
            phase,
            can_authorize,
            can_refresh,
            can_downscope,
            is_refreshing,
            via,
            generation,
            scope,
            expires_at,
            refresh_at,
            sign_in_again_by,
            org_id,
            is_guest,
            last_fault,
        } = status;
        Self {
            phase,
            can_authorize,
            can_refresh,
            can_downscope,
            is_refreshing,
            via,
            generation,
            scope,
            expires_at,
            refresh_at,
            sign_in_again_by,
            org_id,
            is_guest,
            last_fault: last_fault.as_deref().map(Fault::from),
        }
    }
}

/// What the answer of an API means for the token that it was called with.
#[derive(Debug, uniffi::Enum)]
pub enum Verdict {
    /// Nothing to do with authorization.
    Pass,
    /// Give `TokenRejected`, and call once more if the generation has changed then.
    Rejected,
    /// Call again after this wait.
    Wait {
        /// Milliseconds, within the configured bounds.
        wait_ms: u64,
    },
    /// Give `Embargoed`.
    Embargoed,
}

impl From<webex_oauth::Verdict> for Verdict {
    fn from(verdict: webex_oauth::Verdict) -> Self {
        use webex_oauth::Verdict;
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Rejected => Self::Rejected,
            Verdict::Wait { wait } => Self::Wait { wait_ms: ms(wait) },
            Verdict::Embargoed => Self::Embargoed,
        }
    }
}
