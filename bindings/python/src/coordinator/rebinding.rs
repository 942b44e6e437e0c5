//! A session gets another key.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use webex_oauth::coordinator::{RebindFailed, RebindKey, RebindStep};
use webex_oauth::{SignInReason as CoreReason, SignedOutReason};

use super::given;
use super::outputs::Outputs;
use crate::access::SignInReason;
use crate::config::Config;
use crate::errors::{Raise, exception, text};

/// A session on its way from one key of its store to another. See `webex_oauth.coordinator`.
#[pyclass(frozen, module = "webex_oauth")]
pub(crate) struct Rebinding(Mutex<webex_oauth::coordinator::Rebinding>);

impl Rebinding {
    fn lock(&self) -> MutexGuard<'_, webex_oauth::coordinator::Rebinding> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Rebinding {
    #[new]
    fn new(config: &Config) -> Self {
        Self(Mutex::new(webex_oauth::coordinator::Rebinding::new(config.0.clone())))
    }

    /// What to do at the store of which key, the same until `done`; `None` where the session has its new key.
    ///
    /// Raises SignInRequired where nobody is signed in under the old key, or another node was faster; StoreError of kind
    /// `busy` where another node renews this session now; RestoreError where a record cannot be read; in all of these
    /// nothing has changed. A StoreError of kind `other` where others store something again and again, or the store
    /// failed: then raise the store's own error.
    fn step<'py>(&self, py: Python<'py>) -> PyResult<Option<(&'static str, Bound<'py, PyAny>)>> {
        let step = self.lock().step();
        match step {
            RebindStep::Do { at, op } => {
                let at = if at == RebindKey::From { "from" } else { "to" };
                Ok(Some((at, Outputs::new(py)?.rebind_op(op)?)))
            }
            RebindStep::End(end) => end.map(|()| None).map_err(|failed| failed.raise(py)),
        }
    }

    /// What the step came to: Loaded; Saved or Conflict; Saved for what was deleted; StoreFailed for any. A result of
    /// another kind than was asked for counts as its failure.
    fn done(&self, result: &Bound<'_, PyAny>) -> PyResult<()> {
        let done = given::done(result)?;
        self.lock().done(done);
        Ok(())
    }
}

impl Raise for RebindFailed {
    fn raise(self, py: Python<'_>) -> PyErr {
        let problem = self.to_string();
        let store_error = |kind| exception(py, "StoreError", &problem, &[("kind", text(py, kind))]);
        match self {
            Self::NobodySignedIn => {
                let reason = CoreReason::SignedOut(SignedOutReason::NeverSignedIn);
                match SignInReason::from(reason).into_bound_py_any(py) {
                    Ok(reason) => exception(py, "SignInRequired", &problem, &[("reason", reason)]),
                    Err(error) => error,
                }
            }
            Self::BeingRenewed => store_error("busy"),
            Self::Restore(error) => error.raise(py),
            _ => store_error("other"),
        }
    }
}
