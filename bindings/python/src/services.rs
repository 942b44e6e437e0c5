//! Service discovery: the catalog of Webex's services.

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::convert::{Span, Time};
use crate::errors::{Raise as _, invalid};

/// The services of a server: their addresses by name, and since when they are known. Holds no secret.
#[pyclass(frozen, eq, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Services(pub(crate) webex_oauth::Services);

#[pymethods]
impl Services {
    /// Reads the answer of `Config.catalog_url`: its status and its body. What cannot be used of it is left out; `ConfigError` for what is no catalog.
    #[staticmethod]
    fn read(py: Python<'_>, now: Time, status: u16, body: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bytes = match body.cast::<PyString>() {
            Ok(text) => text.extract::<String>()?.into_bytes(),
            Err(_) => body.extract().map_err(|_| invalid(py, "body", "expected str or bytes"))?,
        };
        webex_oauth::Services::read(now.0, status, &bytes).map(Self).map_err(|error| error.raise(py))
    }

    /// What `to_json` gave. The addresses are checked again.
    #[staticmethod]
    fn restore(py: Python<'_>, json: &str) -> PyResult<Self> {
        webex_oauth::Services::restore(json).map(Self).map_err(|error| error.raise(py))
    }

    /// As JSON, to be kept.
    fn to_json(&self) -> String {
        self.0.to_json()
    }

    /// The base of a service, without a slash of ours behind it; `None` where the catalog does not know it.
    fn url(&self, name: &str) -> Option<&str> {
        self.0.url(name)
    }

    /// Hosts that serve the same, the preferred one first; empty where the catalog names none.
    fn hosts(&self, name: &str) -> Vec<String> {
        self.0.get(name).map(|service| service.hosts.clone()).unwrap_or_default()
    }

    /// The names of the services, in their order.
    fn names(&self) -> Vec<&str> {
        self.0.iter().map(|(name, _)| name).collect()
    }

    /// When the catalog was read.
    #[getter]
    fn read_at(&self) -> Time {
        Time(self.0.read_at())
    }

    /// The same in milliseconds since the Unix epoch, exactly.
    #[getter]
    fn read_at_ms(&self) -> i64 {
        self.0.read_at().as_millis()
    }

    /// Whether it was read longer ago than `max_age`; left out: a day.
    #[pyo3(signature = (now, max_age=None))]
    fn is_old(&self, now: Time, max_age: Option<Span>) -> bool {
        self.0.is_old(now.0, max_age.map_or(webex_oauth::Services::DEFAULT_MAX_AGE, |age| age.0))
    }

    fn __len__(&self) -> usize {
        self.0.iter().count()
    }

    fn __contains__(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    fn __repr__(&self) -> String {
        format!("Services({})", self.names().join(", "))
    }
}
