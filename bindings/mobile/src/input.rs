//! What the host and its driver tell the session.

use std::sync::Arc;

use webex_oauth::{Flow, LogoutVia, RequestId, ResponseMode, Scope, SendFault, SignOutOptions};

use crate::http::HttpResponse;
use crate::mirror::{inward, mirror};
use crate::secret::{Entropy, Secret};

mirror! {
    /// Which logins `CancelLogin` gives up.
    #[derive(Debug, uniffi::Enum)]
    pub enum WhichLogin try_into webex_oauth::WhichLogin {
        /// All that wait for their browser, and the one that is under way.
        All,
        /// One in a browser, whether or not that has come back. Others go on.
        Browser {
            /// Its URL or its state.
            of: Arc<Secret> = 0,
        },
        /// The one that is under way: on a device, by a JWT, by a code. Those that wait for their browser go on.
        UnderWay,
    }
}

mirror! {
    /// One thing that happened.
    #[derive(Debug, uniffi::Enum)]
    pub enum Input try_into webex_oauth::Input {
        /// The user wants to sign in through a browser.
        BeginLogin {
            /// Flow, scope, state and hints of this login.
            options: LoginOptions,
            /// Fresh randomness for state and PKCE.
            entropy: Arc<Entropy>,
        },
        /// The browser came back: the whole URL, its query, its fragment, or the body of a form post.
        CompleteLogin {
            /// As received.
            callback: Arc<Secret>,
        },
        /// The user gave up.
        CancelLogin {
            /// One of them, or all.
            which: WhichLogin,
        },
        /// Redeem a code whose state the host has verified itself.
        RedeemCode {
            /// The authorization code.
            code: Arc<Secret>,
            /// The PKCE verifier, where the login used one.
            verifier: Option<Arc<Secret>>,
        },
        /// Start the device grant.
        BeginDeviceLogin {
            /// The scope to ask for; the configured one where absent.
            scope: Option<Scope>,
        },
        /// Webex: sign in as the guest that this JWT names.
        SignInWithJwt {
            /// A guest issuer JWT.
            jwt: Arc<Secret>,
        },
        /// Webex: sign in as a guest through a Service App's token.
        SignInAsGuest {
            /// The Service App's access token.
            service_token: Arc<Secret>,
            /// The guest's own identifier.
            subject: String,
            /// The name that other people see.
            display_name: String,
        },
        /// Sign in as the client itself.
        SignInWithClientCredentials {
            /// The scope to ask for; the configured one where absent.
            scope: Option<Scope>,
        },
        /// Take over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string.
        Adopt {
            /// The tokens as text.
            tokens: Arc<Secret>,
        },
        /// Another process changed the store.
        Reload {
            /// The bytes from the store.
            snapshot: Arc<Secret>,
        },
        /// Somebody needs a token now: begin a refresh if that is due.
        EnsureFresh,
        /// The host wants new tokens whatever the clock says.
        Refresh,
        /// An API answered 401 to the token of this generation.
        TokenRejected {
            /// From the token.
            generation: u64,
        },
        /// An API answered 451.
        Embargoed,
        /// An API was called without the token, since `judge_url` said that it may not go there. Answered by `TokenWithheld`,
        /// once for each host.
        CalledWithoutToken {
            /// The URL of the call, which may hold anything. Nothing but its host is looked at.
            url: Arc<Secret>,
        },
        /// Get a user token with less scope.
        Downscope {
            /// A proper part of the granted scope.
            scope: Scope,
        },
        /// The answer to `AskForToken`.
        ProvideToken {
            /// From the effect.
            id: RequestId,
            /// The tokens as text.
            tokens: Arc<Secret>,
        },
        /// The answer to `AskForJwt`.
        ProvideJwt {
            /// From the effect.
            id: RequestId,
            /// A fresh guest JWT.
            jwt: Arc<Secret>,
        },
        /// The host could not answer.
        HostFailed {
            /// From the effect.
            id: RequestId,
            /// For people; must not contain a secret.
            reason: String,
        },
        /// The user signs out.
        SignOut {
            /// What to do beyond forgetting the tokens.
            options: SignOutOptions,
        },
        /// An answer to a request, any status.
        Response {
            /// From the request.
            id: RequestId,
            /// As received.
            response: Arc<HttpResponse>,
        },
        /// A request failed below HTTP.
        SendFailed {
            /// From the request.
            id: RequestId,
            /// How.
            fault: SendFault,
        },
        /// Time has passed.
        Tick,
    }
}

mirror! {
    /// What the caller wants to find again in the callback.
    #[derive(Debug, uniffi::Enum)]
    pub enum LoginState into webex_oauth::LoginState {
        /// A JSON object, as text; empty for none.
        Json {
            /// The object.
            object: String = 0,
        },
        /// A text of the caller's own, sent as it is. Code flow only.
        Opaque {
            /// The text.
            text: Arc<Secret> = 0,
        },
    }
}

/// A further parameter of the authorization URL.
#[derive(Debug, uniffi::Record)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

inward! {
    Option<LoginState> => webex_oauth::LoginState: |state: Option<LoginState>| state.map(Into::into).unwrap_or_default();
    Parameter => (String, String): |parameter: Parameter| (parameter.name, parameter.value);
}

mirror! {
    /// Flow, scope, state and hints of one login.
    #[derive(Debug, uniffi::Record)]
    pub struct LoginOptions into webex_oauth::LoginOptions {
        /// Code, unless there is no way to redeem one.
        pub flow: Flow,
        /// The configured one where absent.
        #[uniffi(default = None)]
        pub scope: Option<Scope>,
        /// What to find again in the callback.
        #[uniffi(default = None)]
        pub state: Option<LoginState>,
        /// `select_account`, `none`, ...
        #[uniffi(default = None)]
        pub prompt: Option<String>,
        /// Who is expected to sign in.
        #[uniffi(default = None)]
        pub login_hint: Option<String>,
        /// Webex: sent as a hash only.
        #[uniffi(default = None)]
        pub email: Option<String>,
        /// Another one than configured.
        #[uniffi(default = None)]
        pub redirect_uri: Option<String>,
        /// How the answer comes back.
        #[uniffi(default = None)]
        pub response_mode: Option<ResponseMode>,
        /// Further parameters.
        #[uniffi(default = [])]
        pub extra: Vec<Parameter>,
    }
}

/// What signing out does beyond forgetting the tokens.
#[uniffi::remote(Record)]
pub struct SignOutOptions {
    /// Revoke the tokens, where the server can.
    #[uniffi(default = true)]
    pub revoke: bool,
    /// How to end the session at the identity provider.
    pub logout: LogoutVia,
    /// Where the browser goes afterwards. Where absent, the redirect URI at Webex, the server's own page elsewhere.
    #[uniffi(default = None)]
    pub goto: Option<String>,
}
