//! Token sets.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{Time, described, millis};
use crate::scope::Scope;
use crate::secret::{AccessToken, Secret};
use crate::words::Deviation;

/// What a server granted, with absolute instants: the "supertoken" of Webex's SDK.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenSet(pub(crate) webex_oauth::TokenSet);

#[pymethods]
impl TokenSet {
    /// The access token. Absent only while a bare refresh token waits for its first use.
    #[getter]
    fn access_token(&self) -> Option<AccessToken> {
        self.0.access_token.clone().map(AccessToken)
    }

    /// The refresh token.
    #[getter]
    fn refresh_token(&self) -> Option<Secret> {
        self.0.refresh_token.clone().map(Secret)
    }

    /// An OpenID Connect ID token, passed on and not verified.
    #[getter]
    fn id_token(&self) -> Option<Secret> {
        self.0.id_token.clone().map(Secret)
    }

    /// The granted scope, where the server told it.
    #[getter]
    fn scope(&self) -> Option<Scope> {
        self.0.scope.clone().map(Scope)
    }

    /// When this set arrived.
    #[getter]
    fn received_at(&self) -> Time {
        Time(self.0.received_at)
    }

    /// `received_at` in milliseconds since 1970, exactly.
    #[getter]
    fn received_at_ms(&self) -> Option<i64> {
        millis(Some(self.received_at()))
    }

    /// When the access token ends, if known.
    #[getter]
    fn expires_at(&self) -> Option<Time> {
        self.0.expires_at.map(Time)
    }

    /// `expires_at` in milliseconds since 1970, exactly.
    #[getter]
    fn expires_at_ms(&self) -> Option<i64> {
        millis(self.expires_at())
    }

    /// When the refresh token ends, if known.
    #[getter]
    fn refresh_token_expires_at(&self) -> Option<Time> {
        self.0.refresh_token_expires_at.map(Time)
    }

    /// `refresh_token_expires_at` in milliseconds since 1970, exactly.
    #[getter]
    fn refresh_token_expires_at_ms(&self) -> Option<i64> {
        millis(self.refresh_token_expires_at())
    }

    /// Members of the answer that are not the protocol's, as they came. They may hold anything: treat as secret.
    fn expose_custom<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let text = serde_json::to_string(&self.0.custom.0).unwrap_or_default();
        Ok(py.import("json")?.call_method1("loads", (text,))?.cast_into()?)
    }

    /// The JSON object by which a front end takes the tokens over, with lifetimes as of `now`. Without the refresh
    /// token where that must stay at the server.
    #[pyo3(signature = (now, *, with_refresh_token))]
    fn to_handoff_json(&self, now: Time, with_refresh_token: bool) -> Secret {
        Secret(self.0.to_handoff_json(now.0, with_refresh_token))
    }

    /// The same as a query string, to follow the `#` of a redirect.
    #[pyo3(signature = (now, *, with_refresh_token))]
    fn to_handoff_query(&self, now: Time, with_refresh_token: bool) -> Secret {
        Secret(self.0.to_handoff_query(now.0, with_refresh_token))
    }
}

/// A token set fresh from a parser, and what had to be tolerated to read it.
#[pyclass(frozen, eq, get_all, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadTokens {
    /// The tokens.
    tokens: TokenSet,
    /// What was not by the book, sorted.
    deviations: Vec<Deviation>,
}

impl From<webex_oauth::ReadTokens> for ReadTokens {
    fn from(read: webex_oauth::ReadTokens) -> Self {
        let deviations = read.deviations.into_iter().map(Deviation).collect();
        Self { tokens: TokenSet(read.tokens), deviations }
    }
}

described!(TokenSet: access_token, refresh_token, scope, received_at, expires_at, refresh_token_expires_at);
described!(ReadTokens: tokens, deviations);
