//! What the session has to say. Free of secrets.

use pyo3::prelude::*;
use webex_oauth::LoginId;

use crate::access::SignInReason;
use crate::convert::{Time, described, millis};
use crate::errors::Fault;
use crate::scope::{Scope, ScopeDelta};
use crate::words::{Deviation, IgnoredCallback, IgnoredStore, NotRevokedWhy, SignedOutReason, Via, WithheldWhy};

/// Something worth telling. Free of secrets.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// There are tokens. `login` names the login in a browser that this is the end of; `cleaned_url` is the callback without code, token and CSRF value, for the browser's history;
    /// `state` the JSON object that the caller gave when the login began.
    SignedIn {
        via: Via,
        generation: u64,
        scope: ScopeDelta,
        login: Option<String>,
        cleaned_url: Option<String>,
        state: Option<String>,
    },
    /// The tokens were renewed. `unchanged`: the server returned the access token that we have. `rotated`: the refresh
    /// token is a new one.
    TokensRefreshed { generation: u64, unchanged: bool, rotated: bool },
    /// A refresh did not work out; the tokens are kept.
    RefreshFailed { fault: Fault, retry_at: Time },
    /// A login ended without tokens. The session is what it was before the login.
    LoginFailed { via: Via, fault: Fault, login: Option<String>, cleaned_url: Option<String>, state: Option<String> },
    /// A callback that does not belong to a pending login. Those that are pending still wait.
    CallbackIgnored { reason: IgnoredCallback },
    /// The device login waits for the user.
    DevicePending { next_poll_at: Time },
    /// Only the user can help: sign in again.
    SignInNeeded { reason: SignInReason },
    /// The scope of the tokens is another one than before, or than asked for.
    ScopeChanged { scope: ScopeDelta },
    /// After this instant the user has to sign in again.
    RefreshTokenExpiresSoon { at: Time },
    /// A user token with less scope is there.
    Downscoped { scope: Scope },
    /// No user token with that scope could be had.
    DownscopeFailed { scope: Scope, fault: Fault },
    /// A user token was given up for another one: no more scopes than these are kept.
    UserTokenDropped { scope: Scope },
    /// The session is over. `fault` is what the server said, where it ended the session.
    SignedOut { reason: SignedOutReason, fault: Option<Fault> },
    /// A token could not be revoked. It is forgotten here all the same.
    RevokeFailed { fault: Fault },
    /// Nobody could be asked to revoke the tokens. They are forgotten here, and live on at the server.
    NotRevoked { why: NotRevokedWhy },
    /// An API was called without the token, because it may not go there. `host` is as `token_hosts` would name it. Told
    /// once for each host.
    TokenWithheld { host: String, why: WithheldWhy },
    /// An answer to nothing that is awaited; ignored.
    StaleResponse { id: u64 },
    /// The server's answer was not by the book, and was understood all the same.
    LeniencyUsed { deviations: Vec<Deviation> },
    /// What the store returned cannot be used; the session goes on with what it has.
    StoreIgnored { reason: IgnoredStore },
}

#[pymethods]
impl Event {
    /// The name under which the Webex world knows it: `ready`, `token:refresh`, `auth:error`, `client:logout`, ...
    #[getter]
    fn name(&self) -> &'static str {
        webex_oauth::Event::from(self).name()
    }

    /// `retry_at`, `next_poll_at` or `at` in milliseconds since 1970, exactly.
    #[getter]
    fn at_ms(&self) -> Option<i64> {
        match self {
            Self::RefreshFailed { retry_at: at, .. }
            | Self::DevicePending { next_poll_at: at }
            | Self::RefreshTokenExpiresSoon { at } => millis(Some(*at)),
            Self::SignedIn { .. }
            | Self::TokensRefreshed { .. }
            | Self::LoginFailed { .. }
            | Self::CallbackIgnored { .. }
            | Self::SignInNeeded { .. }
            | Self::ScopeChanged { .. }
            | Self::Downscoped { .. }
            | Self::DownscopeFailed { .. }
            | Self::SignedOut { .. }
            | Self::RevokeFailed { .. }
            | Self::UserTokenDropped { .. }
            | Self::NotRevoked { .. }
            | Self::TokenWithheld { .. }
            | Self::StaleResponse { .. }
            | Self::LeniencyUsed { .. }
            | Self::StoreIgnored { .. } => None,
        }
    }
}

