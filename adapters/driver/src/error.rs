//! What callers of a client get instead of a token. Free of secrets.

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::protocol::jwt::JwtError;
use webex_oauth::{CallbackIgnored, ConfigError, Fault, Misuse, RestoreError, SendFault, SignInReason, Timestamp};

use crate::store::StoreError;

/// Why a call of a client failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Only the user can help: sign in.
    #[error("sign in: {}", why(.reason))]
    SignInRequired {
        /// Why.
        reason: SignInReason,
    },
    /// No token can be had now. The client tries again by itself.
    #[error("no token at the moment, next attempt at {retry_at}: {fault}")]
    Unavailable {
        /// What happened at the last attempt.
        fault: Arc<Fault>,
        /// When the client tries again. Asking earlier gives the same answer.
        retry_at: Timestamp,
    },
    /// The login came to its end without tokens. What was there before goes on.
    #[error("the login failed: {fault}")]
    LoginFailed {
        /// Why.
        fault: Arc<Fault>,
    },
    /// The callback does not belong to the pending login, which still waits.
    #[error("not the callback of the pending login: {}", ignored(*.reason))]
    CallbackIgnored {
        /// Why.
        reason: CallbackIgnored,
    },
    /// The login was cancelled, or made pointless by a sign-out.
    #[error("the login was cancelled")]
    LoginCancelled,
    /// Another login was begun, or another process completes this one or has ended it: what comes of that is what counts.
    #[error("another sign-in took its place")]
    LoginSuperseded,
    /// The time that the caller gave was over.
    #[error("{what} took longer than {} s", .limit.as_secs())]
    Timeout {
        /// What was waited for.
        what: &'static str,
        /// How long.
        limit: Duration,
    },
    /// The client is closed.
    #[error("the client is closed")]
    Closed,
    /// The call itself was a mistake.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The configuration was refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A guest JWT could not be made.
    #[error(transparent)]
    Jwt(#[from] JwtError),
    /// The store cannot be read, or could not be told, or another process does not let go of its lock.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be used. It is left as it is.
    #[error(transparent)]
    Restore(#[from] RestoreError),
    /// A call of an API did not get through, or no complete answer came back.
    #[error("the call failed: {problem}")]
    Call {
        /// How.
        fault: SendFault,
        /// For people.
        problem: String,
    },
    /// The listener of a login in the browser could not be opened.
    #[error("cannot listen on {address} for the browser's answer: {}", no_listener(*.kind))]
    Listen {
        /// Where.
        address: String,
        /// How the system put it.
        kind: ErrorKind,
    },
    /// The operating system has no randomness to give.
    #[error("the operating system's random generator does not work")]
    Randomness,
    /// The operating system gives no thread.
    #[error("no thread can be started ({kind})")]
    Thread {
        /// How the system put it.
        kind: ErrorKind,
    },
}

impl ClientError {
    /// A record that no client of this configuration opens, and that is not another client's: it is encrypted, damaged, or of a
    /// newer version. Whoever may delete its user may delete it; there are no tokens to be had from it.
    pub fn is_of_a_record_nobody_can_open(&self) -> bool {
        match self {
            Self::Restore(error) => !matches!(error, RestoreError::OtherConfig { .. }),
            Self::Store(error) => matches!(error, StoreError::Sealed { .. } | StoreError::Damaged { .. }),
            _ => false,
        }
    }

    /// True where the same call may work later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unavailable { fault, .. } | Self::LoginFailed { fault } => fault.is_transient(),
            Self::Timeout { .. } | Self::Call { .. } | Self::Config(ConfigError::Unanswered { .. }) => true,
            Self::Store(error) => {
                matches!(error, StoreError::Busy { .. } | StoreError::Full { .. } | StoreError::Unavailable { .. })
            }
            Self::SignInRequired { .. }
            | Self::CallbackIgnored { .. }
            | Self::LoginCancelled
            | Self::LoginSuperseded
            | Self::Closed
            | Self::Misuse(_)
            | Self::Config(_)
            | Self::Jwt(_)
            | Self::Restore(_)
            | Self::Listen { .. }
            | Self::Randomness
            | Self::Thread { .. } => false,
        }
    }
}

fn no_listener(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::AddrInUse => {
            "its port is in use; stop the program that has it, or register a redirect URI with another port".to_owned()
        }
        ErrorKind::PermissionDenied => {
            "its port is reserved by the system; register a redirect URI with a port above 1023".to_owned()
        }
        ErrorKind::AddrNotAvailable | ErrorKind::InvalidInput => {
            "no browser can come back to it here; register one like http://localhost:8080/oauth".to_owned()
        }
        other => other.to_string(),
    }
}

fn why(reason: &SignInReason) -> String {
    use webex_oauth::SignedOutReason;
    match reason {
        SignInReason::SignedOut(SignedOutReason::NeverSignedIn) => "nobody is signed in yet".to_owned(),
        SignInReason::SignedOut(SignedOutReason::ByUser) => "the user signed out".to_owned(),
        SignInReason::SignedOut(SignedOutReason::GrantEnded) => "the server has ended the sign-in".to_owned(),
        SignInReason::SignedOut(SignedOutReason::Embargoed) => "the organization may not be served here".to_owned(),
        SignInReason::LoginPending => "a login is under way and not finished".to_owned(),
        SignInReason::Expired => "the access token has expired and there is nothing to renew it with".to_owned(),
        SignInReason::RefreshTokenExpired => "the refresh token has expired".to_owned(),
        SignInReason::Rejected => "the token is refused and there is nothing to renew it with".to_owned(),
        SignInReason::ScopeNotGranted { missing } => format!("the tokens do not cover {}", missing.as_str()),
    }
}

fn ignored(reason: CallbackIgnored) -> &'static str {
    match reason {
        CallbackIgnored::NoLoginPending => "no login is pending, or it is too old",
        CallbackIgnored::AlreadyCompleted => "that login is done already",
        CallbackIgnored::OtherUrl => "another URL than the redirect URI",
        CallbackIgnored::NotACallback => "nothing of OAuth is in it",
        CallbackIgnored::WrongState => "its state is absent or another one",
        CallbackIgnored::DuplicateParameter => "a parameter occurs twice",
        CallbackIgnored::WrongIssuer => "it names another issuer",
        CallbackIgnored::Incomplete => "neither error nor code nor token is in it",
        CallbackIgnored::TooLong => "it is too long",
    }
}
