//! Playing a transcript again.

use pyo3::prelude::*;

use crate::access::Phase;
use crate::convert::{Time, described};
use crate::errors::Raise;

/// One input of a replay: what was recorded, and what it led to now.
#[pyclass(frozen, get_all, module = "webex_oauth")]
pub(crate) struct ReplayStep {
    /// When, by the recorded clock.
    at: Time,
    /// The input's name: `begin_login`, `response`, …
    input: String,
    /// What was recorded.
    recorded: Vec<String>,
    /// What it led to now.
    replayed: Vec<String>,
    /// Where the session is then.
    phase: Phase,
    /// True where it came to what was recorded.
    is_faithful: bool,
}

/// Plays a transcript of `Session.transcript()` again. Needs nothing but the text: no network, no clock, no secrets.
#[pyfunction]
#[pyo3(signature = (transcript, /))]
pub(crate) fn replay(py: Python<'_>, transcript: &str) -> PyResult<Vec<ReplayStep>> {
    let replay = webex_oauth::transcript::replay(transcript).map_err(|error| error.raise(py))?;
    let step = |step: webex_oauth::transcript::ReplayStep| ReplayStep {
        is_faithful: step.is_faithful(),
        at: Time(step.at),
        input: step.input,
        recorded: step.recorded,
        replayed: step.replayed,
        phase: step.phase.into(),
    };
    Ok(replay.steps.into_iter().map(step).collect())
}

described!(ReplayStep: at, input, recorded, replayed, phase, is_faithful);
