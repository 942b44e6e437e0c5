//! What can go wrong, as data: [`Misuse`] is the caller's own mistake, a [`Fault`] is somebody else's.
//!
//! Nothing here ever contains a token, a code, a secret or a state value: texts of a server are cut, stripped of
//! control characters and of every secret that the request carried.

use std::fmt;
use std::time::Duration;

use crate::target_uri::UrlError;
use crate::variable_names::variable_of;

/// The caller's own mistake. The session is unchanged, and the same call will fail again until it is corrected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Misuse {
    /// The configuration lacks what this call needs.
    #[error("the configuration lacks {what}, which {needed_by} needs{}", to_be_set(.what))]
    NotConfigured {
        /// The missing piece: `redirect_uri`, `client_secret`, `device_authorization_endpoint`, …
        what: &'static str,
        /// The call that needs it.
        needed_by: &'static str,
    },
    /// An argument cannot be used.
    #[error("{argument}: {problem}")]
    InvalidArgument {
        /// Which argument.
        argument: &'static str,
        /// What is wrong with it. Never quotes a secret.
        problem: String,
    },
    /// The call needs a signed-in session.
    #[error("{call} needs a signed-in session")]
    NotSignedIn {
        /// The call.
        call: &'static str,
    },
    /// Nothing is there to renew the tokens with: no refresh token, or no way to authenticate the client.
    #[error("these tokens cannot be refreshed: {why}")]
    CannotRefresh {
        /// The missing ingredient.
        why: &'static str,
    },
    /// The scope of a downscoped token must be a proper, non-empty part of the granted scope.
    #[error("scope cannot be reduced to {requested:?}: {problem}")]
    ScopeNotReducible {
        /// What was asked for.
        requested: String,
        /// Why not.
        problem: &'static str,
    },
}

fn to_be_set(what: &str) -> String {
    let variable = variable_of(what);
    variable.map_or_else(String::new, |variable| format!(": set it, or the variable {variable}"))
}

impl From<UrlError> for Misuse {
    fn from(error: UrlError) -> Self {
        Self::InvalidArgument { argument: "url", problem: error.problem().to_owned() }
    }
}

/// An error code of OAuth 2.0 and its relatives; unknown codes are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are the codes")]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    InvalidScope,
    AccessDenied,
    UnsupportedResponseType,
    ServerError,
    TemporarilyUnavailable,
    InvalidToken,
    LoginRequired,
    ConsentRequired,
    InteractionRequired,
    AccountSelectionRequired,
    AuthorizationPending,
    SlowDown,
    ExpiredToken,
    TokenLimitReached,
    /// A code that no specification here names.
    Other(String),
}

/// Code and name side by side: the one place that spells them.
const CODES: [(ErrorCode, &str); 19] = [
    (ErrorCode::InvalidRequest, "invalid_request"),
    (ErrorCode::InvalidClient, "invalid_client"),
    (ErrorCode::InvalidGrant, "invalid_grant"),
    (ErrorCode::UnauthorizedClient, "unauthorized_client"),
    (ErrorCode::UnsupportedGrantType, "unsupported_grant_type"),
    (ErrorCode::InvalidScope, "invalid_scope"),
    (ErrorCode::AccessDenied, "access_denied"),
    (ErrorCode::UnsupportedResponseType, "unsupported_response_type"),
    (ErrorCode::ServerError, "server_error"),
    (ErrorCode::TemporarilyUnavailable, "temporarily_unavailable"),
    (ErrorCode::InvalidToken, "invalid_token"),
    (ErrorCode::LoginRequired, "login_required"),
    (ErrorCode::ConsentRequired, "consent_required"),
    (ErrorCode::InteractionRequired, "interaction_required"),
    (ErrorCode::AccountSelectionRequired, "account_selection_required"),
    (ErrorCode::AuthorizationPending, "authorization_pending"),
    (ErrorCode::SlowDown, "slow_down"),
    (ErrorCode::ExpiredToken, "expired_token"),
    (ErrorCode::TokenLimitReached, "tokenlimit_reached"),
];

