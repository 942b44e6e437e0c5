//! The coordinator: calls and results go in as the plain classes of `webex_oauth.coordinator`, outputs come back as such, all
//! of one step at once.

mod given;
mod outputs;
mod rebinding;

use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use webex_oauth::Entropy;
use webex_oauth::coordinator::{JobId, Now, Options, Refused, StoreTraits, Tick, Ticket, Times, WakeAt};

use self::given::{call, done};
use self::outputs::Outputs;
pub(crate) use self::rebinding::Rebinding;
use crate::access::Status;
use crate::config::Config;
use crate::convert::{Span, Time};
use crate::errors::{Raise, invalid};
use crate::secret::{Secret, SecretText};
use crate::session::{Session, entropy};
use crate::tokens::TokenSet;

/// What both clocks read: the wall's, and milliseconds of one that only goes forward and counts sleep.
#[derive(FromPyObject)]
struct Clocks(Time, u64);

impl From<Clocks> for Now {
    fn from(Clocks(wall, mono): Clocks) -> Self {
        Self { wall: wall.0, mono: Tick::from_millis(mono) }
    }
}

/// Who waits for what, when to store and when to send: everything above a session, without IO. See `webex_oauth.coordinator`.
#[pyclass(frozen, module = "webex_oauth")]
pub(crate) struct Coordinator {
    // One call, one step: whoever changed it has what it said, and no second thread comes in between.
    inner: Mutex<webex_oauth::coordinator::Coordinator>,
}

impl Coordinator {
    fn lock(&self) -> MutexGuard<'_, webex_oauth::coordinator::Coordinator> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step, and everything that it led to.
    fn step<'py, T>(
        &self,
        py: Python<'py>,
        step: impl FnOnce(&mut webex_oauth::coordinator::Coordinator) -> T,
    ) -> PyResult<(T, Bound<'py, PyAny>)> {
        let mut coordinator = self.lock();
        let result = step(&mut coordinator);
        let drained: Vec<_> = std::iter::from_fn(|| coordinator.poll()).collect();
        drop(coordinator);
        Ok((result, Outputs::new(py)?.list(drained)?))
    }
}

/// The outputs of a step; of one that was refused in its exception: what was due by the clock is not lost.
fn answered<'py>(py: Python<'py>, accepted: PyResult<()>, outputs: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    match accepted {
        Ok(()) => Ok(outputs),
        Err(problem) => {
            problem.value(py).setattr("outputs", outputs)?;
            Err(problem)
        }
    }
}

