//! The session: one method per input, and the queries.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use webex_oauth::{Entropy, LoginId, Misuse, RequestId, SignOutOptions, Timestamp, WhichLogin};

use crate::access::{Access, Phase, Status, Verdict};
use crate::config::Config;
use crate::convert::{Time, millis};
use crate::effect::{Effect, Output};
use crate::errors::{Raise, invalid};
use crate::http::HttpResponse;
use crate::login::LoginOptions;
use crate::scope::{Scope, ScopeText};
use crate::secret::{Secret, SecretText};
use crate::tokens::TokenSet;
use crate::words::{LogoutVia, SendFault};

/// One user's authorization, from the first login URL to the last sign-out: no IO, no clock, no thread.
///
/// Each input returns an [`Output`] whose effects are to be done in order. A call that raises has changed nothing.
/// Every `now` is an aware `datetime` or whole milliseconds since 1970.
#[pyclass(frozen, module = "webex_oauth")]
pub(crate) struct Session {
    // Calls take microseconds and hold the GIL, so nobody ever waits here; it is for builds without one.
    inner: Mutex<webex_oauth::Session>,
}

impl Session {
    fn lock(&self) -> MutexGuard<'_, webex_oauth::Session> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn of(py: Python<'_>, config: &webex_oauth::Config, snapshot: &webex_oauth::Secret) -> PyResult<Self> {
        let session = webex_oauth::Session::restore(config.clone(), snapshot.expose());
        Ok(Self { inner: Mutex::new(session.map_err(|error| error.raise(py))?) })
    }

    fn give(
        &self,
        py: Python<'_>,
        input: impl FnOnce(&mut webex_oauth::Session) -> Result<webex_oauth::Output, Misuse>,
    ) -> PyResult<Output> {
        let result = input(&mut self.lock());
        Output::new(py, result.map_err(|misuse| misuse.raise(py))?)
    }
}

pub(crate) fn entropy(bytes: &Bound<'_, PyAny>) -> PyResult<Entropy> {
    let py = bytes.py();
    let wrong = |_| invalid(py, "entropy", "expected bytes: os.urandom(ENTROPY_LEN)");
    Entropy::new(bytes.extract::<&[u8]>().map_err(wrong)?).map_err(|error| error.raise(py))
}

#[pymethods]
impl Session {
    /// A signed-out session. `seed` is `os.urandom(ENTROPY_LEN)`.
    #[new]
    fn new(config: &Config, seed: &Bound<'_, PyAny>) -> PyResult<Self> {
        let session = webex_oauth::Session::new(config.0.clone(), entropy(seed)?);
        Ok(Self { inner: Mutex::new(session) })
    }

    /// A session as it was stored, a pending login included.
    #[staticmethod]
    fn restore(py: Python<'_>, config: &Config, snapshot: SecretText) -> PyResult<Self> {
        Self::of(py, &config.0, &snapshot.0)
    }

    // ------------------------------------------------------------------------------------------------------- inputs

    /// The user wants to sign in through a browser.
    #[pyo3(signature = (now, options, entropy))]
    fn begin_login(
        &self,
        py: Python<'_>,
        now: Time,
        options: LoginOptions,
        entropy: &Bound<'_, PyAny>,
    ) -> PyResult<Output> {
        let entropy = self::entropy(entropy)?;
        self.give(py, |session| session.begin_login(now.0, options.0, entropy))
    }

    /// The browser came back: the whole URL, its query, its fragment, or the body of a form post.
    fn complete_login(&self, py: Python<'_>, now: Time, callback: SecretText) -> PyResult<Output> {
        self.give(py, |session| session.complete_login(now.0, callback.0))
    }

    /// The user gave up one login in a browser, named by its URL or its state; or the one that is under way, while those that
    /// wait for their browser go on; or all that there are. A signed-in session continues as before.
    #[pyo3(signature = (now, of = None, *, under_way = false))]
    fn cancel_login(&self, py: Python<'_>, now: Time, of: Option<SecretText>, under_way: bool) -> PyResult<Output> {
        let which = match (of.and_then(|of| LoginId::of(of.0.expose())), under_way) {
            (Some(_), true) => return Err(PyValueError::new_err("one login: of or under_way")),
            (Some(of), false) => WhichLogin::Browser(of),
            (None, true) => WhichLogin::UnderWay,
            (None, false) => WhichLogin::All,
        };
        self.give(py, |session| session.cancel_login(now.0, which))
    }

