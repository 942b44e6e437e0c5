//! The core's errors as the exceptions of `webex_oauth._errors`: one tree, with fields.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple};
use webex_oauth::protocol::jwt::JwtError;
use webex_oauth::protocol::org::OrgIdError;
use webex_oauth::sealed::{KeyError, OpenError, Unopened};
use webex_oauth::transcript::TranscriptError;
use webex_oauth::{ConfigError, EntropyError, Misuse, RestoreError};

use crate::convert::{Span, described};
use crate::words::{Advice, Blame, FaultKind, SendFault};

/// An exception of class `name`, its fields taken from `fields`.
pub(crate) fn exception<'py>(
    py: Python<'py>,
    name: &str,
    message: &str,
    fields: &[(&str, Bound<'py, PyAny>)],
) -> PyErr {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let build = || {
        let module = MODULE.get_or_try_init(py, || py.import("webex_oauth._errors").map(Bound::unbind))?;
        let kwargs = PyDict::new(py);
        for (field, value) in fields {
            kwargs.set_item(field, value)?;
        }
        module.bind(py).getattr(name)?.call((message,), Some(&kwargs))
    };
    build().map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn text<'py>(py: Python<'py>, text: &str) -> Bound<'py, PyAny> {
    pyo3::types::PyString::new(py, text).into_any()
}

fn number(py: Python<'_>, number: u64) -> Bound<'_, PyAny> {
    pyo3::types::PyInt::new(py, number).into_any()
}

/// An argument that cannot be used.
pub(crate) fn invalid(py: Python<'_>, argument: &str, problem: &str) -> PyErr {
    let fields = [("argument", text(py, argument)), ("problem", text(py, problem))];
    exception(py, "InvalidArgument", &format!("{argument}: {problem}"), &fields)
}

/// The core's errors, turned into Python's.
pub(crate) trait Raise {
    fn raise(self, py: Python<'_>) -> PyErr;
}

impl Raise for Misuse {
    fn raise(self, py: Python<'_>) -> PyErr {
        let message = self.to_string();
        match self {
            Self::NotConfigured { what, needed_by } => {
                let fields = [("what", text(py, what)), ("needed_by", text(py, needed_by))];
                exception(py, "NotConfigured", &message, &fields)
            }
            Self::InvalidArgument { argument, problem } => invalid(py, argument, &problem),
            Self::NotSignedIn { call } => exception(py, "NotSignedIn", &message, &[("call", text(py, call))]),
            Self::CannotRefresh { why } => exception(py, "CannotRefresh", &message, &[("why", text(py, why))]),
            Self::ScopeNotReducible { requested, problem } => {
                let fields = [("requested", text(py, &requested)), ("problem", text(py, problem))];
                exception(py, "ScopeNotReducible", &message, &fields)
            }
        }
    }
}

impl Raise for ConfigError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let message = self.to_string();
        let (kind, problem) = match &self {
            Self::Missing { .. } => ("missing", "is missing"),
            Self::Invalid { problem, .. } => ("invalid", problem.as_ref()),
            Self::Insecure { .. } => ("insecure", "plain http is allowed on loopback only"),
            Self::Unanswered { problem, .. } => ("unanswered", problem.as_ref()),
        };
        let mut fields =
            vec![("field", text(py, self.field())), ("kind", text(py, kind)), ("problem", text(py, problem))];
        fields.extend(self.variable().map(|variable| ("variable", text(py, variable))));
        exception(py, "ConfigError", &message, &fields)
    }
}

impl Raise for RestoreError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let message = self.to_string();
        let kind = |kind| ("kind", text(py, kind));
        match self {
            Self::Unreadable => exception(py, "RestoreError", &message, &[kind("unreadable")]),
            Self::NewerVersion { found } => {
                exception(py, "RestoreError", &message, &[kind("newer_version"), ("found", number(py, found.into()))])
            }
            Self::OtherConfig { field } => {
                exception(py, "RestoreError", &message, &[kind("other_config"), ("field", text(py, field))])
            }
            Self::Sealed { key_id } => {
                exception(py, "RestoreError", &message, &[kind("sealed"), ("key_id", text(py, &key_id))])
            }
        }
    }
}

/// An argument of a pure function; `kind` is the core's name for what is wrong.
fn refused<'py>(
    py: Python<'py>,
    argument: &'static str,
    kind: &str,
    problem: &str,
    more: Option<(&str, Bound<'py, PyAny>)>,
) -> PyErr {
    let mut fields = vec![("argument", text(py, argument)), ("problem", text(py, problem)), ("kind", text(py, kind))];
    fields.extend(more);
    exception(py, "InvalidArgument", &format!("{argument}: {problem}"), &fields)
}

impl Raise for EntropyError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let problem = self.to_string();
        match self {
            Self::Length { found } => {
                let found = number(py, u64::try_from(found).unwrap_or(u64::MAX));
                refused(py, "entropy", "length", &problem, Some(("found", found)))
            }
            Self::Unfilled => refused(py, "entropy", "unfilled", &problem, None),
        }
    }
}

impl Raise for JwtError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let (argument, kind) = match self {
            Self::MissingIssuer => ("issuer", "missing_issuer"),
            Self::MissingSecret => ("secret", "missing_secret"),
            Self::InvalidSecret => ("secret", "invalid_secret"),
            Self::InvalidLifetime => ("lifetime", "invalid_lifetime"),
        };
        refused(py, argument, kind, &self.to_string(), None)
    }
}

impl Raise for OrgIdError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let problem = self.to_string();
        match self {
            Self::UnreadableJwt => refused(py, "token", "unreadable_jwt", &problem, None),
            Self::NoRealm => refused(py, "token", "no_realm", &problem, None),
            Self::Sections { sections } => {
                let sections = number(py, u64::try_from(sections).unwrap_or(u64::MAX));
                refused(py, "token", "sections", &problem, Some(("sections", sections)))
            }
        }
    }
}

