//! What the session asks its driver to do.

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::convert::{Time, described, millis};
use crate::event::Event;
use crate::http::HttpRequest;
use crate::login::DevicePrompt;
use crate::secret::Secret;

/// One thing to do. Effects of one output are done in order, each one when the one before is complete.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Store the snapshot durably, if the store still holds revision `replaces` (0: nothing). If it holds another one,
    /// give that to `reload`, do what that answers, then those of the following effects that `still_wants` names.
    Persist { snapshot: Secret, revision: u64, replaces: u64 },
    /// Send the request and report with `response` or `send_failed`.
    Send { request: HttpRequest },
    /// Bring the user's browser to this URL.
    OpenBrowser { url: Secret },
    /// Show the user where to go and which code to enter.
    ShowDeviceCode { prompt: DevicePrompt },
    /// Ask the host for a guest JWT; answer with `provide_jwt` or `host_failed`.
    AskForJwt { id: u64 },
    /// Ask the host for tokens; answer with `provide_token` or `host_failed`.
    AskForToken { id: u64, ask: TokenAsk },
    /// Tell whoever listens.
    Notify { event: Event },
}

impl Effect {
    fn from_core(effect: webex_oauth::Effect) -> Self {
        use webex_oauth::Effect as Core;
        match effect {
            Core::Persist { snapshot, revision, replaces } => {
                Self::Persist { snapshot: Secret(snapshot), revision, replaces }
            }
            Core::Send { request } => Self::Send { request: request.into() },
            Core::OpenBrowser { url } => Self::OpenBrowser { url: Secret(url) },
            Core::ShowDeviceCode { prompt } => Self::ShowDeviceCode { prompt: prompt.into() },
            Core::AskForJwt { id } => Self::AskForJwt { id: id.0 },
            Core::AskForToken { id, ask } => Self::AskForToken { id: id.0, ask: ask.into() },
            Core::Notify { event } => Self::Notify { event: event.into() },
        }
    }
}

/// Back into the core's, for `Session.still_wants`.
impl From<&Effect> for webex_oauth::Effect {
    fn from(effect: &Effect) -> Self {
        match effect.clone() {
            Effect::Persist { snapshot, revision, replaces } => {
                Self::Persist { snapshot: snapshot.0, revision, replaces }
            }
            Effect::Send { request } => Self::Send { request: request.0 },
            Effect::OpenBrowser { url } => Self::OpenBrowser { url: url.0 },
            Effect::ShowDeviceCode { prompt } => Self::ShowDeviceCode { prompt: prompt.0 },
            Effect::AskForJwt { id } => Self::AskForJwt { id: webex_oauth::RequestId(id) },
            Effect::AskForToken { id, ask } => Self::AskForToken { id: webex_oauth::RequestId(id), ask: ask.into() },
            Effect::Notify { event } => Self::Notify { event: (&event).into() },
        }
    }
}

/// What the host is asked to turn into tokens.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenAsk {
    /// Renew: `refreshCallback`. With the current refresh token, if there is one.
    Renew { refresh_token: Option<Secret> },
    /// Redeem a code at the host's backend, which has the client secret.
    Redeem { code: Secret, verifier: Secret, redirect_uri: String },
}

impl From<webex_oauth::TokenAsk> for TokenAsk {
    fn from(ask: webex_oauth::TokenAsk) -> Self {
        use webex_oauth::TokenAsk as Core;
        match ask {
            Core::Renew { refresh_token } => Self::Renew { refresh_token: refresh_token.map(Secret) },
            Core::Redeem { code, verifier, redirect_uri } => {
                Self::Redeem { code: Secret(code), verifier: Secret(verifier), redirect_uri }
            }
        }
    }
}

impl From<TokenAsk> for webex_oauth::TokenAsk {
    fn from(ask: TokenAsk) -> Self {
        match ask {
            TokenAsk::Renew { refresh_token } => Self::Renew { refresh_token: refresh_token.map(|token| token.0) },
            TokenAsk::Redeem { code, verifier, redirect_uri } => {
                Self::Redeem { code: code.0, verifier: verifier.0, redirect_uri }
            }
        }
    }
}

/// What one call brought about: the effects, to be done in this order, and when to call `tick`.
#[pyclass(frozen, module = "webex_oauth")]
pub(crate) struct Output {
    effects: Py<PyTuple>,
    wake_at: Option<Time>,
}

impl Output {
    pub(crate) fn new(py: Python<'_>, output: webex_oauth::Output) -> PyResult<Self> {
        let effects = output.effects.into_iter().map(Effect::from_core).collect::<Vec<_>>();
        Ok(Self { effects: PyTuple::new(py, effects)?.unbind(), wake_at: output.wake_at.map(Time) })
    }
}

#[pymethods]
impl Output {
    /// To be done in this order.
    #[getter]
    fn effects<'py>(&self, py: Python<'py>) -> &Bound<'py, PyTuple> {
        self.effects.bind(py)
    }

    /// Call `tick` then, if nothing else happens before.
    #[getter]
    fn wake_at(&self) -> Option<Time> {
        self.wake_at
    }

    /// `wake_at` in milliseconds since 1970, exactly.
    #[getter]
    fn wake_at_ms(&self) -> Option<i64> {
        millis(self.wake_at)
    }
}

described!(Output: effects, wake_at);
described!(Effect, TokenAsk);