    /// Redeem a code whose state the host has verified itself.
    #[pyo3(signature = (now, code, verifier = None))]
    fn redeem_code(
        &self,
        py: Python<'_>,
        now: Time,
        code: SecretText,
        verifier: Option<SecretText>,
    ) -> PyResult<Output> {
        self.give(py, |session| session.redeem_code(now.0, code.0, verifier.map(|verifier| verifier.0)))
    }

    /// Start the device grant (RFC 8628).
    #[pyo3(signature = (now, scope = None))]
    fn begin_device_login(&self, py: Python<'_>, now: Time, scope: Option<ScopeText>) -> PyResult<Output> {
        self.give(py, |session| session.begin_device_login(now.0, scope.map(|scope| scope.0)))
    }

    /// Webex: sign in as the guest that this JWT names.
    fn sign_in_with_jwt(&self, py: Python<'_>, now: Time, jwt: SecretText) -> PyResult<Output> {
        self.give(py, |session| session.sign_in_with_jwt(now.0, jwt.0))
    }

    /// Webex: sign in as a guest through a Service App's token.
    fn sign_in_as_guest(
        &self,
        py: Python<'_>,
        now: Time,
        service_token: SecretText,
        subject: &str,
        display_name: &str,
    ) -> PyResult<Output> {
        self.give(py, |session| session.sign_in_as_guest(now.0, service_token.0, subject, display_name))
    }

    /// Sign in as the client itself (RFC 6749 section 4.4).
    #[pyo3(signature = (now, scope = None))]
    fn sign_in_with_client_credentials(&self, py: Python<'_>, now: Time, scope: Option<ScopeText>) -> PyResult<Output> {
        self.give(py, |session| session.sign_in_with_client_credentials(now.0, scope.map(|scope| scope.0)))
    }

    /// Take over tokens from elsewhere: a bare token, `Bearer x`, a JSON object, a hand-off query string, or a refresh
    /// token alone.
    fn adopt(&self, py: Python<'_>, now: Time, tokens: SecretText) -> PyResult<Output> {
        self.give(py, |session| session.adopt(now.0, tokens.0))
    }

    /// Another process changed the store. The newer of the two states wins; nothing is lost.
    fn reload(&self, py: Python<'_>, now: Time, snapshot: SecretText) -> PyResult<Output> {
        self.give(py, |session| session.reload(now.0, snapshot.0))
    }

    /// Somebody needs a token now: begin a refresh if that is due.
    fn ensure_fresh(&self, py: Python<'_>, now: Time) -> PyResult<Output> {
        self.give(py, |session| session.ensure_fresh(now.0))
    }

    /// The host wants new tokens whatever the clock says.
    fn refresh(&self, py: Python<'_>, now: Time) -> PyResult<Output> {
        self.give(py, |session| session.refresh(now.0))
    }

    /// An API answered 401 to the token of this generation.
    fn token_rejected(&self, py: Python<'_>, now: Time, generation: u64) -> PyResult<Output> {
        self.give(py, |session| session.token_rejected(now.0, generation))
    }

    /// An API answered 451: the organization may not be served here any longer. Ends the session.
    fn embargoed(&self, py: Python<'_>, now: Time) -> PyResult<Output> {
        self.give(py, |session| session.embargoed(now.0))
    }

    /// An API was called without the token, since `judge_url` said that it may not go there. Answered by `TokenWithheld`,
    /// once for each host.
    fn called_without_token(&self, py: Python<'_>, now: Time, url: &str) -> PyResult<Output> {
        self.give(py, |session| session.called_without_token(now.0, url))
    }

    /// Get a user token with less scope.
    fn downscope(&self, py: Python<'_>, now: Time, scope: ScopeText) -> PyResult<Output> {
        self.give(py, |session| session.downscope(now.0, scope.0))
    }