impl ErrorCode {
    /// Reads a code; unknown ones become [`ErrorCode::Other`].
    pub fn parse(text: &str) -> Self {
        Self::known(text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// Reads a code that some specification names.
    pub(crate) fn known(text: &str) -> Option<Self> {
        CODES.iter().find(|(_, name)| *name == text).map(|(code, _)| code.clone())
    }

    /// The code as it goes on the wire.
    pub fn as_str(&self) -> &str {
        if let Self::Other(text) = self {
            return text;
        }
        CODES.iter().find(|(code, _)| code == self).map_or("", |(_, name)| name)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What kind of failure a [`Fault`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The server answered with an OAuth error code: see [`Fault::code`].
    Refused,
    /// 401 without a code: the server does not accept the client's credentials. Check the secret.
    Unauthorized,
    /// 429 or 423: too many requests.
    RateLimited,
    /// 5xx: the service is down or overloaded.
    Unavailable,
    /// Any other error status without a code that is understood.
    Unexpected,
    /// A success that carries no usable token: HTML, empty, truncated, wrong types.
    Malformed,
    /// The request did not get through, or no complete answer came back: see [`SendFault`].
    Network,
    /// A login, a device code or a refresh token ran out of time.
    Expired,
    /// The host's own callback could not deliver a token or a JWT.
    Host,
}

/// Whose fault it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Blame {
    /// The integration: its configuration or registration.
    Integration,
    /// The user, who declined or did not finish.
    User,
    /// The authorization server.
    Server,
    /// The way between.
    Network,
    /// The grant itself, which ended: revoked, expired, already used.
    Grant,
    /// The host application's callback.
    Host,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Advice {
    /// Wait; the session tries again by itself.
    WaitAndRetry,
    /// Ask the user to sign in again.
    SignInAgain,
    /// Correct the client id, secret, scope or redirect URI.
    FixConfiguration,
    /// Set `client_auth` to `basic_raw`: the server refused the client, whose secret went form-encoded as RFC 6749 section
    /// 2.3.1 demands, which made it look different. Many servers compare it as it came.
    TryBasicRaw,
    /// Wait, and ask for a new sign-in if it lasts: the server did not say what is wrong.
    WaitOrSignIn,
}

/// How sending failed. Report it with [`Session::send_failed`](crate::Session::send_failed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendFault {
    /// The server cannot have seen the request: name not resolved, connection refused, no TLS to be had; or it was held back,
    /// because another process had the lock of the store all the time.
    NotSent,
    /// The server's certificate is not trusted: nobody known has signed it, it is another host's, or not valid now. The server
    /// has not seen the request.
    Untrusted,
    /// The request may have been acted upon: cut connection, timeout.
    Lost,
    /// The answer was larger than the cap of the request.
    TooLarge,
}

impl SendFault {
    /// The server has not seen the request: nothing in it is spent.
    pub const fn is_unsent(self) -> bool {
        matches!(self, Self::NotSent | Self::Untrusted)
    }
}

/// A failure that is not the caller's: typed, and free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of failure.
    pub kind: FaultKind,
    /// The OAuth error code, if there is one.
    pub code: Option<ErrorCode>,
    /// `error_description`, or of a Webex answer the `message`, and where that is the code itself, the first of its
    /// `errors`. Cut to 300 characters.
    pub description: Option<String>,
    /// `error_uri`.
    pub uri: Option<String>,
    /// HTTP status, if an answer came.
    pub status: Option<u16>,
    /// Webex's `trackingId`: quote it to support.
    pub tracking_id: Option<String>,
    /// How long the server asks to wait, within bounds.
    pub retry_after: Option<Duration>,
    /// How sending failed, for [`FaultKind::Network`].
    pub send: Option<SendFault>,
    /// The client was refused whose secret had been form-encoded, which changed it: see [`Advice::TryBasicRaw`].
    pub secret_was_encoded: bool,
}

impl Fault {
    /// A fault of which only the kind is known.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            code: None,
            description: None,
            uri: None,
            status: None,
            tracking_id: None,
            retry_after: None,
            send: None,
            secret_was_encoded: false,
        }
    }

    pub(crate) fn described(kind: FaultKind, description: &str) -> Self {
        Self { description: Some(description.to_owned()), ..Self::new(kind) }
    }

    pub(crate) fn network(send: SendFault) -> Self {
        Self { send: Some(send), ..Self::new(FaultKind::Network) }
    }

