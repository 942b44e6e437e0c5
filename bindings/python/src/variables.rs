//! A mapping of variables such as `os.environ`, of which only those that are read have to be texts.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use webex_oauth::ConfigError;

use crate::errors::{Raise, invalid};

/// The variable whose value is a path, and may be any bytes.
const METADATA: &str = "WEBEX_METADATA";

pub(crate) struct Variables<'py>(Bound<'py, PyDict>);

/// Why a variable that is there cannot be read.
enum Unreadable {
    /// Python has put what is not UTF-8 into lone surrogates.
    NotUtf8(String),
    NoText,
}

impl<'py> Variables<'py> {
    pub(crate) fn of(variables: &Bound<'py, PyAny>) -> PyResult<Self> {
        let py = variables.py();
        let copied = py.get_type::<PyDict>().call1((variables,)).ok();
        let dict = copied.and_then(|copied| copied.cast_into().ok());
        dict.map(Self).ok_or_else(|| no_mapping(py))
    }

    /// Hands a lookup to `read`. What cannot be read must not seem to be unsaid.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&dyn Fn(&str) -> Option<String>) -> Result<T, ConfigError>,
    ) -> PyResult<T> {
        let py = self.0.py();
        let unreadable = RefCell::new(None);
        let found = read(&|name| {
            let value = self.0.get_item(name).ok().flatten()?;
            let Ok(text) = value.cast::<PyString>() else {
                unreadable.borrow_mut().get_or_insert(Unreadable::NoText);
                return None;
            };
            match text.to_str() {
                Ok(text) => Some(text.to_owned()),
                Err(_) if name == METADATA => Some(text.to_string_lossy().into_owned()),
                Err(_) => {
                    unreadable.borrow_mut().get_or_insert_with(|| Unreadable::NotUtf8(name.to_owned()));
                    None
                }
            }
        });
        match unreadable.into_inner() {
            Some(Unreadable::NotUtf8(name)) => {
                Err(ConfigError::invalid("environment", format!("{name} is not UTF-8")).raise(py))
            }
            Some(Unreadable::NoText) => Err(no_mapping(py)),
            None => found.map_err(|error| error.raise(py)),
        }
    }
}

fn no_mapping(py: Python<'_>) -> PyErr {
    invalid(py, "variables", "expected a mapping of str to str")
}