    /// The answer to `AskForToken`, in the shapes of `adopt`.
    fn provide_token(&self, py: Python<'_>, now: Time, id: u64, tokens: SecretText) -> PyResult<Output> {
        self.give(py, |session| session.provide_token(now.0, RequestId(id), tokens.0))
    }

    /// The answer to `AskForJwt`.
    fn provide_jwt(&self, py: Python<'_>, now: Time, id: u64, jwt: SecretText) -> PyResult<Output> {
        self.give(py, |session| session.provide_jwt(now.0, RequestId(id), jwt.0))
    }

    /// The host could not answer. `reason` is for people; it must not contain a secret.
    fn host_failed(&self, py: Python<'_>, now: Time, id: u64, reason: &str) -> PyResult<Output> {
        self.give(py, |session| session.host_failed(now.0, RequestId(id), reason))
    }

    /// The user signs out. Completes at once, whatever the network says.
    #[pyo3(signature = (now, *, revoke = true, logout = LogoutVia(webex_oauth::LogoutVia::Nothing), goto = None))]
    fn sign_out(
        &self,
        py: Python<'_>,
        now: Time,
        revoke: bool,
        logout: LogoutVia,
        goto: Option<String>,
    ) -> PyResult<Output> {
        self.give(py, |session| session.sign_out(now.0, SignOutOptions { revoke, logout: logout.0, goto }))
    }

    /// An answer to a request, any status.
    fn response(&self, py: Python<'_>, now: Time, id: u64, response: HttpResponse) -> PyResult<Output> {
        self.give(py, |session| session.response(now.0, RequestId(id), response.0))
    }

    /// A request failed below HTTP.
    fn send_failed(&self, py: Python<'_>, now: Time, id: u64, fault: SendFault) -> PyResult<Output> {
        self.give(py, |session| session.send_failed(now.0, RequestId(id), fault.0))
    }

    /// Time has passed. Give it at `wake_at` and whenever convenient; a spurious one does nothing.
    fn tick(&self, py: Python<'_>, now: Time) -> PyResult<Output> {
        self.give(py, |session| session.tick(now.0))
    }

    // ---------------------------------------------------------------------- queries: asking changes nothing

    /// May I have a token now?
    fn access(&self, now: Time) -> Access {
        self.lock().access(now.0).into()
    }

    /// The same for a user token with less scope; `downscope` asks for one.
    fn access_for(&self, now: Time, scope: ScopeText) -> Access {
        self.lock().access_for(now.0, &scope.0).into()
    }

