//! From what the core has its driver do to the classes of `webex_oauth.coordinator`.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyTuple};
use webex_oauth::Timestamp;
use webex_oauth::coordinator::{
    ClientEvent, Failure, Fresh, Next, Op, Output, RebindOp, Reply, Shown, Spent, StoreFault, StoreFaultKind,
};

use crate::access::SignInReason;
use crate::convert::Span;
use crate::effect::TokenAsk;
use crate::errors::{Fault, Raise};
use crate::event::Event;
use crate::http::HttpRequest;
use crate::login::DevicePrompt;
use crate::secret::{AccessToken, Secret};
use crate::words::IgnoredCallback;

type Made<'py> = PyResult<Bound<'py, PyAny>>;

/// Makes instances of the classes.
pub(super) struct Outputs<'py> {
    py: Python<'py>,
    module: Bound<'py, PyModule>,
}

impl<'py> Outputs<'py> {
    pub(super) fn new(py: Python<'py>) -> PyResult<Self> {
        static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
        let module = MODULE.get_or_try_init(py, || py.import("webex_oauth.coordinator").map(Bound::unbind))?;
        Ok(Self { py, module: module.bind(py).clone() })
    }

    pub(super) fn list(&self, outputs: Vec<Output>) -> Made<'py> {
        let outputs = outputs.into_iter().map(|output| self.output(output)).collect::<PyResult<Vec<_>>>()?;
        Ok(PyList::new(self.py, outputs)?.into_any())
    }

    fn make(&self, class: &str, members: &[Bound<'py, PyAny>]) -> Made<'py> {
        self.module.getattr(class)?.call1(PyTuple::new(self.py, members)?)
    }

    fn value(&self, value: impl IntoPyObjectExt<'py>) -> Made<'py> {
        value.into_bound_py_any(self.py)
    }

    fn number(&self, number: u64) -> Made<'py> {
        self.value(number)
    }

    fn at(&self, at: Option<Timestamp>) -> Made<'py> {
        self.value(at.map(Timestamp::as_millis))
    }

    fn output(&self, output: Output) -> Made<'py> {
        match output {
            Output::Do { job, op } => self.make("Do", &[self.number(job.0)?, self.op(op)?]),
            Output::Stop { job } => self.make("Stop", &[self.number(job.0)?]),
            Output::Resolve { ticket, reply } => self.make("Resolve", &[self.number(ticket.0)?, self.reply(reply)?]),
            Output::Show { ticket, what: Shown::DeviceCode(prompt) } => {
                self.make("Show", &[self.number(ticket.0)?, self.value(DevicePrompt::from(prompt))?])
            }
            Output::Tell { event } => {
                let event = match event {
                    ClientEvent::Session(event) => self.value(Event::from(event))?,
                    ClientEvent::StoreFailed(fault) => self.make("StoreFailed", &[self.store_fault(fault)?])?,
                    ClientEvent::StoreRecovered => self.make("StoreRecovered", &[])?,
                };
                self.make("Tell", &[event])
            }
            Output::Publish { fresh } => {
                let fresh = match fresh {
                    Some(fresh) => self.fresh(fresh)?,
                    None => self.value(self.py.None())?,
                };
                self.make("Publish", &[fresh])
            }
        }
    }

    fn fresh(&self, fresh: Fresh) -> Made<'py> {
        let Fresh { token, generation, expires_at, from, until } = fresh;
        let members = [
            self.value(AccessToken(token))?,
            self.number(generation)?,
            self.at(expires_at)?,
            self.at(Some(from))?,
            self.at(until)?,
        ];
        self.make("Fresh", &members)
    }

    fn op(&self, op: Op) -> Made<'py> {
        match op {
            Op::Load => self.make("Load", &[]),
            Op::Save { snapshot, revision, replaces, due_at } => {
                let snapshot = self.value(Secret(snapshot))?;
                self.make("Save", &[snapshot, self.number(revision)?, self.number(replaces)?, self.at(due_at)?])
            }
            Op::TryLock => self.make("TryLock", &[]),
            Op::Unlock => self.make("Unlock", &[]),
            Op::Send { request, fresh_connection, within, not_after } => {
                let members = [
                    self.value(HttpRequest::from(request))?,
                    self.value(fresh_connection)?,
                    self.value(Span(within))?,
                    self.value(not_after.map(|tick| tick.as_millis()))?,
                ];
                self.make("Send", &members)
            }
            Op::AskForToken { ask, within } => {
                self.make("AskForToken", &[self.value(TokenAsk::from(ask))?, self.value(Span(within))?])
            }
            Op::AskForJwt { within } => self.make("AskForJwt", &[self.value(Span(within))?]),
        }
    }

    pub(super) fn rebind_op(&self, op: RebindOp) -> Made<'py> {
        match op {
            RebindOp::Load => self.op(Op::Load),
            RebindOp::Save { snapshot, revision, replaces, due_at } => {
                self.op(Op::Save { snapshot, revision, replaces, due_at })
            }
            RebindOp::Delete => self.make("Delete", &[]),
        }
    }

    fn reply(&self, reply: Reply) -> Made<'py> {
        match reply {
            Reply::Token { token, generation, expires_at } => {
                let token = self.value(AccessToken(token))?;
                self.make("Ready", &[token, self.number(generation)?, self.at(expires_at)?])
            }
            Reply::Api(Next::Return { why }) => {
                let why = why.map(|why| self.failure(why)).transpose()?;
                self.make("Return", &[self.value(why)?])
            }
            Reply::Api(Next::Again { token, generation, spent }) => {
                let Spent { replays, waited, limit } = spent;
                let spent =
                    self.make("Spent", &[self.value(replays)?, self.value(Span(waited))?, self.value(Span(limit))?])?;
                self.make("Again", &[self.value(AccessToken(token))?, self.number(generation)?, spent])
            }
            Reply::SignedIn { cleaned_url, state } => {
                self.make("SignedIn", &[self.value(cleaned_url)?, self.value(state)?])
            }
            Reply::Url(url) => self.make("Url", &[self.value(Secret(url))?]),
            Reply::Done => self.make("Finished", &[]),
            Reply::Failed(failure) => self.make("Failed", &[self.failure(failure)?]),
        }
    }

    fn failure(&self, failure: Failure) -> Made<'py> {
        match failure {
            Failure::SignInRequired { reason } => {
                self.make("SignInRequired", &[self.value(SignInReason::from(reason))?])
            }
            Failure::Unavailable { fault, retry_at } => {
                self.make("Unavailable", &[self.value(Fault::from(fault))?, self.at(Some(retry_at))?])
            }
            Failure::LoginFailed { fault } => self.make("LoginFailed", &[self.value(Fault::from(fault))?]),
            Failure::CallbackIgnored { reason } => {
                self.make("CallbackIgnored", &[self.value(IgnoredCallback::from(reason))?])
            }
            Failure::LoginCancelled => self.make("LoginCancelled", &[]),
            Failure::LoginSuperseded => self.make("LoginSuperseded", &[]),
            Failure::Timeout { limit } => self.make("Timeout", &[self.value(Span(limit))?]),
            Failure::Store(fault) => self.make("Store", &[self.store_fault(fault)?]),
            Failure::ScopeUnknown => self.make("ScopeUnknown", &[]),
            Failure::Misuse(misuse) => {
                self.make("Misused", &[misuse.raise(self.py).into_value(self.py).into_bound(self.py).into_any()])
            }
            Failure::Closed => self.make("Closed", &[]),
            Failure::Interrupted => self.make("Interrupted", &[]),
        }
    }

    pub(super) fn store_fault(&self, fault: StoreFault) -> Made<'py> {
        let kind = match fault.kind {
            StoreFaultKind::Unavailable => "unavailable",
            StoreFaultKind::Denied => "denied",
            StoreFaultKind::Full => "full",
            StoreFaultKind::Damaged => "damaged",
            StoreFaultKind::Other => "other",
        };
        self.make("StoreFault", &[self.value(kind)?, self.value(fault.problem)?])
    }
}
