//! The client: tokens when they are needed, and what goes with them.

use std::fmt;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use webex_oauth::coordinator::{Call, Of, Reply};
use webex_oauth::{AccessToken, Config, Scope, Secret, SignOutOptions, Status, TokenSet};
use webex_oauth_driver::{ClientError, ClientEvent, KnownServices, StoreError, settings, store_error};

use crate::builder::ClientBuilder;
use crate::discover::fetch;
use crate::executor::{Executor, Waiting};
use crate::transport::Transport;

/// What [`Client::call`] may cost.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// One request.
    pub(crate) request: Duration,
    /// Waiting in all because an API asks for it.
    pub(crate) wait: Duration,
    /// The bytes of an answer.
    pub(crate) body: usize,
}

impl Limits {
    /// The usual ones.
    pub(crate) fn of(config: &Config) -> Self {
        let (request, wait) = (config.parts().request_timeout, Duration::from_secs(60));
        Self { request, wait, body: 16 * 1024 * 1024 }
    }
}

/// One user's sign-in, ready to use from any thread.
///
/// Clones are handles to the same session. When the last one goes, the client is closed as by [`Client::close`].
#[derive(Clone)]
pub struct Client {
    handle: Arc<Handle>,
}

struct Handle {
    executor: Arc<Executor>,
    /// The catalog, once it is known, and the configuration that knows it.
    services: KnownServices,
    timer: Mutex<Option<JoinHandle<()>>>,
    limits: Limits,
}

impl Client {
    /// A client for `config`, to be opened with [`ClientBuilder::open`].
    pub fn builder(config: Config) -> ClientBuilder {
        ClientBuilder::new(config)
    }

    /// A client as the environment describes it: `WEBEX_CLIENT_ID` and its relatives for the configuration,
    /// `WEBEX_SESSION_FILE` for the store; without that, the session ends with the process. The metadata of `WEBEX_ISSUER`
    /// is fetched.
    ///
    /// `WEBEX_KEY_FILE` is refused beside a session file: [`settings::store`](webex_oauth_driver::settings::store).
    ///
    /// # Errors
    ///
    /// [`ClientError::Config`] where a variable or the metadata cannot be used, [`ClientError::Store`] also where
    /// `WEBEX_KEY_FILE` is set beside the session file; otherwise as [`ClientBuilder::open`].
    pub fn from_env() -> Result<Self, ClientError> {
        let transport = Transport::new(None);
        let parts = settings::parts_with(false, |url| fetch(&transport, url))?;
        let builder = Self::builder(parts.build_from_variables()?);
        match settings::store()? {
            Some(store) => builder.store(store).open(),
            None => builder.open(),
        }
    }

    pub(crate) fn start(executor: Arc<Executor>, limits: Limits) -> Result<Self, ClientError> {
        let timer = Mutex::new(Some(executor.start_timer()?));
        Ok(Self { handle: Arc::new(Handle { executor, services: KnownServices::default(), timer, limits }) })
    }

    /// One of many, which has no timer of its own.
    pub(crate) fn member(executor: Arc<Executor>, limits: Limits) -> Self {
        let (services, timer) = (KnownServices::default(), Mutex::new(None));
        Self { handle: Arc::new(Handle { executor, services, timer, limits }) }
    }

    /// Begins to close: whoever has many closes all of them at once.
    pub(crate) fn begin_to_close(&self) -> Option<Waiting> {
        self.executor().begin("the end", Call::Close { within: None }).ok()
    }

    pub(crate) fn executor(&self) -> &Arc<Executor> {
        &self.handle.executor
    }

    pub(crate) fn known(&self) -> &KnownServices {
        &self.handle.services
    }

    pub(crate) fn limits(&self) -> Limits {
        self.handle.limits
    }

    /// A token and its generation: the one that was published, or whichever the coordinator has.
    pub(crate) fn obtain(&self, of: Of) -> Result<(AccessToken, u64), ClientError> {
        if let (Of::Session, Some(published)) = (&of, self.executor().published()) {
            return Ok(published);
        }
        match self.executor().call("a token", Call::Token { of, within: None })? {
            Reply::Token { token, generation, .. } => Ok((token, generation)),
            _ => Err(ClientError::Closed),
        }
    }

    /// An access token that is good now. Waits for a refresh only where there is none: while the current token lives,
    /// the refresh ahead of its expiry is done behind the scenes, and its failure is nobody's trouble.
    ///
    /// # Errors
    ///
    /// - [`ClientError::SignInRequired`] where only the user can help.
    /// - [`ClientError::Unavailable`] where the last attempt failed and the next one is not due.
    /// - [`ClientError::Store`] where no attempt was made, since the store cannot be read or could not keep what it brings,
    ///   or another process does not let go of its lock.
    /// - [`ClientError::Timeout`] where patience ended before: what is under way goes on.
    /// - [`ClientError::Closed`].
    pub fn token(&self) -> Result<AccessToken, ClientError> {
        self.obtain(Of::Session).map(|(token, _)| token)
    }

