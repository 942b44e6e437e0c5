//! What the session asks its driver to do, and what it has to say.

use std::sync::Arc;

use crate::error::Fault;
use crate::http::{HttpRequest, RequestId};
use crate::protocol::device::DevicePrompt;
use crate::protocol::scope::{Scope, ScopeDelta};
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;

/// One thing to do. Effects of one output are done in order, each one when the one before is complete: `Persist` comes
/// first, so that nothing is used before it is safe, and `Notify` comes last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store the snapshot durably, if the store still holds revision `replaces` (0: nothing). If it holds another one,
    /// load that, give it back with [`Input::Reload`](crate::Input::Reload), and drop the effects that follow.
    Persist {
        /// The bytes to store: the secrets are in there.
        snapshot: Secret,
        /// The revision of these bytes.
        revision: u64,
        /// The revision that they replace.
        replaces: u64,
    },
    /// Send the request and report with `response` or `send_failed`.
    Send {
        /// Complete and ready.
        request: HttpRequest,
    },
    /// Bring the user's browser to this URL.
    OpenBrowser {
        /// Contains the login's state, at logout a token: for the browser only.
        url: Secret,
    },
    /// Show the user where to go and which code to enter.
    ShowDeviceCode {
        /// What to show.
        prompt: DevicePrompt,
    },
    /// Ask the host for a guest JWT; answer with `provide_jwt` or `host_failed`.
    AskForJwt {
        /// Goes into the answer.
        id: RequestId,
    },
    /// Ask the host for tokens; answer with `provide_token` or `host_failed`.
    AskForToken {
        /// Goes into the answer.
        id: RequestId,
        /// What the host may need for it.
        ask: TokenAsk,
    },
    /// Tell whoever listens.
    Notify {
        /// What happened.
        event: Event,
    },
}

/// What the host is asked to turn into tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenAsk {
    /// Renew: `refreshCallback`.
    Renew {
        /// The current refresh token, if there is one.
        refresh_token: Option<Secret>,
    },
    /// Redeem a code at the host's backend, which has the client secret.
    Redeem {
        /// The authorization code.
        code: Secret,
        /// The PKCE verifier.
        verifier: Secret,
        /// To be sent along unchanged.
        redirect_uri: String,
    },
}

/// What one call brought about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// To be done in this order.
    pub effects: Vec<Effect>,
    /// Call [`Session::tick`](crate::Session::tick) then, if nothing else happens before.
    pub wake_at: Option<Timestamp>,
}

/// How a session came by its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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

/// Something worth telling. Free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// There are tokens. Webex: `ready`.
    SignedIn {
        /// How.
        via: Via,
        /// The generation of the new access token.
        generation: u64,
        /// What was granted beside what was asked for.
        scope: ScopeDelta,
        /// The callback URL without code, token and CSRF value, for the browser's history.
        cleaned_url: Option<String>,
        /// The JSON object that the caller gave as `state` when the login began.
        state: Option<String>,
    },
    /// The tokens were renewed. Webex: `token:refresh`.
    TokensRefreshed {
        /// The generation of the current access token.
        generation: u64,
        /// The server returned the access token that we have: a success all the same.
        unchanged: bool,
        /// The refresh token is a new one.
        rotated: bool,
    },
    /// A refresh did not work out; the tokens are kept. Webex: `auth:error`.
    RefreshFailed {
        /// Why.
        fault: Arc<Fault>,
        /// When the session tries again.
        retry_at: Timestamp,
    },
    /// A login ended without tokens. The session is what it was before the login. Webex: `auth:error`.
    LoginFailed {
        /// Which way it was tried.
        via: Via,
        /// Why.
        fault: Arc<Fault>,
        /// As in [`Event::SignedIn`].
        cleaned_url: Option<String>,
        /// As in [`Event::SignedIn`].
        state: Option<String>,
    },
    /// A callback that does not belong to the pending login. That login still waits.
    CallbackIgnored {
        /// Why.
        reason: CallbackIgnored,
    },
    /// The device login waits for the user.
    DevicePending {
        /// The next poll.
        next_poll_at: Timestamp,
    },
    /// Only the user can help: sign in again. Webex: `unauthorized`.
    SignInNeeded {
        /// Why.
        reason: SignInReason,
    },
    /// The scope of the tokens is another one than before, or than asked for.
    ScopeChanged {
        /// The difference.
        scope: ScopeDelta,
    },
    /// After this instant the user has to sign in again.
    RefreshTokenExpiresSoon {
        /// When the refresh token ends.
        at: Timestamp,
    },
    /// A user token with less scope is there.
    Downscoped {
        /// Its scope.
        scope: Scope,
    },
    /// No user token with that scope could be had.
    DownscopeFailed {
        /// The scope asked for.
        scope: Scope,
        /// Why.
        fault: Arc<Fault>,
    },
    /// The session is over. Webex: `client:logout`, or `client:InvalidRequestError` where the server ended it.
    SignedOut {
        /// Why.
        reason: SignedOutReason,
        /// What the server said, where it ended the session.
        fault: Option<Arc<Fault>>,
    },
    /// A token could not be revoked. It is forgotten here all the same.
    RevokeFailed {
        /// Why.
        fault: Arc<Fault>,
    },
    /// An answer to nothing that is awaited; ignored.
    StaleResponse {
        /// What it answers.
        id: RequestId,
    },
    /// The server's answer was not by the book, and was understood all the same.
    LeniencyUsed {
        /// What was tolerated.
        deviations: Vec<Deviation>,
    },
    /// What the store returned cannot be used; the session goes on with what it has.
    StoreIgnored {
        /// Why.
        reason: StoreIgnored,
    },
}

