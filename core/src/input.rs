//! What the host and its driver tell the session.

use crate::error::SendFault;
use crate::http::{HttpResponse, RequestId};
use crate::logins::WhichLogin;
use crate::protocol::authorize::LoginOptions;
use crate::protocol::scope::Scope;
use crate::secret::{Entropy, Secret};

/// One thing that happened. [`Session`](crate::Session) has a method of the same name for each.
#[derive(Debug)]
pub enum Input {
    /// The user wants to sign in through a browser. Answered by `Persist` and `OpenBrowser`. Several may be pending at once,
    /// in two tabs for example, and any of them may be completed; of more than eight the oldest is given up, with
    /// `LoginFailed`. A mistake where the address would be longer than a callback may be (64 KiB). A signed-in session goes on until a login succeeds.
    BeginLogin {
        /// Flow, scope, state and hints of this login.
        options: LoginOptions,
        /// Fresh randomness for state and PKCE.
        entropy: Entropy,
    },
    /// The browser came back: the whole URL, its path and query, its query, its fragment, or the body of a form post. The
    /// more of it there is, the more is compared with the redirect URI: see [`read`](crate::protocol::callback::read).
    CompleteLogin {
        /// As received.
        callback: Secret,
    },
    /// The user gave up. A signed-in session continues as before.
    CancelLogin {
        /// One of them, or all.
        which: WhichLogin,
    },
    /// Redeem a code whose state the host has verified itself, on a server that did not begin the login.
    RedeemCode {
        /// The authorization code.
        code: Secret,
        /// The PKCE verifier, where the login used one.
        verifier: Option<Secret>,
    },
    /// Start the device grant (RFC 8628). Ends in `ShowDeviceCode`, then in a sign-in or `LoginFailed`.
    BeginDeviceLogin {
        /// The scope to ask for; the configured one where absent.
        scope: Option<Scope>,
    },
    /// Webex: sign in as the guest that this JWT names.
    SignInWithJwt {
        /// A guest issuer JWT; see [`guest_jwt`](crate::protocol::jwt::guest_jwt).
        jwt: Secret,
    },
    /// Webex: sign in as a guest through a Service App's token.
    SignInAsGuest {
        /// The Service App's access token, with `guest-issuer:write`.
        service_token: Secret,
        /// The guest's own identifier: the same subject is the same guest.
        subject: String,
        /// The name that other people see.
        display_name: String,
    },
    /// Sign in as the client itself (RFC 6749 section 4.4).
    SignInWithClientCredentials {
        /// The scope to ask for; the configured one where absent.
        scope: Option<Scope>,
    },
    /// Take over tokens from elsewhere, in any shape that [`adopt::read`](crate::protocol::adopt) understands: a bare
    /// token, `Bearer x`, a JSON object, a hand-off query string, or a refresh token alone.
    Adopt {
        /// The tokens as text.
        tokens: Secret,
    },
    /// Another process changed the store. The newer of the two states wins; nothing is lost.
    Reload {
        /// The bytes from the store; they carry their revision.
        snapshot: Secret,
    },
    /// Somebody needs a token now: begin a refresh if that is due.
    EnsureFresh,
    /// The host wants new tokens whatever the clock says. A server's `Retry-After` is still respected.
    Refresh,
    /// An API answered 401 to the token of this generation.
    TokenRejected {
        /// From [`Access::Ready`](crate::Access::Ready).
        generation: u64,
    },
    /// An API answered 451: the organization may not be served here any longer. Ends the session.
    Embargoed,
    /// An API was called without the token, since [`Config::judge_url`](crate::Config::judge_url) said that it may not go
    /// there. Answered by `TokenWithheld`, once for each host.
    CalledWithoutToken {
        /// The URL of the call, which may hold anything. Nothing but its host is looked at.
        url: Secret,
    },
    /// Get a user token with less scope.
    Downscope {
        /// A proper part of the granted scope.
        scope: Scope,
    },
    /// The answer to `AskForToken`, in the shapes of [`Input::Adopt`].
    ProvideToken {
        /// From the effect.
        id: RequestId,
        /// The tokens as text.
        tokens: Secret,
    },
    /// The answer to `AskForJwt`.
    ProvideJwt {
        /// From the effect.
        id: RequestId,
        /// A fresh guest JWT.
        jwt: Secret,
    },
    /// The host could not answer `AskForToken` or `AskForJwt`.
    HostFailed {
        /// From the effect.
        id: RequestId,
        /// For people; shown in events, so it must not contain a secret.
        reason: String,
    },
    /// The user signs out. Completes at once, whatever the network says.
    SignOut {
        /// What to do beyond forgetting the tokens.
        options: SignOutOptions,
    },
    /// An answer to a request, any status.
    Response {
        /// From the request.
        id: RequestId,
        /// As received.
        response: HttpResponse,
    },
    /// A request failed below HTTP.
    SendFailed {
        /// From the request.
        id: RequestId,
        /// How.
        fault: SendFault,
    },
    /// Time has passed. Give it at `wake_at` and whenever convenient; a spurious one does nothing.
    Tick,
}

/// What signing out does beyond forgetting the tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignOutOptions {
    /// Revoke the tokens, where the server can. If not, they are only forgotten, for use elsewhere; other tokens that a
    /// request still brings are revoked all the same.
    pub revoke: bool,
    /// How to end the session at the identity provider.
    pub logout: LogoutVia,
    /// Where the browser goes afterwards. Where absent, the redirect URI at Webex, the server's own page elsewhere.
    pub goto: Option<String>,
}

impl Default for SignOutOptions {
    fn default() -> Self {
        Self { revoke: true, logout: LogoutVia::Nothing, goto: None }
    }
}

/// How the identity provider learns of a sign-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogoutVia {
    /// Not at all: only the tokens go.
    Nothing,
    /// The browser visits the logout URL.
    Browser,
    /// Webex: a server posts to it. Nowhere else: OpenID Connect's logout needs the browser and its cookie.
    Post,
}