    /// True where the server takes nothing from this client as it is set up: its id, its secret, or how that is sent.
    pub fn refuses_client(&self) -> bool {
        matches!(self.advice(), Advice::FixConfiguration | Advice::TryBasicRaw)
    }

    /// True where the grant is over and only a new sign-in helps.
    ///
    /// Only a code that speaks of the grant itself does that. A refused client, an overloaded server or an unknown
    /// code says nothing about the grant, and the tokens are kept.
    pub fn ends_grant(&self) -> bool {
        matches!(
            self.code,
            Some(
                ErrorCode::InvalidGrant
                    | ErrorCode::InvalidToken
                    | ErrorCode::ExpiredToken
                    | ErrorCode::LoginRequired
                    | ErrorCode::ConsentRequired
                    | ErrorCode::InteractionRequired
            )
        )
    }

    /// True where trying the same thing again may work without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        matches!(self.advice(), Advice::WaitAndRetry | Advice::WaitOrSignIn)
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        if self.ends_grant() {
            return Blame::Grant;
        }
        match (self.kind, &self.code) {
            (FaultKind::Refused, Some(ErrorCode::AccessDenied)) => Blame::User,
            (FaultKind::Refused, Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)) => Blame::Server,
            (FaultKind::Refused, Some(ErrorCode::Other(_)) | None) => Blame::Server,
            (FaultKind::Refused | FaultKind::Unauthorized, _) => Blame::Integration,
            (FaultKind::RateLimited, _) => Blame::Integration,
            (FaultKind::Unavailable | FaultKind::Unexpected | FaultKind::Malformed, _) => Blame::Server,
            (FaultKind::Network, _) => Blame::Network,
            (FaultKind::Expired, _) => Blame::User,
            (FaultKind::Host, _) => Blame::Host,
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> Advice {
        if self.ends_grant() {
            return Advice::SignInAgain;
        }
        if self.secret_was_encoded {
            return Advice::TryBasicRaw;
        }
        match (self.kind, &self.code) {
            (FaultKind::Refused, Some(ErrorCode::AccessDenied)) => Advice::SignInAgain,
            (FaultKind::Refused, Some(ErrorCode::ServerError | ErrorCode::TemporarilyUnavailable)) => {
                Advice::WaitAndRetry
            }
            (FaultKind::Refused, Some(ErrorCode::AuthorizationPending | ErrorCode::SlowDown)) => Advice::WaitAndRetry,
            (FaultKind::Refused, Some(ErrorCode::Other(_)) | None) => Advice::WaitOrSignIn,
            (FaultKind::Refused | FaultKind::Unauthorized, _) => Advice::FixConfiguration,
            (FaultKind::Unexpected, _) => Advice::WaitOrSignIn,
            (FaultKind::RateLimited | FaultKind::Unavailable | FaultKind::Malformed, _) => Advice::WaitAndRetry,
            (FaultKind::Network | FaultKind::Host, _) => Advice::WaitAndRetry,
            (FaultKind::Expired, _) => Advice::SignInAgain,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FaultKind::Refused => "the server refused",
            FaultKind::Unauthorized => "the server does not accept the client's credentials",
            FaultKind::RateLimited => "too many requests",
            FaultKind::Unavailable => "the service is unavailable",
            FaultKind::Unexpected => "the server answered unexpectedly",
            FaultKind::Malformed => "the answer carries no usable token",
            FaultKind::Network => match self.send {
                Some(SendFault::NotSent) => "the request could not be sent",
                Some(SendFault::Untrusted) => "the server's certificate is not trusted",
                Some(SendFault::TooLarge) => "the answer was too large",
                Some(SendFault::Lost) | None => "no complete answer came back",
            },
            FaultKind::Expired => "it ran out of time",
            FaultKind::Host => "the application's callback failed",
        })?;
        if let Some(status) = self.status {
            write!(f, " (HTTP {status})")?;
        }
        if let Some(code) = &self.code {
            write!(f, ": {code}")?;
        }
        if let Some(description) = &self.description {
            write!(f, ": {description}")?;
        }
        if self.secret_was_encoded {
            f.write_str("; the server may want the client secret as it is: set client_auth to basic_raw")?;
        }
        if let Some(tracking_id) = &self.tracking_id {
            write!(f, " [trackingId {tracking_id}]")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
