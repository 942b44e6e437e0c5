//! What a coordinator is given.

use std::sync::Arc;

use webex_oauth::coordinator::{self as core, Call, Done, Of, StoreFault, Ticket, Which};
use webex_oauth::{Scope, SendFault, SignOutOptions};

use super::millis;
use crate::error::MisuseError;
use crate::http::HttpResponse;
use crate::input::LoginOptions;
use crate::mirror::{IntoCore, TryIntoCore, mirror, spells_all};
use crate::secret::{Entropy, Secret};

mirror! {
    /// The times of the intent protocol. Coordinators that share a store must agree on them.
    #[derive(Debug, Clone, Copy, uniffi::Record)]
    pub struct IntentTimes into core::Times {
        /// No request is processed by a server later than this after it was sent.
        pub request_ms: u64 = request,
        /// What clocks, saves and polls may be late.
        pub margin_ms: u64 = margin,
        /// The longest pause between two looks at somebody's intent that counts as unbroken.
        pub poll_gap_ms: u64 = poll_gap,
        /// The longest pause before a result is saved again.
        pub resave_ms: u64 = resave,
    }
}

/// What a coordinator has to know about its surroundings. What is left out is as usual for the configuration.
#[derive(Debug, Clone, uniffi::Record)]
pub struct CoordinatorOptions {
    /// Without one the session lives in memory alone.
    pub has_store: bool,
    /// Which lock of the operating system the store has: a machine and a file.
    #[uniffi(default = None)]
    pub lock_domain: Option<String>,
    /// Whether the server replaces the refresh token at every use.
    #[uniffi(default = None)]
    pub rotates: Option<bool>,
    /// The patience of a caller that names none.
    #[uniffi(default = None)]
    pub patience_ms: Option<u64>,
    /// How long the host may take for a question.
    #[uniffi(default = None)]
    pub host_limit_ms: Option<u64>,
    /// How long revocations and a store are waited for where nothing depends on them.
    #[uniffi(default = None)]
    pub farewell_ms: Option<u64>,
    /// The times of the intent protocol.
    #[uniffi(default = None)]
    pub times: Option<IntentTimes>,
}

impl CoordinatorOptions {
    pub(super) fn into_core(self, config: &webex_oauth::Config) -> core::Options {
        let Self { has_store, lock_domain, rotates, patience_ms, host_limit_ms, farewell_ms, times } = self;
        let usual = core::Options::new(config, has_store.then_some(core::StoreTraits { lock_domain }));
        core::Options {
            store: usual.store,
            rotates: rotates.unwrap_or(usual.rotates),
            patience: millis(patience_ms, usual.patience),
            host_limit: millis(host_limit_ms, usual.host_limit),
            farewell: millis(farewell_ms, usual.farewell),
            times: times.map_or(usual.times, Into::into),
        }
    }
}

mirror! {
    /// Which token.
    #[derive(Debug, Clone, uniffi::Enum)]
    pub enum TokenOf into Of {
        /// The session's own.
        Session,
        /// Webex: a user token with just this scope.
        User {
            /// Which scope.
            scope: Scope = 0,
        },
        /// Webex: a user token with all that was granted, less the reserved scope.
        UserDefault,
    }
}

mirror! {
    /// What a call of an API has cost so far.
    #[derive(Debug, Clone, Copy, uniffi::Record)]
    pub struct Spent between core::Spent {
        /// How often it was sent again with another token.
        pub replays: u32,
        /// How long it has waited because the API asked for it.
        pub waited_ms: u64 = waited,
        /// How long the caller is ready to wait for that in all.
        pub limit_ms: u64 = limit,
    }
}

mirror! {
    /// By what somebody signs in.
    #[derive(Debug, uniffi::Enum)]
    pub enum Credential try_into core::Credential {
        /// A browser: answered with the URL to open.
        Browser {
            /// Flow, scope, state and hints.
            options: LoginOptions,
            /// Fresh randomness.
            entropy: Arc<Entropy>,
        },
        /// A code whose state the host has checked itself.
        Code {
            /// The authorization code.
            code: Arc<Secret>,
            /// The PKCE verifier, where the login used one.
            verifier: Option<Arc<Secret>>,
        },
        /// Another device (RFC 8628).
        Device {
            /// The scope to ask for.
            scope: Option<Scope>,
        },
        /// Webex: the guest that this JWT names.
        Jwt {
            /// A guest issuer JWT.
            jwt: Arc<Secret>,
        },
        /// Webex: a guest of a Service App.
        Guest {
            /// The Service App's access token.
            service_token: Arc<Secret>,
            /// The guest's own identifier.
            subject: String,
            /// The name that others see.
            display_name: String,
        },
        /// The client itself.
        Client {
            /// The scope to ask for.
            scope: Option<Scope>,
        },
        /// Tokens from elsewhere.
        Tokens {
            /// As text.
            tokens: Arc<Secret>,
        },
    }
}

