//! Where the metadata of a server is, and how to get there.

use pyo3::prelude::*;
use pyo3::types::PyString;
use webex_oauth::{HttpResponse, MetadataAnswer, MetadataStep};

use crate::errors::{Raise, invalid};
use crate::provider::Provider;
use crate::variables::Variables;
use crate::words::SendFault;

/// Where the metadata of a server is that variables name: a `file`, or to be fetched from the `issuer`.
#[pyclass(frozen, eq, module = "webex_oauth.protocol")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MetadataSource(webex_oauth::MetadataSource);

#[pymethods]
impl MetadataSource {
    /// What `WEBEX_ISSUER` and `WEBEX_METADATA` say; `None` where neither is set.
    #[staticmethod]
    fn from_variables(variables: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        let source = Variables::of(variables)?.read(|lookup| webex_oauth::MetadataSource::from_variables(lookup))?;
        Ok(source.map(Self))
    }

    /// Whose metadata it has to be.
    #[getter]
    fn issuer(&self) -> Option<&str> {
        self.0.issuer.as_deref()
    }

    /// The file that it is in; `metadata_step` leads to it where there is none.
    #[getter]
    fn file(&self) -> Option<&str> {
        self.0.file.as_deref()
    }

    /// The server that the file describes.
    fn read_file(&self, py: Python<'_>, document: &[u8]) -> PyResult<Provider> {
        self.0.read_file(document).map(Provider).map_err(|error| error.raise(py))
    }

    /// Raises what there is to say where the file could not be read.
    fn unreadable(&self, py: Python<'_>, why: &str) -> PyResult<()> {
        Err(self.0.unreadable(why).raise(py))
    }

    fn __repr__(&self) -> String {
        format!("MetadataSource(issuer={:?}, file={:?})", self.0.issuer, self.0.file)
    }
}

/// Leads to the metadata of `issuer`: an address to `GET` with `accept: application/json` and without following redirects,
/// or the server. `answers` are those to the addresses before: `(status, body)`, or how sending failed.
#[pyfunction]
pub(crate) fn metadata_step<'py>(
    py: Python<'py>,
    issuer: &str,
    answers: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let answers = answers.iter().map(answer).collect::<PyResult<Vec<_>>>()?;
    match webex_oauth::metadata_step(issuer, &answers).map_err(|error| error.raise(py))? {
        MetadataStep::Fetch { url } => Ok(PyString::new(py, &url).into_any()),
        MetadataStep::Found { provider } => Ok(Bound::new(py, Provider(*provider))?.into_any()),
    }
}

fn answer(value: &Bound<'_, PyAny>) -> PyResult<MetadataAnswer> {
    if let Ok((status, body)) = value.extract::<(u16, Vec<u8>)>() {
        return Ok(MetadataAnswer::Response(HttpResponse { status, headers: Vec::new(), body }));
    }
    let fault = value.extract::<SendFault>();
    fault
        .map(|fault| MetadataAnswer::Failed(fault.0))
        .map_err(|_| invalid(value.py(), "answers", "expected (status, body), or how sending failed"))
}
