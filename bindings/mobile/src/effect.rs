//! What the session asks its driver to do.

use std::fmt;
use std::sync::Arc;

use webex_oauth::{RequestId, Timestamp};

use crate::event::Event;
use crate::http::HttpRequest;
use crate::mirror::mirror;
use crate::secret::Secret;

/// One thing to do. Effects of one output are done in order, each one when the one before is complete.
#[derive(Debug, uniffi::Enum)]
pub enum Effect {
    /// Store the snapshot durably, if the store still holds revision `replaces` (0: nothing). If it holds another one,
    /// load that, give it as `Reload`, do what that answers, then those of the following tasks that are still wanted.
    Persist {
        /// The bytes to store.
        snapshot: Arc<Secret>,
        /// The revision of these bytes.
        revision: u64,
        /// The revision that they replace.
        replaces: u64,
    },
    /// Send the request and report with `Response` or `SendFailed`.
    Send {
        /// Complete and ready.
        request: HttpRequest,
    },
    /// Bring the user's browser to this URL.
    OpenBrowser {
        /// For the browser only.
        url: Arc<Secret>,
    },
    /// Show the user where to go and which code to enter.
    ShowDeviceCode {
        /// What to show.
        prompt: DevicePrompt,
    },
    /// Ask the host for a guest JWT; answer with `ProvideJwt` or `HostFailed`.
    AskForJwt {
        /// Goes into the answer.
        id: RequestId,
    },
    /// Ask the host for tokens; answer with `ProvideToken` or `HostFailed`.
    AskForToken {
        /// Goes into the answer.
        id: RequestId,
        /// What the host may need for it.
        ask: TokenAsk,
    },
    /// Tell whoever listens.
    Notify {
        /// The name under which the Webex world knows it.
        name: String,
        /// What happened.
        event: Event,
    },
}

impl From<webex_oauth::Effect> for Effect {
    fn from(effect: webex_oauth::Effect) -> Self {
        use webex_oauth::Effect;
        match effect {
            Effect::Persist { snapshot, revision, replaces } => {
                Self::Persist { snapshot: Secret::of(snapshot), revision, replaces }
            }
            Effect::Send { request } => Self::Send { request: request.into() },
            Effect::OpenBrowser { url } => Self::OpenBrowser { url: Secret::of(url) },
            Effect::ShowDeviceCode { prompt } => Self::ShowDeviceCode { prompt: prompt.into() },
            Effect::AskForJwt { id } => Self::AskForJwt { id },
            Effect::AskForToken { id, ask } => Self::AskForToken { id, ask: ask.into() },
            Effect::Notify { event } => Self::Notify { name: event.name().to_owned(), event: event.into() },
        }
    }
}

mirror! {
    /// What the host is asked to turn into tokens.
    #[derive(Debug, uniffi::Enum)]
    pub enum TokenAsk from webex_oauth::TokenAsk {
        /// Renew.
        Renew {
            /// The current refresh token, if there is one.
            refresh_token: Option<Arc<Secret>>,
        },
        /// Redeem a code at the host's backend, which has the client secret.
        Redeem {
            /// The authorization code.
            code: Arc<Secret>,
            /// The PKCE verifier.
            verifier: Arc<Secret>,
            /// To be sent along unchanged.
            redirect_uri: String,
        },
    }
}

mirror! {
    /// What to show to the user of a device login. The code is for the user's eyes, not for logs.
    #[derive(Debug, uniffi::Record)]
    pub struct DevicePrompt from webex_oauth::DevicePrompt {
        /// The code to enter.
        pub user_code: Arc<Secret>,
        /// Where to enter it.
        pub verification_uri: String,
        /// The same with the code in it, for a QR code.
        pub verification_uri_complete: Option<Arc<Secret>>,
        /// When the code ends.
        pub expires_at: Timestamp,
        /// How often the session polls, in milliseconds.
        pub interval_ms: u64 = interval,
    }
}

/// An effect on its way to be done: what it is, and the means to ask whether it is still wanted.
#[derive(uniffi::Object)]
#[uniffi::export(Display)]
pub struct Task(webex_oauth::Effect);

#[uniffi::export]
impl Task {
    /// What is to be done.
    pub fn effect(&self) -> Effect {
        self.0.clone().into()
    }
}

impl Task {
    pub(crate) fn core(&self) -> &webex_oauth::Effect {
        &self.0
    }
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// In a few words: the core's `Debug` would bring that of everything into every app.
impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use webex_oauth::Effect;
        f.write_str(match self.0 {
            Effect::Persist { .. } => "Task(persist)",
            Effect::Send { .. } => "Task(send)",
            Effect::OpenBrowser { .. } => "Task(open the browser)",
            Effect::ShowDeviceCode { .. } => "Task(show the device code)",
            Effect::AskForJwt { .. } => "Task(ask for a JWT)",
            Effect::AskForToken { .. } => "Task(ask for a token)",
            Effect::Notify { .. } => "Task(notify)",
        })
    }
}

/// What one input brought about.
#[derive(uniffi::Record)]
pub struct Output {
    /// To be done in this order.
    pub tasks: Vec<Arc<Task>>,
    /// Give `Tick` then, if nothing else happens before.
    pub wake_at: Option<Timestamp>,
}

impl From<webex_oauth::Output> for Output {
    fn from(output: webex_oauth::Output) -> Self {
        let webex_oauth::Output { effects, wake_at } = output;
        Self { tasks: effects.into_iter().map(|effect| Arc::new(Task(effect))).collect(), wake_at }
    }
}