    /// The `Authorization` header where a token is ready and no refresh is due, else None: then ask `access`.
    /// Without `now`, the machine's clock is read.
    #[pyo3(signature = (now = None))]
    fn ready_header<'py>(&self, py: Python<'py>, now: Option<Time>) -> Option<Bound<'py, pyo3::types::PyString>> {
        let now = now.map_or_else(machine_clock, |now| now.0);
        match self.lock().access(now) {
            webex_oauth::Access::Ready { token, refresh_soon: false, .. } => {
                Some(pyo3::types::PyString::new(py, token.expose_header()))
            }
            webex_oauth::Access::Ready { refresh_soon: true, .. }
            | webex_oauth::Access::Stale { .. }
            | webex_oauth::Access::Refreshing { .. }
            | webex_oauth::Access::BackingOff { .. }
            | webex_oauth::Access::SignInRequired { .. } => None,
        }
    }

    /// Webex: the scope of a user token where none is named.
    fn user_scope(&self) -> Option<Scope> {
        self.lock().user_scope().map(Scope)
    }

    /// Where the session is.
    #[getter]
    fn phase(&self) -> Phase {
        self.lock().phase().into()
    }

    /// A summary for people.
    fn status(&self, now: Time) -> Status {
        self.lock().status(now.0).into()
    }

    /// When to call `tick` if nothing else happens before.
    #[getter]
    fn wake_at(&self) -> Option<Time> {
        self.lock().wake_at().map(Time)
    }

    /// `wake_at` in milliseconds since 1970, exactly.
    #[getter]
    fn wake_at_ms(&self) -> Option<i64> {
        millis(self.wake_at())
    }

    /// The tokens themselves, also those that a login under way would return to. For hand-off and display.
    #[getter]
    fn tokens(&self) -> Option<TokenSet> {
        self.lock().tokens().cloned().map(TokenSet)
    }

    /// The bytes that the last `Persist` stored, with what has changed since.
    fn snapshot(&self) -> Secret {
        Secret(self.lock().snapshot())
    }

    /// The revision of the last `Persist` or `reload`.
    #[getter]
    fn revision(&self) -> u64 {
        self.lock().revision()
    }

    /// When somebody should open this session next, to renew it ahead of its end: milliseconds since 1970, or `None`.
    #[getter]
    fn due_at(&self) -> Option<i64> {
        self.lock().due_at().map(Timestamp::as_millis)
    }

    /// Whether the answer to this request is still of use.
    fn awaits(&self, id: u64) -> bool {
        self.lock().awaits(RequestId(id))
    }

    /// Whether an effect is still to be done after a conflict of the store and a `reload`.
    fn still_wants(&self, effect: &Effect) -> bool {
        self.lock().still_wants(&effect.into())
    }

    /// What an API's answer means for the token that it was called with.
    #[pyo3(signature = (now, status, retry_after = None))]
    fn judge(&self, now: Time, status: u16, retry_after: Option<&str>) -> Verdict {
        self.lock().judge(now.0, status, retry_after).into()
    }

    /// Where a browser goes to sign out at the identity provider, without signing out here.
    #[pyo3(signature = (goto = None))]
    fn logout_url(&self, goto: Option<&str>) -> Option<Secret> {
        self.lock().logout_url(goto).map(Secret)
    }

    /// How many user tokens with less scope are at hand.
    #[getter]
    fn user_tokens(&self) -> usize {
        self.lock().user_tokens()
    }

    /// The configuration.
    #[getter]
    fn config(&self) -> Config {
        Config(self.lock().config().clone())
    }

    /// Begins a transcript without secrets: a bug report. Call it right after the session was made or restored.
    fn start_recording(&self) {
        self.lock().start_recording();
    }

    /// The transcript so far, as JSON lines, where one was begun.
    fn transcript(&self) -> Option<String> {
        self.lock().transcript().map(str::to_owned)
    }

    fn __repr__(&self) -> String {
        let session = self.lock();
        format!("Session(client_id={:?}, revision={})", session.config().client_id(), session.revision())
    }
}

fn machine_clock() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// The revision of stored bytes: the key by which a store compares before it swaps.
#[pyfunction]
#[pyo3(signature = (snapshot, /))]
pub(crate) fn snapshot_revision(py: Python<'_>, snapshot: SecretText) -> PyResult<u64> {
    webex_oauth::snapshot_revision(snapshot.0.expose()).map_err(|error| error.raise(py))
}

/// The name under which a store files the sessions of a client at a server, as those of a fleet's: 16 hexadecimal digits. None
/// where the bytes are encrypted, or no session.
#[pyfunction]
#[pyo3(signature = (snapshot, /))]
pub(crate) fn snapshot_client_tag(snapshot: SecretText) -> Option<String> {
    webex_oauth::snapshot_client_tag(snapshot.0.expose())
}

/// How many milliseconds a store keeps these bytes, from when it stores them and by its own clock: nobody is signed in there, and
/// they may go a week later, or a week after the last login that waits there. None where somebody is signed in, or it cannot be
/// told.
#[pyfunction]
#[pyo3(signature = (snapshot, /))]
pub(crate) fn snapshot_kept_for(snapshot: SecretText) -> Option<u64> {
    let kept_for = webex_oauth::snapshot_kept_for(snapshot.0.expose())?;
    Some(u64::try_from(kept_for.as_millis()).unwrap_or(u64::MAX))
}

/// The key under which stored bytes are encrypted; None where they are not.
#[pyfunction]
#[pyo3(signature = (snapshot, /))]
pub(crate) fn snapshot_key_id(snapshot: SecretText) -> Option<String> {
    webex_oauth::SealedHeader::read(snapshot.0.expose()).map(|header| header.key_id)
}
