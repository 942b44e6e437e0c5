//! Instants, durations and other plain values between the two languages.

use std::time::Duration;

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyInt, PyTuple};
use webex_oauth::Timestamp;

use crate::errors::invalid;

/// An instant. Python gives an aware `datetime` or whole milliseconds since the Unix epoch, and gets a `datetime` in
/// UTC; what lies beyond the calendar becomes its last or first instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Time(pub(crate) Timestamp);

/// A duration. Python gives a `timedelta` or seconds, and gets a `timedelta`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) Duration);

const DAY: i64 = 86_400_000;
/// The first and the last millisecond that a `datetime` can hold.
const CALENDAR: (i64, i64) = (-62_135_596_800_000, 253_402_300_799_999);

struct Calendar {
    epoch: Py<PyAny>,
    datetime: Py<PyAny>,
    timedelta: Py<PyAny>,
}

fn calendar(py: Python<'_>) -> PyResult<&'static Calendar> {
    static CALENDAR: PyOnceLock<Calendar> = PyOnceLock::new();
    CALENDAR.get_or_try_init(py, || {
        let module = py.import("datetime")?;
        let utc = module.getattr("timezone")?.getattr("utc")?;
        let datetime = module.getattr("datetime")?;
        let epoch = datetime.call1((1970, 1, 1, 0, 0, 0, 0, utc))?.unbind();
        Ok(Calendar { epoch, datetime: datetime.unbind(), timedelta: module.getattr("timedelta")?.unbind() })
    })
}

fn is_int(object: &Borrowed<'_, '_, PyAny>) -> bool {
    object.is_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>()
}

impl FromPyObject<'_, '_> for Time {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        if is_int(&object) {
            // Milliseconds beyond 64 bits saturate, as all of the core's arithmetic does.
            let millis =
                object.extract::<i64>().or_else(|_| PyResult::Ok(if object.gt(0)? { i64::MAX } else { i64::MIN }))?;
            return Ok(Self(Timestamp::from_millis(millis)));
        }
        let calendar = calendar(py)?;
        if !object.is_instance(calendar.datetime.bind(py))? {
            return Err(invalid(py, "now", "an instant is an aware datetime, or whole milliseconds since 1970"));
        }
        if object.call_method0("utcoffset")?.is_none() {
            return Err(invalid(
                py,
                "now",
                "a datetime without a time zone could mean any instant: use datetime.now(timezone.utc)",
            ));
        }
        let since = object.sub(calendar.epoch.bind(py))?;
        let days: i64 = since.getattr("days")?.extract()?;
        let seconds: i64 = since.getattr("seconds")?.extract()?;
        let micros: i64 = since.getattr("microseconds")?.extract()?;
        Ok(Self(Timestamp::from_millis(days * DAY + seconds * 1000 + micros / 1000)))
    }
}

impl<'py> IntoPyObject<'py> for Time {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let calendar = calendar(py)?;
        let millis = self.0.as_millis().clamp(CALENDAR.0, CALENDAR.1);
        let (days, rest) = (millis.div_euclid(DAY), millis.rem_euclid(DAY));
        let since = calendar.timedelta.bind(py).call1((days, 0, 0, rest))?;
        calendar.epoch.bind(py).add(since)
    }
}

impl FromPyObject<'_, '_> for Span {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let py = object.py();
        let wrong = || invalid(py, "duration", "a duration is a timedelta or a number of seconds, and not negative");
        let seconds: f64 = if object.is_instance(calendar(py)?.timedelta.bind(py))? {
            let (days, seconds, micros): (i64, i64, i64) = (
                object.getattr("days")?.extract()?,
                object.getattr("seconds")?.extract()?,
                object.getattr("microseconds")?.extract()?,
            );
            let total = (days * DAY + seconds * 1000).checked_mul(1000).and_then(|total| total.checked_add(micros));
            let total = total.and_then(|total| u64::try_from(total).ok()).ok_or_else(wrong)?;
            return Ok(Self(Duration::from_micros(total)));
        } else if object.is_instance_of::<PyBool>() {
            return Err(wrong());
        } else {
            object.extract().map_err(|_| wrong())?
        };
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| wrong())
    }
}

impl<'py> IntoPyObject<'py> for Span {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        /// The most that a `timedelta` holds.
        const MOST_DAYS: u64 = 999_999_999;
        let seconds = self.0.as_secs().min(MOST_DAYS * 86_400);
        calendar(py)?.timedelta.bind(py).call1((seconds / 86_400, seconds % 86_400, self.0.subsec_micros()))
    }
}

pub(crate) fn millis(time: Option<Time>) -> Option<i64> {
    time.map(|time| time.0.as_millis())
}

/// `Class(name=value, ...)` of the members in `__match_args__`. Safe: a secret is its own redacted type.
pub(crate) fn repr(object: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = object.get_type();
    let names = class.getattr("__match_args__")?.cast_into::<PyTuple>()?;
    let mut members = Vec::with_capacity(names.len());
    for name in names.iter() {
        let name: String = name.extract()?;
        members.push(format!("{name}={}", object.getattr(name.as_str())?.repr()?));
    }
    Ok(format!("{}({})", class.getattr("__qualname__")?.extract::<String>()?, members.join(", ")))
}

/// `__repr__` by [`repr`]; `Class: a, b` also names the members for `match` and `repr`, which variants of an enum have
/// already.
macro_rules! described {
    ($($class:ident),+ $(,)?) => {$(
        #[pyo3::pymethods]
        impl $class {
            fn __repr__(slf: &pyo3::Bound<'_, Self>) -> pyo3::PyResult<String> {
                $crate::convert::repr(slf.as_any())
            }
        }
    )+};
    ($class:ident: $($member:ident),+) => {
        #[pyo3::pymethods]
        impl $class {
            #[classattr]
            #[pyo3(name = "__match_args__")]
            fn match_args(py: pyo3::Python<'_>) -> pyo3::PyResult<pyo3::Bound<'_, pyo3::types::PyTuple>> {
                pyo3::types::PyTuple::new(py, [$(stringify!($member)),+])
            }
        }
        $crate::convert::described!($class);
    };
}
pub(crate) use described;