#[pymethods]
impl Coordinator {
    /// A session as the store holds it, or a fresh one. Without `store` it lives in memory alone.
    #[new]
    #[pyo3(signature = (
        config, seed, stored = None, *, store = false, lock_domain = None, rotates = None, patience = None,
        host_limit = None, farewell = None, times = None
    ))]
    #[allow(clippy::too_many_arguments, reason = "keywords")]
    fn new(
        config: &Config,
        seed: &Bound<'_, PyAny>,
        stored: Option<SecretText>,
        store: bool,
        lock_domain: Option<String>,
        rotates: Option<bool>,
        patience: Option<Span>,
        host_limit: Option<Span>,
        farewell: Option<Span>,
        times: Option<(Span, Span, Span, Span)>,
    ) -> PyResult<Self> {
        let defaults = Options::new(&config.0, store.then_some(StoreTraits { lock_domain }));
        let options = Options {
            rotates: rotates.unwrap_or(defaults.rotates),
            patience: patience.map_or(defaults.patience, |span| span.0),
            host_limit: host_limit.map_or(defaults.host_limit, |span| span.0),
            farewell: farewell.map_or(defaults.farewell, |span| span.0),
            times: times.map_or(defaults.times, |(request, margin, poll_gap, resave)| Times {
                request: request.0,
                margin: margin.0,
                poll_gap: poll_gap.0,
                resave: resave.0,
            }),
            store: defaults.store,
        };
        let stored = stored.map(|stored| stored.0);
        let opened =
            webex_oauth::coordinator::Coordinator::open(config.0.clone(), stored.as_ref(), entropy(seed)?, options);
        Ok(Self { inner: Mutex::new(opened.map_err(|error| error.raise(seed.py()))?) })
    }

    /// Takes a call in, under a ticket of the caller's choice. One that raises has changed nothing.
    fn call<'py>(
        &self,
        py: Python<'py>,
        now: Clocks,
        ticket: u64,
        call: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = self::call(call)?;
        let (accepted, outputs) = self.step(py, |coordinator| coordinator.call(now.into(), Ticket(ticket), call))?;
        let accepted = accepted.map_err(|refused| match refused {
            Refused::TicketInUse => invalid(py, "ticket", "it belongs to a call that is still open"),
            Refused::Misuse(misuse) => misuse.raise(py),
        });
        answered(py, accepted, outputs)
    }

    /// The caller went away: its ticket is free.
    fn give_up(&self, ticket: u64) {
        self.lock().give_up(Ticket(ticket));
    }

    /// A job ended. Unknown, late and repeated reports are ignored.
    fn done<'py>(
        &self,
        py: Python<'py>,
        now: Clocks,
        job: u64,
        result: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let result = self::done(result)?;
        Ok(self.step(py, |coordinator| coordinator.done(now.into(), JobId(job), result))?.1)
    }

    /// Time has passed. Spurious ones do nothing.
    fn wake<'py>(&self, py: Python<'py>, now: Clocks) -> PyResult<Bound<'py, PyAny>> {
        Ok(self.step(py, |coordinator| coordinator.wake(now.into()))?.1)
    }

    /// The process was forked, or the event loop replaced: no job will report. `seed` is a new one.
    fn restarted<'py>(&self, py: Python<'py>, now: Clocks, seed: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let seed: Entropy = entropy(seed)?;
        Ok(self.step(py, |coordinator| coordinator.restarted(now.into(), &seed))?.1)
    }

    /// An API was called without the token, since it may not go there: told to whoever listens, once for each host.
    fn called_without_token<'py>(&self, py: Python<'py>, now: Clocks, url: SecretText) -> PyResult<Bound<'py, PyAny>> {
        let (told, outputs) = self.step(py, |coordinator| coordinator.called_without_token(now.into(), url.0))?;
        answered(py, told.map_err(|misuse| misuse.raise(py)), outputs)
    }

    /// How long to sleep before `wake`, at most; `None`: nothing waits for time.
    fn pause(&self, now: Clocks) -> Option<f64> {
        let coordinator = self.lock();
        (coordinator.wake_at() != WakeAt::default()).then(|| coordinator.pause(&now.into()).as_secs_f64())
    }

    /// Whether nothing is under way but looks that nobody waits for, and all is stored: it may be dropped.
    #[getter]
    fn is_at_rest(&self) -> bool {
        self.lock().is_at_rest()
    }

    /// Whether nothing new is begun any longer.
    #[getter]
    fn is_closing(&self) -> bool {
        self.lock().is_closing()
    }

    /// A copy of the session as it is now, to ask it questions: what it is given does not come here.
    #[getter]
    fn session(&self, py: Python<'_>) -> PyResult<Session> {
        let coordinator = self.lock();
        let session = coordinator.session();
        Session::of(py, session.config(), &session.snapshot())
    }

    /// When to call `wake`: by the wall clock and by the monotonic one, whichever comes first.
    #[getter]
    fn wake_at(&self) -> (Option<i64>, Option<u64>) {
        let wake_at = self.lock().wake_at();
        (wake_at.wall.map(|at| at.as_millis()), wake_at.mono.map(|at| at.as_millis()))
    }

    /// Why what is in the session is not in the store, where that is so.
    #[getter]
    fn store_fault<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        let fault = self.lock().store_fault().cloned();
        fault.map(|fault| Outputs::new(py)?.store_fault(fault)).transpose()
    }

    /// A summary of the session for people.
    fn status(&self, now: Time) -> Status {
        self.lock().session().status(now.0).into()
    }

    /// The tokens themselves.
    #[getter]
    fn tokens(&self) -> Option<TokenSet> {
        self.lock().session().tokens().cloned().map(TokenSet)
    }

    /// The revision of the session.
    #[getter]
    fn revision(&self) -> u64 {
        self.lock().session().revision()
    }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    #[pyo3(signature = (goto = None))]
    fn logout_url(&self, goto: Option<&str>) -> Option<Secret> {
        self.lock().session().logout_url(goto).map(Secret)
    }

    fn __repr__(&self) -> String {
        let coordinator = self.lock();
        let session = coordinator.session();
        format!("Coordinator(client_id={:?}, revision={})", session.config().client_id(), session.revision())
    }
}
