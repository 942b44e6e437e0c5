//! What the session asks its driver to do.

use crate::event::Event;
use crate::http::{HttpRequest, RequestId};
use crate::protocol::device::DevicePrompt;
use crate::secret::Secret;
use crate::time::Timestamp;

/// One thing to do. Effects of one output are done in order, each one when the one before is complete: `Persist` comes
/// first, so that nothing is used before it is safe, and `Notify` comes last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Store the snapshot durably, if the store still holds revision `replaces` (0: nothing). If it holds another one,
    /// load that, give it back with [`Input::Reload`](crate::Input::Reload), do what that answers, and then do those of
    /// the following effects that [`Session::still_wants`](crate::Session::still_wants).
    Persist {
        /// The bytes to store: the secrets are in there.
        snapshot: Secret,
        /// The revision of these bytes. Of one session it grows by one; where it begins is drawn from the session's seed,
        /// so that a store which was begun anew is not taken for the one before. Below 2^53 for any number of saves.
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
