//! What the session has to say.

use webex_oauth::{
    CallbackIgnored, Deviation, NotRevoked, RequestId, Scope, ScopeDelta, SignedOutReason, StoreIgnored, Timestamp,
    Via, Withheld,
};

use crate::access::SignInReason;
use crate::error::Fault;
use crate::mirror::mirror;

mirror! {
    /// Something worth telling. Free of secrets.
    #[derive(Debug, uniffi::Enum)]
    pub enum Event from webex_oauth::Event {
        /// There are tokens. Webex: `ready`.
        SignedIn {
            /// How.
            via: Via,
            /// The generation of the new access token.
            generation: u64,
            /// What was granted beside what was asked for.
            scope: ScopeDelta,
            /// The login in a browser that this is the end of: see `login_id`.
            login: Option<String>,
            /// The callback URL without code, token and CSRF value.
            cleaned_url: Option<String>,
            /// The JSON object that the caller gave as `state` when the login began.
            state: Option<String>,
        },
        /// The tokens were renewed. Webex: `token:refresh`.
        TokensRefreshed {
            /// The generation of the current access token.
            generation: u64,
            /// The server returned the access token that was there already.
            unchanged: bool,
            /// The refresh token is a new one.
            rotated: bool,
        },
        /// A refresh did not work out; the tokens are kept. Webex: `auth:error`.
        RefreshFailed {
            /// Why.
            fault: Fault,
            /// When the session tries again.
            retry_at: Timestamp,
        },
        /// A login ended without tokens. The session is what it was before. Webex: `auth:error`.
        LoginFailed {
            /// Which way it was tried.
            via: Via,
            /// Why.
            fault: Fault,
            /// The login in a browser that this is the end of: see `login_id`.
            login: Option<String>,
            /// The callback URL without code, token and CSRF value.
            cleaned_url: Option<String>,
            /// The JSON object that the caller gave as `state` when the login began.
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
            fault: Fault,
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
            fault: Option<Fault>,
        },
        /// A token could not be revoked. It is forgotten here all the same.
        RevokeFailed {
            /// Why.
            fault: Fault,
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
}