/// One call. `within` is the caller's patience in milliseconds; the configured one where absent.
#[derive(Debug, uniffi::Enum)]
pub enum CoordinatorCall {
    /// An access token that is good now.
    Token {
        /// Which.
        of: TokenOf,
        /// Patience.
        within_ms: Option<u64>,
    },
    /// New tokens, whatever the clock says.
    Refresh {
        /// Patience.
        within_ms: Option<u64>,
    },
    /// An API answered.
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
        /// Patience.
        within_ms: Option<u64>,
    },
    /// A browser came back.
    CompleteLogin {
        /// As received.
        callback: Arc<Secret>,
        /// Patience.
        within_ms: Option<u64>,
    },
    /// Ends with the login in a browser that this URL or state names, whoever completes it.
    AwaitLogin {
        /// Its URL, or its state.
        of: Arc<Secret>,
        /// Patience.
        within_ms: Option<u64>,
    },
    /// Give logins up: that of a ticket, the one in a browser that a URL or state names, or all.
    CancelLogin {
        /// The ticket.
        of: Option<u64>,
        /// The URL of the one in a browser, or its state.
        login: Option<Arc<Secret>>,
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
        within_ms: Option<u64>,
    },
    /// Begin nothing more, finish what is under way, store it.
    Close {
        /// The longest that it may take.
        within_ms: Option<u64>,
    },
}

impl CoordinatorCall {
    pub(super) fn into_core(self) -> Result<Call, MisuseError> {
        Ok(match self {
            Self::Token { of, within_ms } => Call::Token { of: of.into(), within: within_ms.into_core() },
            Self::Refresh { within_ms } => Call::Refresh { within: within_ms.into_core() },
            Self::Answered { generation, status, retry_after, spent } => {
                Call::Answered { generation, status, retry_after, spent: spent.into() }
            }
            Self::SignIn { credential, within_ms } => {
                Call::SignIn { credential: credential.try_into_core()?, within: within_ms.into_core() }
            }
            Self::CompleteLogin { callback, within_ms } => {
                Call::CompleteLogin { callback: callback.core(), within: within_ms.into_core() }
            }
            Self::AwaitLogin { of, within_ms } => {
                Call::AwaitLogin { of: of.try_into_core()?, within: within_ms.into_core() }
            }
            Self::CancelLogin { of, login } => {
                let browser = login.map(TryIntoCore::try_into_core).transpose()?.map(Which::Browser);
                let ticket = of.map(|ticket| Which::Ticket(Ticket(ticket)));
                Call::CancelLogin { of: browser.or(ticket).unwrap_or(Which::All) }
            }
            Self::SignOut { options } => Call::SignOut { options },
            Self::Look => Call::Look,
            Self::Flush { within_ms } => Call::Flush { within: within_ms.into_core() },
            Self::Close { within_ms } => Call::Close { within: within_ms.into_core() },
        })
    }
}

spells_all!(Call {
    [::Token] [::Refresh] [::Answered] [::SignIn] [::CompleteLogin] [::AwaitLogin] [::CancelLogin] [::SignOut] [::Look]
    [::Flush] [::Close]
});

mirror! {
    /// How a job ended. A result of another kind than was asked for counts as its failure.
    #[derive(Debug, uniffi::Enum)]
    pub enum JobResult into Done {
        /// What the store holds.
        Loaded {
            /// The bytes.
            snapshot: Option<Arc<Secret>> = 0,
        },
        /// It is stored.
        Saved,
        /// The store holds something else, or nothing.
        Conflict {
            /// The bytes.
            snapshot: Option<Arc<Secret>> = 0,
        },
        /// The store failed. A save may have happened all the same.
        StoreFailed {
            /// How.
            fault: StoreFault = 0,
        },
        /// The lock is ours.
        Locked,
        /// Another holds the lock.
        LockBusy,
        /// The lock is free.
        Unlocked,
        /// An answer, any status.
        Response {
            /// As received.
            response: Arc<HttpResponse> = 0,
        },
        /// The request failed below HTTP.
        SendFailed {
            /// How.
            fault: SendFault = 0,
        },
        /// What the host brought: tokens, or a JWT.
        Answer {
            /// As text.
            secret: Arc<Secret> = 0,
        },
        /// The host could not.
        HostFailed {
            /// For people, without secrets.
            reason: String = 0,
        },
    }
}
