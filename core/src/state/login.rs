//! A login under way: what it waits for, and where it leads back to.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Grant, Phase};
use crate::access::{SignedOutReason, Via};
use crate::logins::LoginMark;
use crate::protocol::authorize::Flow;
use crate::protocol::scope::Scope;
use crate::secret::Secret;
use crate::time::Timestamp;

/// A login under way.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SigningIn {
    pub(crate) via: Via,
    pub(crate) stage: Stage,
    /// Of a login that is stored.
    pub(crate) mark: Option<LoginMark>,
    /// When it was begun, or its browser came back: of two logins the later one counts.
    pub(crate) since: Timestamp,
    /// Nobody began it: a token is wanted, and only the host can bring one.
    pub(crate) for_token: bool,
    /// What was asked for.
    pub(crate) requested: Option<Scope>,
    /// Then it is over.
    pub(crate) expires_at: Timestamp,
    /// How often in a row its request has been sent; a poll that is answered ends the row.
    pub(crate) tries: u32,
    /// Its next request goes out then.
    pub(crate) send_at: Timestamp,
    /// For the event at its end.
    pub(crate) cleaned_url: Option<String>,
    /// The caller's own part of the state, for the event at its end.
    pub(crate) caller_state: Option<String>,
    /// Where it leads back to if it fails.
    pub(crate) before: Before,
    pub(crate) extra: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Before {
    SignedOut(SignedOutReason),
    SignedIn(Box<Grant>),
}

impl From<Before> for Phase {
    fn from(before: Before) -> Self {
        match before {
            Before::SignedOut(reason) => Self::SignedOut(reason),
            Before::SignedIn(grant) => Self::SignedIn(grant),
        }
    }
}

/// What a login waits for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// The browser.
    Browser(BrowserLogin),
    /// The answer to a code.
    Redeem { code: Secret, verifier: Option<Secret>, redirect_uri: Option<Arc<str>> },
    /// The device code.
    DeviceStart,
    /// The user, elsewhere.
    Device(DeviceLogin),
    /// The answer to a JWT.
    Jwt { jwt: Secret },
    /// The answer to a Service App's request for its guest.
    Guest { service_token: Secret, subject: String, display_name: String },
    /// The answer to the client's own credentials.
    ClientCredentials,
    /// The host's JWT.
    AskJwt,
    /// The host's token.
    AskToken,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BrowserLogin {
    pub(crate) flow: Flow,
    pub(crate) state: Secret,
    /// Absent in the implicit flow.
    pub(crate) verifier: Option<Secret>,
    pub(crate) redirect_uri: Arc<str>,
    /// The caller's own part of the state.
    pub(crate) caller_state: Option<String>,
    /// Nobody else wrote the state, and not before a restart: there is nothing more of the caller's in it.
    pub(crate) state_is_ours: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeviceLogin {
    pub(crate) device_code: Secret,
    /// Milliseconds.
    pub(crate) interval: i64,
}

impl Stage {
    /// What only this login has, of one that is stored.
    pub(crate) fn secret(&self) -> Option<&str> {
        match self {
            Self::Browser(browser) => Some(browser.verifier.as_ref().unwrap_or(&browser.state).expose()),
            Self::Device(device) => Some(device.device_code.expose()),
            Self::Redeem { .. }
            | Self::DeviceStart
            | Self::Jwt { .. }
            | Self::Guest { .. }
            | Self::ClientCredentials
            | Self::AskJwt
            | Self::AskToken => None,
        }
    }
}
