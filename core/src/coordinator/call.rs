//! What a caller asks of a coordinator.

use std::time::Duration;

use crate::error::Misuse;
use crate::input::SignOutOptions;
use crate::logins::LoginId;
use crate::protocol::authorize::LoginOptions;
use crate::protocol::scope::Scope;
use crate::secret::{Entropy, Secret};

/// Names a call. The driver chooses it, and parks its waiter under it before the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Which token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// The session's own.
    Session,
    /// Webex: a user token with just this scope.
    User(Scope),
    /// Webex: a user token with all that was granted, less the reserved scope (`spark:kms`).
    UserDefault,
}

/// One call. `within` is the caller's patience by the monotonic clock; the configured one where absent.
#[derive(Debug)]
pub enum Call {
    /// An access token that is good now.
    Token {
        /// Which.
        of: Of,
        /// Patience.
        within: Option<Duration>,
    },
    /// New tokens, whatever the clock says: ends with the first renewal that begins at or after the call.
    Refresh {
        /// Patience.
        within: Option<Duration>,
    },
    /// An API answered. The reply says what to do with the answer.
    Answered {
        /// Of the token that it was called with.
        generation: u64,
        /// The status.
        status: u16,
        /// The `Retry-After` header.
        retry_after: Option<String>,
        /// What this call of an API has cost so far.
        spent: Spent,
    },
    /// Sign in. The same sign-in again joins the one under way.
    SignIn {
        /// By what.
        credential: Credential,
        /// Patience. A device login has an end of its own, and needs none.
        within: Option<Duration>,
    },
    /// Ends with the login in a browser of this name, whoever completes it.
    AwaitLogin {
        /// Which.
        of: LoginId,
        /// Patience.
        within: Option<Duration>,
    },
    /// A browser came back: the whole URL, its query, its fragment, or the body of a form post.
    CompleteLogin {
        /// As received.
        callback: Secret,
        /// Patience.
        within: Option<Duration>,
    },
    /// Give logins up.
    CancelLogin {
        /// Which ones.
        of: Which,
    },
    /// Sign out: here at once, then in the store, then at the server.
    SignOut {
        /// What to do beyond forgetting the tokens.
        options: SignOutOptions,
    },
    /// Take in what another process may have stored.
    Look,
    /// Ends when everything is stored and no grant request is out.
    Flush {
        /// Patience.
        within: Option<Duration>,
    },
    /// Begin nothing more, finish what is under way, store it. Ends in any case.
    Close {
        /// The longest that it may take.
        within: Option<Duration>,
    },
}

/// Which logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that are pending or under way.
    All,
    /// The one that the call with this ticket began, and no other.
    Ticket(Ticket),
    /// The one in a browser of this name.
    Browser(LoginId),
}

/// What a call of an API has cost so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    /// How often it was sent again with another token.
    pub replays: u32,
    /// How long it has waited because the API asked for it.
    pub waited: Duration,
    /// How long the caller is ready to wait for that in all.
    pub limit: Duration,
}

/// By what somebody signs in.
#[derive(Debug)]
pub enum Credential {
    /// A browser: answered with the URL to open. Completed by [`Call::CompleteLogin`].
    Browser {
        /// Flow, scope, state and hints.
        options: LoginOptions,
        /// Fresh randomness for state and PKCE.
        entropy: Entropy,
    },
    /// A code whose state the host has checked itself.
    Code {
        /// The authorization code.
        code: Secret,
        /// The PKCE verifier, where the login used one.
        verifier: Option<Secret>,
    },
    /// Another device (RFC 8628): shows a code, then waits.
    Device {
        /// The scope to ask for; the configured one where absent.
        scope: Option<Scope>,
    },
    /// Webex: the guest that this JWT names.
    Jwt {
        /// A guest issuer JWT.
        jwt: Secret,
    },
    /// Webex: a guest of a Service App.
    Guest {
        /// The Service App's access token.
        service_token: Secret,
        /// The guest's own identifier.
        subject: String,
        /// The name that others see.
        display_name: String,
    },
    /// The client itself (RFC 6749 section 4.4).
    Client {
        /// The scope to ask for; the configured one where absent.
        scope: Option<Scope>,
    },
    /// Tokens from elsewhere. They take the place of whatever is there or under way.
    Tokens {
        /// As text.
        tokens: Secret,
    },
}

/// Why a call was not accepted: nothing has happened, and its ticket is free.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The ticket is another call's, which is still open.
    #[error("the ticket belongs to a call that is still open")]
    TicketInUse,
    /// The call itself is a mistake.
    #[error(transparent)]
    Misuse(#[from] Misuse),
}
