//! What the session has to say. Free of secrets.

use std::sync::Arc;

use crate::access::{SignInReason, SignedOutReason, Via};
use crate::error::Fault;
use crate::http::RequestId;
use crate::logins::LoginId;
use crate::protocol::scope::{Scope, ScopeDelta};
use crate::time::Timestamp;

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
        /// The login in a browser that this is the end of.
        login: Option<LoginId>,
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
        login: Option<LoginId>,
        /// As in [`Event::SignedIn`].
        cleaned_url: Option<String>,
        /// As in [`Event::SignedIn`].
        state: Option<String>,
    },
    /// A callback that does not belong to a pending login. Those that are pending still wait.
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
    /// A user token was given up for another one: no more scopes than these are kept.
    UserTokenDropped {
        /// Its scope.
        scope: Scope,
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
    /// Nobody could be asked to revoke the tokens. They are forgotten here, and live on at the server.
    NotRevoked {
        /// Why not.
        why: NotRevoked,
    },
    /// An API was called without the token, because it may not go there. Told once for each host.
    TokenWithheld {
        /// The host, as `token_hosts` would name it.
        host: String,
        /// Why not.
        why: Withheld,
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
            Self::UserTokenDropped { .. } => "token:downscope-dropped",
            Self::SignedOut { reason: SignedOutReason::GrantEnded, .. } => "client:InvalidRequestError",
            Self::SignedOut { .. } => "client:logout",
            Self::RevokeFailed { .. } => "token:revoke-error",
            Self::NotRevoked { .. } => "token:not-revoked",
            Self::TokenWithheld { .. } => "token:withheld",
            Self::StaleResponse { .. } => "response:stale",
            Self::LeniencyUsed { .. } => "response:lenient",
            Self::StoreIgnored { .. } => "store:ignored",
        }
    }
}

/// Why a callback was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallbackIgnored {
    /// No login is pending: never begun, given up, failed, or too old.
    NoLoginPending,
    /// The callback of a login that has been completed: the session that it brought is there, or its tokens are on their way.
    /// Nothing is wrong: a browser sends a page's address again when it is reloaded or restored.
    AlreadyCompleted,
    /// The URL is not the redirect URI.
    OtherUrl,
    /// Nothing of OAuth in it: an anchor, a plain visit.
    NotACallback,
    /// `state` is absent or not the one of a pending login.
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

/// Why tokens could not be revoked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotRevoked {
    /// The provider has no `revocation_endpoint`.
    NoEndpoint,
    /// The endpoint wants the `client_secret`, and there is none.
    NoSecret,
}

impl NotRevoked {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoEndpoint => "no_endpoint",
            Self::NoSecret => "no_secret",
        }
    }
}

/// Why the token does not go with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Withheld {
    /// The setting `token_hosts` does not name the host, and the provider does not either.
    NotInTokenHosts,
    /// The call is plain http, and not to this machine.
    NotHttps,
}

impl Withheld {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotInTokenHosts => "not_in_token_hosts",
            Self::NotHttps => "not_https",
        }
    }
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
    /// Encrypted, and there is no key.
    Sealed,
}

/// Something in a server's answer that RFC 6749 does not allow and that was understood all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Deviation {
    /// No `token_type`; taken as Bearer.
    MissingTokenType,
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
    /// `scope` has commas between its words.
    ScopeWithCommas,
    /// The answer is a form, not JSON.
    FormEncoded,
    /// JSON with a byte order mark, bytes of another encoding, half a surrogate pair, or a number that none is.
    OddJson,
    /// A member that cannot be read, and is taken as unknown: a lifetime of -1, a scope that is a number.
    UnreadableMember,
}

impl Deviation {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingTokenType => "missing_token_type",
            Self::MissingExpiresIn => "missing_expires_in",
            Self::NumberAsText => "number_as_text",
            Self::NumberAsFloat => "number_as_float",
            Self::UnusualStatus => "unusual_status",
            Self::ErrorWithSuccessStatus => "error_with_success_status",
            Self::ErrorAsObject => "error_as_object",
            Self::ScopeAsList => "scope_as_list",
            Self::ScopeWithCommas => "scope_with_commas",
            Self::FormEncoded => "form_encoded",
            Self::OddJson => "odd_json",
            Self::UnreadableMember => "unreadable_member",
        }
    }
}
