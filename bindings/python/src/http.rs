//! HTTP messages as data.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyMapping};

use crate::convert::{Span, described};
use crate::errors::invalid;
use crate::secret::Secret;
use crate::target_uri::TargetUri;
use crate::words::Purpose;

/// How the driver has to carry a request.
#[pyclass(frozen, eq, get_all, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TransportHints {
    /// Give up after this long and report `lost`.
    timeout: Span,
    /// Read no more of the answer than this; report a longer one as `too_large`.
    max_response_bytes: usize,
    /// Always false: a redirect of a token endpoint is an answer, never followed (RFC 9700 section 4.12).
    follow_redirects: bool,
    /// Whether the transport may send the request again by itself after a lost connection. False for every grant.
    idempotent: bool,
}

/// A request to send, complete. All of them are `POST`.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HttpRequest(pub(crate) webex_oauth::HttpRequest);

#[pymethods]
impl HttpRequest {
    /// Hand it back with the answer.
    #[getter]
    fn id(&self) -> u64 {
        self.0.id.0
    }

    /// What it is for.
    #[getter]
    fn purpose(&self) -> Purpose {
        self.0.purpose.into()
    }

    /// It can change the grant itself: a driver with a shared store holds the store's lock around it.
    #[getter]
    fn is_grant(&self) -> bool {
        self.0.purpose.is_grant()
    }

    /// `POST`.
    #[getter]
    fn method(&self) -> &'static str {
        webex_oauth::HttpRequest::METHOD
    }

    /// Absolute URL; never carries a secret.
    #[getter]
    fn url(&self) -> &str {
        self.0.url()
    }

    /// Where to send it: connect to this and nothing else.
    #[getter]
    fn target(&self) -> TargetUri {
        self.0.target.as_ref().into()
    }

    /// Header names, in lower case.
    #[getter]
    fn header_names(&self) -> Vec<&'static str> {
        self.0.headers.iter().map(|(name, _)| *name).collect()
    }

    /// The headers as they go on the wire. `authorization` may be among them: for the transport only.
    fn expose_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for (name, value) in &self.0.headers {
            headers.set_item(name, value.expose())?;
        }
        Ok(headers)
    }

    /// The body, empty where there is none.
    #[getter]
    fn body(&self) -> Secret {
        Secret((*self.0.body).clone())
    }

    /// The body as it goes on the wire: for the transport only.
    fn expose_body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.body.expose().as_bytes())
    }

    /// How to carry it.
    #[getter]
    fn hints(&self) -> TransportHints {
        let hints = self.0.hints;
        TransportHints {
            timeout: Span(hints.timeout),
            max_response_bytes: hints.max_response_bytes,
            follow_redirects: hints.follow_redirects,
            idempotent: hints.idempotent,
        }
    }
}

impl From<webex_oauth::HttpRequest> for HttpRequest {
    fn from(request: webex_oauth::HttpRequest) -> Self {
        Self(request)
    }
}

/// An answer, any status. Hand over every header: `Retry-After` and `trackingid` matter.
#[pyclass(frozen, eq, from_py_object, module = "webex_oauth")]
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct HttpResponse(pub(crate) webex_oauth::HttpResponse);

#[pymethods]
impl HttpResponse {
    /// `headers` is a mapping or an iterable of pairs, names in any case; `body` is as received, decompressed.
    #[new]
    #[pyo3(signature = (status, headers = None, body = None))]
    fn new(
        status: &Bound<'_, PyAny>,
        headers: Option<&Bound<'_, PyAny>>,
        body: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = status.py();
        let status = match status.extract::<u16>() {
            Ok(status @ 100..=999) => status,
            Ok(_) | Err(_) => return Err(invalid(py, "status", "expected an HTTP status code")),
        };
        let headers = headers.map_or(Ok(Vec::new()), read_headers)?;
        let body = match body {
            None => Vec::new(),
            Some(body) => {
                body.extract::<&[u8]>().map(<[u8]>::to_vec).map_err(|_| invalid(py, "body", "expected bytes"))?
            }
        };
        Ok(Self(webex_oauth::HttpResponse { status, headers, body }))
    }

    /// HTTP status code.
    #[getter]
    fn status(&self) -> u16 {
        self.0.status
    }

    /// The first value of header `name`, compared without case.
    fn header(&self, name: &str) -> Option<&str> {
        self.0.header(name)
    }

    /// All headers, names in lower case; of one that occurs more than once the values, separated by commas.
    fn expose_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let headers = PyDict::new(py);
        for (name, value) in &self.0.headers {
            let name = name.to_ascii_lowercase();
            let value = match headers.get_item(&name)? {
                Some(before) => format!("{}, {value}", before.extract::<String>()?),
                None => value.clone(),
            };
            headers.set_item(name, value)?;
        }
        Ok(headers)
    }

    /// The body as received.
    fn expose_body<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.0.body)
    }

    fn __repr__(&self) -> String {
        format!(
            "HttpResponse(status={}, headers={}, body_bytes={})",
            self.0.status,
            self.0.headers.len(),
            self.0.body.len()
        )
    }
}

fn read_headers(headers: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let py = headers.py();
    let wrong = || invalid(py, "headers", "expected a mapping or an iterable of pairs of str");
    let items = match headers.cast::<PyMapping>() {
        Ok(mapping) => mapping.call_method0("items")?,
        Err(_) => headers.clone(),
    };
    let pairs = items.try_iter().map_err(|_| wrong())?;
    pairs.map(|pair| pair?.extract::<(String, String)>().map_err(|_| wrong())).collect()
}

described!(TransportHints: timeout, max_response_bytes, follow_redirects, idempotent);
described!(HttpRequest: id, purpose, url);
