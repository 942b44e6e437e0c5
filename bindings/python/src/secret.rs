//! Secrets stay secrets in Python: nothing prints them, `expose()` is the way in.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::errors::invalid;

/// A text that is never printed: a token, a code, a request body.
///
/// `repr`, `str`, `format` and `logging` show `Secret(redacted)`; it cannot be pickled; `==` takes constant time.
#[pyclass(frozen, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) webex_oauth::Secret);

#[pymethods]
impl Secret {
    #[new]
    #[pyo3(signature = (text, /))]
    fn new(text: SecretText) -> Self {
        Self(text.0)
    }

    /// The text itself. Call it where the value leaves for its destination, nowhere else.
    fn expose(&self) -> &str {
        self.0.expose()
    }

    fn __bool__(&self) -> bool {
        !self.0.is_empty()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> &'static str {
        "Secret(redacted)"
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("a Secret cannot be pickled; call expose() if you mean it"))
    }
}

/// An access token, together with the `Authorization` header that presents it (RFC 6750 section 2.1).
#[pyclass(frozen, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessToken(pub(crate) webex_oauth::AccessToken);

#[pymethods]
impl AccessToken {
    /// The bare token.
    fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The whole value of the header, `Bearer <token>`.
    fn expose_header(&self) -> &str {
        self.0.expose_header()
    }

    /// `Bearer`, nearly always.
    #[getter]
    fn token_type(&self) -> &str {
        self.0.token_type()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get().0 == self.0)
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }

    fn __reduce__(&self) -> PyResult<()> {
        Err(PyTypeError::new_err("an AccessToken cannot be pickled; call expose() if you mean it"))
    }
}

/// An argument that is a secret: a `str` or a [`Secret`].
pub(crate) struct SecretText(pub(crate) webex_oauth::Secret);

impl FromPyObject<'_, '_> for SecretText {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if let Ok(secret) = object.cast::<Secret>() {
            return Ok(Self(secret.get().0.clone()));
        }
        let wrong = |problem| invalid(py, "secret", problem);
        let text = object.cast::<PyString>().map_err(|_| wrong("expected str or Secret"))?;
        // A lone surrogate has no UTF-8; the error must not quote what is around it.
        let text: String = text.extract().map_err(|_| wrong("is not valid Unicode"))?;
        Ok(Self(webex_oauth::Secret::new(text)))
    }
}
