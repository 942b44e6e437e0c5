//! URLs that something is sent to, in normal form.

use pyo3::prelude::*;

use crate::convert::described;
use crate::errors::Raise as _;

/// Where a request goes, in normal form. A URL that may mean another host to others is refused.
#[pyclass(frozen, eq, get_all, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TargetUri {
    /// The whole of it, without a fragment.
    url: String,
    /// `https` or `http`.
    scheme: &'static str,
    /// Host and port as they stand in a `Host` header.
    authority: String,
    /// The name to look up, or the address to connect to, without brackets.
    host: String,
    /// The port to connect to.
    port: u16,
    /// Path and query, as they stand in the first line of a request.
    request_target: String,
    /// What is sent there stays on this machine, and is no proxy's business.
    is_loopback: bool,
    /// https, or on this machine: good enough for a secret.
    is_secure: bool,
}

#[pymethods]
impl TargetUri {
    /// Reads an absolute URL of http or https. `InvalidArgument` where nothing can be sent there.
    #[staticmethod]
    fn parse(py: Python<'_>, text: &str) -> PyResult<Self> {
        let target = webex_oauth::TargetUri::parse(text).map_err(webex_oauth::Misuse::from);
        target.map(|target| Self::from(&target)).map_err(|error| error.raise(py))
    }
}

impl From<&webex_oauth::TargetUri> for TargetUri {
    fn from(target: &webex_oauth::TargetUri) -> Self {
        Self {
            url: target.url().to_owned(),
            scheme: target.scheme(),
            authority: target.authority().to_owned(),
            host: target.host().to_owned(),
            port: target.port(),
            request_target: target.request_target().to_owned(),
            is_loopback: target.is_loopback(),
            is_secure: target.is_secure(),
        }
    }
}

/// A URL that somebody wants to call, judged by `Config.judge_url`.
#[pyclass(frozen, eq, get_all, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JudgedUrl {
    /// Where the call goes: connect to this and nothing else, with the token or without.
    target: TargetUri,
    /// Whether the access token may go there.
    may_carry_token: bool,
}

impl From<webex_oauth::JudgedUrl> for JudgedUrl {
    fn from(judged: webex_oauth::JudgedUrl) -> Self {
        let webex_oauth::JudgedUrl { target, may_carry_token } = judged;
        Self { target: (&target).into(), may_carry_token }
    }
}

described!(TargetUri: url, scheme, authority, host, port, request_target, is_loopback, is_secure);
described!(JudgedUrl: target, may_carry_token);
