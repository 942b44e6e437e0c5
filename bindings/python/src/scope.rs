//! Scope as a set.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use pyo3::prelude::*;
use pyo3::types::PyString;

use crate::convert::described;
use crate::errors::invalid;

/// A set of scope tokens: iterable, comparable, `str(scope)` is sorted and separated by single spaces.
#[pyclass(frozen, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope(pub(crate) webex_oauth::Scope);

#[pymethods]
impl Scope {
    /// From a text separated by white space, or from tokens.
    #[new]
    #[pyo3(signature = (tokens = ScopeText::default(), /))]
    fn new(tokens: ScopeText) -> Self {
        Self(tokens.0)
    }

    /// True where every token is in `other`.
    fn issubset(&self, other: ScopeText) -> bool {
        self.0.is_subset_of(&other.0)
    }

    fn __str__(&self) -> &str {
        self.0.as_str()
    }

    /// For `pickle`.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> (Bound<'py, PyAny>, (String,)) {
        (slf.get_type().into_any(), (slf.get().0.as_str().to_owned(),))
    }

    fn __repr__(&self) -> String {
        format!("{:?}", self.0)
    }

    fn __len__(&self) -> usize {
        self.0.tokens().count()
    }

    fn __contains__(&self, token: &str) -> bool {
        self.0.contains(token)
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, pyo3::types::PyIterator>> {
        pyo3::types::PyTuple::new(py, self.0.tokens().collect::<Vec<_>>())?.try_iter()
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<Self>().is_ok_and(|other| other.get() == self)
    }

    fn __hash__(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        hasher.finish()
    }

    fn __le__(&self, other: ScopeText) -> bool {
        self.0.is_subset_of(&other.0)
    }

    fn __ge__(&self, other: ScopeText) -> bool {
        other.0.is_subset_of(&self.0)
    }

    fn __sub__(&self, other: ScopeText) -> Self {
        Self(self.0.minus(&other.0))
    }

    fn __and__(&self, other: ScopeText) -> Self {
        Self(self.0.intersection(&other.0))
    }

    fn __or__(&self, other: ScopeText) -> Self {
        Self(self.0.union(&other.0))
    }
}

/// An argument that is a scope: a text, a [`Scope`], or an iterable of tokens.
#[derive(Default)]
pub(crate) struct ScopeText(pub(crate) webex_oauth::Scope);

impl FromPyObject<'_, '_> for ScopeText {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let wrong = || invalid(object.py(), "scope", "expected str, Scope or an iterable of str");
        if let Ok(scope) = object.cast::<Scope>() {
            return Ok(Self(scope.get().0.clone()));
        }
        if let Ok(text) = object.cast::<PyString>() {
            let text: String = text.extract().map_err(|_| wrong())?;
            return Ok(Self(webex_oauth::Scope::parse(&text)));
        }
        let mut text = String::new();
        for token in object.try_iter().map_err(|_| wrong())? {
            text.push_str(&token?.extract::<String>().map_err(|_| wrong())?);
            text.push(' ');
        }
        Ok(Self(webex_oauth::Scope::parse(&text)))
    }
}

/// How the granted scope differs from the requested one.
#[pyclass(frozen, eq, get_all, from_py_object, module = "webex_oauth")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ScopeDelta {
    /// What the tokens may do.
    granted: Scope,
    /// Asked for and not granted.
    missing: Scope,
    /// Granted without being asked for.
    extra: Scope,
}

#[pymethods]
impl ScopeDelta {
    /// Compares what was asked for with what was granted.
    #[staticmethod]
    fn between(requested: ScopeText, granted: ScopeText) -> Self {
        webex_oauth::ScopeDelta::between(&requested.0, &granted.0).into()
    }

    /// False where the server granted just what was asked for.
    fn __bool__(&self) -> bool {
        !(self.missing.0.is_empty() && self.extra.0.is_empty())
    }
}

impl From<webex_oauth::ScopeDelta> for ScopeDelta {
    fn from(delta: webex_oauth::ScopeDelta) -> Self {
        Self { granted: Scope(delta.granted), missing: Scope(delta.missing), extra: Scope(delta.extra) }
    }
}

impl From<ScopeDelta> for webex_oauth::ScopeDelta {
    fn from(delta: ScopeDelta) -> Self {
        Self { granted: delta.granted.0, missing: delta.missing.0, extra: delta.extra.0 }
    }
}

described!(ScopeDelta: granted, missing, extra);