/// Back into the core's: it names its events, and says which of them still matter.
impl From<&Event> for webex_oauth::Event {
    fn from(event: &Event) -> Self {
        match event.clone() {
            Event::SignedIn { via, generation, scope, login, cleaned_url, state } => {
                let login = login.as_deref().and_then(LoginId::read);
                Self::SignedIn { via: via.0, generation, scope: scope.into(), login, cleaned_url, state }
            }
            Event::TokensRefreshed { generation, unchanged, rotated } => {
                Self::TokensRefreshed { generation, unchanged, rotated }
            }
            Event::RefreshFailed { fault, retry_at } => Self::RefreshFailed { fault: fault.0, retry_at: retry_at.0 },
            Event::LoginFailed { via, fault, login, cleaned_url, state } => {
                let login = login.as_deref().and_then(LoginId::read);
                Self::LoginFailed { via: via.0, fault: fault.0, login, cleaned_url, state }
            }
            Event::CallbackIgnored { reason } => Self::CallbackIgnored { reason: reason.0 },
            Event::DevicePending { next_poll_at } => Self::DevicePending { next_poll_at: next_poll_at.0 },
            Event::SignInNeeded { reason } => Self::SignInNeeded { reason: reason.into() },
            Event::ScopeChanged { scope } => Self::ScopeChanged { scope: scope.into() },
            Event::RefreshTokenExpiresSoon { at } => Self::RefreshTokenExpiresSoon { at: at.0 },
            Event::Downscoped { scope } => Self::Downscoped { scope: scope.0 },
            Event::DownscopeFailed { scope, fault } => Self::DownscopeFailed { scope: scope.0, fault: fault.0 },
            Event::SignedOut { reason, fault } => {
                Self::SignedOut { reason: reason.0, fault: fault.map(|fault| fault.0) }
            }
            Event::RevokeFailed { fault } => Self::RevokeFailed { fault: fault.0 },
            Event::UserTokenDropped { scope } => Self::UserTokenDropped { scope: scope.0 },
            Event::NotRevoked { why } => Self::NotRevoked { why: why.0 },
            Event::TokenWithheld { host, why } => Self::TokenWithheld { host, why: why.0 },
            Event::StaleResponse { id } => Self::StaleResponse { id: webex_oauth::RequestId(id) },
            Event::LeniencyUsed { deviations } => {
                Self::LeniencyUsed { deviations: deviations.into_iter().map(|deviation| deviation.0).collect() }
            }
            Event::StoreIgnored { reason } => Self::StoreIgnored { reason: reason.0 },
        }
    }
}

impl From<webex_oauth::Event> for Event {
    fn from(event: webex_oauth::Event) -> Self {
        use webex_oauth::Event as Core;
        match event {
            Core::SignedIn { via, generation, scope, login, cleaned_url, state } => {
                let login = login.map(|login| login.to_string());
                Self::SignedIn { via: via.into(), generation, scope: scope.into(), login, cleaned_url, state }
            }
            Core::TokensRefreshed { generation, unchanged, rotated } => {
                Self::TokensRefreshed { generation, unchanged, rotated }
            }
            Core::RefreshFailed { fault, retry_at } => {
                Self::RefreshFailed { fault: fault.into(), retry_at: Time(retry_at) }
            }
            Core::LoginFailed { via, fault, login, cleaned_url, state } => {
                let login = login.map(|login| login.to_string());
                Self::LoginFailed { via: via.into(), fault: fault.into(), login, cleaned_url, state }
            }
            Core::CallbackIgnored { reason } => Self::CallbackIgnored { reason: reason.into() },
            Core::DevicePending { next_poll_at } => Self::DevicePending { next_poll_at: Time(next_poll_at) },
            Core::SignInNeeded { reason } => Self::SignInNeeded { reason: reason.into() },
            Core::ScopeChanged { scope } => Self::ScopeChanged { scope: scope.into() },
            Core::RefreshTokenExpiresSoon { at } => Self::RefreshTokenExpiresSoon { at: Time(at) },
            Core::Downscoped { scope } => Self::Downscoped { scope: Scope(scope) },
            Core::DownscopeFailed { scope, fault } => {
                Self::DownscopeFailed { scope: Scope(scope), fault: fault.into() }
            }
            Core::SignedOut { reason, fault } => {
                Self::SignedOut { reason: reason.into(), fault: fault.map(Fault::from) }
            }
            Core::RevokeFailed { fault } => Self::RevokeFailed { fault: fault.into() },
            Core::UserTokenDropped { scope } => Self::UserTokenDropped { scope: Scope(scope) },
            Core::NotRevoked { why } => Self::NotRevoked { why: why.into() },
            Core::TokenWithheld { host, why } => Self::TokenWithheld { host, why: why.into() },
            Core::StaleResponse { id } => Self::StaleResponse { id: id.0 },
            Core::LeniencyUsed { deviations } => {
                Self::LeniencyUsed { deviations: deviations.into_iter().map(Deviation).collect() }
            }
            Core::StoreIgnored { reason } => Self::StoreIgnored { reason: reason.into() },
        }
    }
}

described!(Event);
