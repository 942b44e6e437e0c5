//! Logins: those that wait for a browser, and the one that is under way.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{Grant, Phase};
use crate::access::{SignedOutReason, Via};
use crate::error::Fault;
use crate::logins::{LoginId, LoginMark};
use crate::protocol::authorize::Flow;
use crate::protocol::scope::Scope;
use crate::secret::Secret;
use crate::time::Timestamp;

/// The login under way: what it waits for is ours to do, the server's or the host's. At most one at a time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SigningIn {
    pub(crate) via: Via,
    pub(crate) stage: Stage,
    /// Of a login that is or was stored.
    pub(crate) mark: Option<LoginMark>,
    /// Of one whose browser came back.
    pub(crate) id: Option<LoginId>,
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
    /// How its last request failed, where that is tried again.
    pub(crate) fault: Option<Arc<Fault>>,
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

/// A login that waits for its browser.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BrowserLogin {
    pub(crate) id: Option<LoginId>,
    pub(crate) mark: Option<LoginMark>,
    pub(crate) flow: Flow,
    pub(crate) state: Secret,
    /// Absent in the implicit flow.
    pub(crate) verifier: Option<Secret>,
    pub(crate) redirect_uri: Arc<str>,
    /// What was asked for.
    pub(crate) requested: Option<Scope>,
    /// When it was begun.
    pub(crate) since: Timestamp,
    /// Then it is over.
    pub(crate) expires_at: Timestamp,
    /// The caller's own part of the state.
    pub(crate) caller_state: Option<String>,
    /// Nobody else wrote the state, and not before a restart: there is nothing more of the caller's in it.
    pub(crate) state_is_ours: bool,
    /// The user has signed in otherwise since it was begun: it may still be completed, and nobody waits for it.
    pub(crate) left_open: bool,
    pub(crate) extra: Map<String, Value>,
}

impl BrowserLogin {
    pub(crate) fn via(&self) -> Via {
        match self.flow {
            Flow::Code => Via::Code,
            Flow::Implicit => Via::Implicit,
        }
    }

    /// Of what only this login has.
    pub(crate) fn mark_of(state: &Secret, verifier: Option<&Secret>) -> Option<LoginMark> {
        LoginMark::of(verifier.unwrap_or(state).expose())
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeviceLogin {
    pub(crate) device_code: Secret,
    /// Milliseconds.
    pub(crate) interval: i64,
}
