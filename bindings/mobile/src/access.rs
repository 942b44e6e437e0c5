//! Answers to questions.

use std::sync::Arc;

use webex_oauth::{Phase, RequestId, ReturnTo, Scope, SignedOutReason, StaleWhy, Timestamp, Via};

use crate::error::Fault;
use crate::mirror::mirror;
use crate::secret::AccessToken;

mirror! {
    /// Why only the user can help.
    #[derive(Debug, uniffi::Enum)]
    pub enum SignInReason from webex_oauth::SignInReason {
        /// The session is signed out.
        SignedOut {
            /// Why.
            reason: SignedOutReason = 0,
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
}

mirror! {
    /// The answer to "may I have a token now?".
    #[derive(Debug, uniffi::Enum)]
    pub enum Access from webex_oauth::Access {
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

mirror! {
    /// A summary for people and user interfaces, free of secrets.
    #[derive(Debug, uniffi::Record)]
    pub struct Status from webex_oauth::Status {
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
}

mirror! {
    /// What the answer of an API means for the token that it was called with.
    #[derive(Debug, uniffi::Enum)]
    pub enum Verdict from webex_oauth::Verdict {
        /// Nothing to do with authorization.
        Pass,
        /// Give `TokenRejected`, and call once more if the generation has changed then.
        Rejected,
        /// Call again after this wait.
        Wait {
            /// Milliseconds, within the configured bounds.
            wait_ms: u64 = wait,
        },
        /// Give `Embargoed`.
        Embargoed,
    }
}