impl Raise for KeyError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let kind = match self {
            Self::None => "none",
            Self::Name => "name",
            Self::Length { .. } => "length",
            Self::Unfilled { .. } => "unfilled",
            Self::Twice { .. } => "twice",
        };
        refused(py, "keys", kind, &self.to_string(), None)
    }
}

impl Raise for OpenError {
    fn raise(self, py: Python<'_>) -> PyErr {
        let message = self.to_string();
        match self {
            Self::NotSealed => exception(py, "StoreError", &message, &[("kind", text(py, "refused"))]),
            Self::Sealed { key_id, why } => {
                let why = match why {
                    Unopened::UnknownKey => "unknown_key",
                    Unopened::Refused => "refused",
                    Unopened::OtherRevision => "other_revision",
                };
                let fields = [("kind", text(py, "sealed")), ("key_id", text(py, &key_id)), ("why", text(py, why))];
                exception(py, "StoreError", &message, &fields)
            }
        }
    }
}

impl Raise for TranscriptError {
    fn raise(self, py: Python<'_>) -> PyErr {
        match self {
            Self::Unreadable { .. } | Self::NewerVersion { .. } => invalid(py, "transcript", &self.to_string()),
            Self::Config(error) => error.raise(py),
            Self::Session(error) => error.raise(py),
        }
    }
}

/// A class, and the members that make an instance of it anew: what `pickle` wants to know.
pub(crate) fn reduced<'py>(
    this: &Bound<'py, PyAny>,
    names: &[&str],
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
    let members: Vec<_> = names.iter().map(|name| this.getattr(*name)).collect::<PyResult<_>>()?;
    Ok((this.get_type().into_any(), PyTuple::new(this.py(), members)?))
}

/// A failure that is somebody else's: typed, and free of secrets. `str(fault)` is a sentence for people.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) Arc<webex_oauth::Fault>);

#[pymethods]
impl Fault {
    /// What `pickle` makes one from: a fault of another process, say.
    #[new]
    #[pyo3(signature = (
        kind, code = None, description = None, uri = None, status = None, tracking_id = None, retry_after = None, send = None,
        secret_was_encoded = false
    ))]
    #[allow(clippy::too_many_arguments, reason = "its members")]
    fn new(
        kind: FaultKind,
        code: Option<&str>,
        description: Option<String>,
        uri: Option<String>,
        status: Option<u16>,
        tracking_id: Option<String>,
        retry_after: Option<Span>,
        send: Option<SendFault>,
        secret_was_encoded: bool,
    ) -> Self {
        webex_oauth::Fault {
            code: code.map(webex_oauth::ErrorCode::parse),
            description,
            uri,
            status,
            tracking_id,
            retry_after: retry_after.map(|span| span.0),
            send: send.map(|send| send.0),
            secret_was_encoded,
            ..webex_oauth::Fault::new(kind.0)
        }
        .into()
    }

    /// For `pickle`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyTuple>)> {
        let names = [
            "kind",
            "code",
            "description",
            "uri",
            "status",
            "tracking_id",
            "retry_after",
            "send",
            "secret_was_encoded",
        ];
        reduced(slf.as_any(), &names)
    }

    /// What kind of failure.
    #[getter]
    fn kind(&self) -> FaultKind {
        self.0.kind.into()
    }

    /// The OAuth error code as it came, if there is one.
    #[getter]
    fn code(&self) -> Option<&str> {
        self.0.code.as_ref().map(webex_oauth::ErrorCode::as_str)
    }

    /// `error_description`, or the `message` of a Webex answer. Cut to 300 characters.
    #[getter]
    fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// `error_uri`.
    #[getter]
    fn uri(&self) -> Option<&str> {
        self.0.uri.as_deref()
    }

    /// HTTP status, if an answer came.
    #[getter]
    fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Webex's `trackingId`: quote it to support.
    #[getter]
    fn tracking_id(&self) -> Option<&str> {
        self.0.tracking_id.as_deref()
    }

    /// How long the server asks to wait, within bounds.
    #[getter]
    fn retry_after(&self) -> Option<Span> {
        self.0.retry_after.map(Span)
    }

    /// How sending failed, for kind `network`.
    #[getter]
    fn send(&self) -> Option<SendFault> {
        self.0.send.map(SendFault)
    }

    /// The client was refused whose secret had been form-encoded, which changed it: see the advice `try_basic_raw`.
    #[getter]
    fn secret_was_encoded(&self) -> bool {
        self.0.secret_was_encoded
    }

    /// Whose fault it is.
    #[getter]
    fn blame(&self) -> Blame {
        self.0.blame().into()
    }

    /// What to do about it.
    #[getter]
    fn advice(&self) -> Advice {
        self.0.advice().into()
    }

    /// The grant is over and only a new sign-in helps.
    #[getter]
    fn ends_grant(&self) -> bool {
        self.0.ends_grant()
    }

    /// Trying the same thing again may work without anybody changing anything.
    #[getter]
    fn is_transient(&self) -> bool {
        self.0.is_transient()
    }

    fn __str__(&self) -> String {
        self.0.to_string()
    }
}

described!(Fault: kind, code, description, status, tracking_id);

impl From<Arc<webex_oauth::Fault>> for Fault {
    fn from(fault: Arc<webex_oauth::Fault>) -> Self {
        Self(fault)
    }
}

impl From<webex_oauth::Fault> for Fault {
    fn from(fault: webex_oauth::Fault) -> Self {
        Self(Arc::new(fault))
    }
}
