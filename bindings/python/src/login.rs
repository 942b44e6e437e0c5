//! What a login asks for, and what a device shows.

use pyo3::prelude::*;

use crate::convert::{Span, Time, described, millis};
use crate::errors::invalid;
use crate::scope::ScopeText;
use crate::secret::{Secret, SecretText};
use crate::words::{Flow, ResponseMode};

/// What one login asks for. Everything has a default.
///
/// `state` is a JSON object as text, to be found again in the callback; `opaque_state` a text of the caller's own in its
/// place (code flow only). `scope` is the scope of this login, the configured one where absent. `email` is sent as a
/// hash. `redirect_uri` is another one than the configured: a loopback port that was free. `extra` is sent as it is.
#[pyclass(frozen, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone)]
pub(crate) struct LoginOptions(pub(crate) webex_oauth::LoginOptions);

#[pymethods]
impl LoginOptions {
    #[new]
    #[pyo3(signature = (
        *, flow = Flow(webex_oauth::Flow::Code), scope = None, state = None, opaque_state = None, prompt = None,
        login_hint = None, email = None, redirect_uri = None, response_mode = None, extra = None,
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        flow: Flow,
        scope: Option<ScopeText>,
        state: Option<String>,
        opaque_state: Option<SecretText>,
        prompt: Option<String>,
        login_hint: Option<String>,
        email: Option<String>,
        redirect_uri: Option<String>,
        response_mode: Option<ResponseMode>,
        extra: Option<Vec<(String, String)>>,
    ) -> PyResult<Self> {
        let state = match (state, opaque_state) {
            (Some(_), Some(_)) => return Err(invalid(py, "state", "give either state or opaque_state")),
            (None, Some(opaque)) => webex_oauth::LoginState::Opaque(opaque.0),
            (state, None) => webex_oauth::LoginState::Json(state.unwrap_or_default()),
        };
        Ok(Self(webex_oauth::LoginOptions {
            flow: flow.0,
            scope: scope.map(|scope| scope.0),
            state,
            prompt,
            login_hint,
            email,
            redirect_uri,
            response_mode: response_mode.map(|mode| mode.0),
            extra: extra.unwrap_or_default(),
        }))
    }

    fn __repr__(&self) -> String {
        format!("LoginOptions(flow={:?})", Flow(self.0.flow).word())
    }
}

/// What to show to the user of a device login.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DevicePrompt(pub(crate) webex_oauth::DevicePrompt);

#[pymethods]
impl DevicePrompt {
    /// The code to enter. For the user's eyes, not for logs.
    #[getter]
    fn user_code(&self) -> Secret {
        Secret(self.0.user_code.clone())
    }

    /// Where to enter it.
    #[getter]
    fn verification_uri(&self) -> &str {
        &self.0.verification_uri
    }

    /// The same with the code in it, for a QR code.
    #[getter]
    fn verification_uri_complete(&self) -> Option<Secret> {
        self.0.verification_uri_complete.clone().map(Secret)
    }

    /// When the code ends.
    #[getter]
    fn expires_at(&self) -> Time {
        Time(self.0.expires_at)
    }

    /// `expires_at` in milliseconds since 1970, exactly.
    #[getter]
    fn expires_at_ms(&self) -> Option<i64> {
        millis(Some(self.expires_at()))
    }

    /// How often the session polls.
    #[getter]
    fn interval(&self) -> Span {
        Span(self.0.interval)
    }
}

impl From<webex_oauth::DevicePrompt> for DevicePrompt {
    fn from(prompt: webex_oauth::DevicePrompt) -> Self {
        Self(prompt)
    }
}

described!(DevicePrompt: user_code, verification_uri, verification_uri_complete, expires_at, interval);