impl Event {
    /// The name under which the Webex world knows it; our own, in the same style, where it has none.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "ready",
            Self::TokensRefreshed { .. } => "token:refresh",
            Self::RefreshFailed { .. } | Self::LoginFailed { .. } => "auth:error",
            Self::CallbackIgnored { .. } => "auth:callback-ignored",
            Self::DevicePending { .. } => "auth:pending",
            Self::SignInNeeded { .. } => "unauthorized",
            Self::ScopeChanged { .. } => "token:scope",
            Self::RefreshTokenExpiresSoon { .. } => "token:relogin-soon",
            Self::Downscoped { .. } => "token:downscope",
            Self::DownscopeFailed { .. } => "token:downscope-error",
            Self::SignedOut {
                reason: SignedOutReason::GrantEnded,
                ..
            } => "client:InvalidRequestError",
            Self::SignedOut { .. } => "client:logout",
            Self::RevokeFailed { .. } => "token:revoke-error",
            Self::StaleResponse { .. } => "response:stale",
            Self::LeniencyUsed { .. } => "response:lenient",
            Self::StoreIgnored { .. } => "store:ignored",
        }
    }
}

/// Why a callback was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallbackIgnored {
    /// No login is pending: never begun, already completed, or too old.
    NoLoginPending,
    /// The URL is not the redirect URI.
    OtherUrl,
    /// Nothing of OAuth in it: an anchor, a plain visit.
    NotACallback,
    /// `state` is absent or not the one of the pending login.
    WrongState,
    /// A parameter occurs twice (RFC 6749 section 3.1).
    DuplicateParameter,
    /// `iss` names another server, or is absent where the server promised it (RFC 9207).
    WrongIssuer,
    /// The state fits, but there is neither error nor code nor token.
    Incomplete,
    /// Longer than any callback.
    TooLong,
}

/// Why a stored snapshot was ignored on reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreIgnored {
    /// Not a snapshot, or a damaged one.
    Unreadable,
    /// Written by a newer version of this library.
    NewerVersion,
    /// Of another client or server.
    OtherConfig,
}

/// Something in a server's answer that RFC 6749 does not allow and that was understood all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deviation {
    /// No `token_type`; taken as Bearer.
    MissingTokenType,
    /// A `token_type` that is neither Bearer nor another spelling of it.
    UnusualTokenType,
    /// No `expires_in`: the lifetime is unknown.
    MissingExpiresIn,
    /// A number in quotes.
    NumberAsText,
    /// A whole number with a decimal point.
    NumberAsFloat,
    /// A success that is not status 200.
    UnusualStatus,
    /// An error with a success status.
    ErrorWithSuccessStatus,
    /// `error` is an object.
    ErrorAsObject,
    /// `scope` is a list.
    ScopeAsList,
}

impl Deviation {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingTokenType => "missing_token_type",
            Self::UnusualTokenType => "unusual_token_type",
            Self::MissingExpiresIn => "missing_expires_in",
            Self::NumberAsText => "number_as_text",
            Self::NumberAsFloat => "number_as_float",
            Self::UnusualStatus => "unusual_status",
            Self::ErrorWithSuccessStatus => "error_with_success_status",
            Self::ErrorAsObject => "error_as_object",
            Self::ScopeAsList => "scope_as_list",
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
    /// The clock reads earlier than it has been seen: the remaining life has to be worked out again.
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