    /// The value of the `Authorization` header that presents [`Client::token`].
    ///
    /// # Errors
    ///
    /// As [`Client::token`].
    pub fn authorization_header(&self) -> Result<Secret, ClientError> {
        Ok(Secret::new(self.token()?.expose_header()))
    }

    /// Webex: a token with less scope, to hand to somebody who needs no more. Kept, and renewed with the session's own, which is
    /// the answer where `scope` is empty, or all that was granted.
    ///
    /// # Errors
    ///
    /// - As [`Client::token`].
    /// - [`ClientError::SignInRequired`] also where `scope` is not a part of what was granted.
    /// - [`ClientError::Misuse`] where the server reduces no scope, or `scope` is empty and it is not known what was granted.
    /// - [`ClientError::Unavailable`] also where the server did not reduce it, unless the configuration says
    ///   [`DownscopeFailure::UseFullToken`](webex_oauth::DownscopeFailure::UseFullToken).
    pub fn user_token(&self, scope: &Scope) -> Result<AccessToken, ClientError> {
        self.obtain(Of::User(scope.clone())).map(|(token, _)| token)
    }

    /// Renews the tokens now, whatever the clock says, and waits for it. A server's `Retry-After` is still respected.
    ///
    /// # Errors
    ///
    /// - [`ClientError::SignInRequired`] where nobody is signed in, or the server has ended the session.
    /// - [`ClientError::Misuse`] where nothing is there to renew the tokens with.
    /// - [`ClientError::Unavailable`] where it failed, or the wait that the server asked for is not over. The token that is
    ///   there is good as long as it lives.
    /// - [`ClientError::Store`], [`ClientError::Timeout`] and [`ClientError::Closed`] as [`Client::token`].
    pub fn refresh(&self) -> Result<(), ClientError> {
        self.executor().call("a refresh", Call::Refresh { within: None }).map(drop)
    }

    /// How the session stands, for people and user interfaces.
    pub fn status(&self) -> Status {
        let now = self.executor().wall();
        self.executor().ask(|coordinator| coordinator.session().status(now))
    }

    /// The tokens themselves, for a hand-off. To call an API, use [`Client::token`].
    pub fn tokens(&self) -> Option<TokenSet> {
        self.executor().ask(|coordinator| coordinator.session().tokens().cloned())
    }

    /// The configuration in force.
    pub fn config(&self) -> Config {
        self.executor().ask(|coordinator| coordinator.session().config().clone())
    }

    /// What has happened so far, without secrets, where [`ClientBuilder::record`] asked for it: for a bug report, and to
    /// be played again by [`replay`](webex_oauth::transcript::replay).
    pub fn transcript(&self) -> Option<String> {
        self.executor().ask(|coordinator| coordinator.session().transcript().map(str::to_owned))
    }

    /// Events from now on. Any number of listeners may be there; each gets all of them, in order. Whoever falls back by more
    /// than a thousand does not get those that come then.
    pub fn events(&self) -> Receiver<ClientEvent> {
        self.executor().events.listen()
    }

    /// Why the session could not be stored, until it can. It goes on in memory meanwhile, and tries again.
    pub fn store_error(&self) -> Option<StoreError> {
        let fault = self.executor().ask(|coordinator| coordinator.store_fault().cloned())?;
        Some(store_error(&fault, self.executor().last_error()))
    }

    /// Signs out: forgets the tokens at once, whatever the network says, then revokes them as `options` say and waits a
    /// few seconds for that. Returns the URL to bring the browser to, where `options` ask for one.
    ///
    /// # Errors
    ///
    /// [`ClientError::Store`] where the session is signed out here and the store could not be told: after a restart the user
    /// would be signed in again. [`ClientError::Closed`]: where the client was closed before the call, nobody is signed out.
    pub fn sign_out(&self, options: SignOutOptions) -> Result<Option<Secret>, ClientError> {
        match self.executor().call("a sign-out", Call::SignOut { options })? {
            Reply::Url(url) => Ok(Some(url)),
            _ => Ok(None),
        }
    }

    /// Ends the client; the session stays in its store. Who waits gets [`ClientError::Closed`]. Waits for a refresh that
    /// is under way, because its answer may carry the only refresh token that still counts.
    pub fn close(&self) {
        self.handle.close();
    }
}

impl Handle {
    fn close(&self) {
        // It ends in any case.
        let _ = self.executor.call("the end", Call::Close { within: None });
        self.executor.end();
        let timer = self.timer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of it has been printed.
        timer.map(JoinHandle::join);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}

/// Nothing of the tokens, nothing of the configuration's secret.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.executor()
            .ask(|coordinator| f.debug_struct("Client").field("session", coordinator.session()).finish_non_exhaustive())
    }
}
