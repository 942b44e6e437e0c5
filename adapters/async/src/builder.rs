//! How a client is put together.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{Config, Input, Secret, Timestamp, TokenAsk};
use webex_oauth_driver::old::{Desk, SignIn};
use webex_oauth_driver::{ClientError, Store};

use crate::client::Client;
use crate::events;
use crate::host::{Host, bounds::Asked};
use crate::inner::Inner;
use crate::transport::AsyncHttp;

/// Puts a [`Client`] together: [`Client::builder`].
pub struct ClientBuilder {
    config: Config,
    http: Option<Arc<dyn AsyncHttp>>,
    store: Option<Arc<dyn Store>>,
    host: Host,
    clock: Box<dyn Fn() -> Timestamp + Send + Sync>,
    limits: Limits,
}

/// How far [`Client::call`] goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) max_body: usize,
    pub(crate) max_wait: Duration,
    pub(crate) patience: Duration,
}

impl ClientBuilder {
    pub(crate) fn new(config: Config) -> Self {
        let patience = config.parts().request_timeout.saturating_add(Duration::from_secs(20));
        Self {
            config,
            http: None,
            store: None,
            host: Host::default(),
            clock: Box::new(webex_oauth_driver::now),
            limits: Limits { max_body: 16 * 1024 * 1024, max_wait: Duration::from_secs(60), patience },
        }
    }

    /// The host's HTTP stack and timer. [`Reqwest`](crate::Reqwest) where none is given and the feature is on.
    #[must_use]
    pub fn http(mut self, http: impl AsyncHttp) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Where the session is kept, and where several processes meet. Without one it lives in memory.
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Another clock than the system's. A browser has no other.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Where tokens come from under [`Renewal::HostToken`](webex_oauth::Renewal): the `refreshCallback` of a front
    /// end. Answers in any shape that [`Client::adopt`] takes; the reason of a failure must not contain a secret.
    #[must_use]
    pub fn ask_for_token<F>(mut self, ask: impl Fn(TokenAsk) -> F + Send + Sync + 'static) -> Self
    where
        F: Asked + Future<Output = Result<Secret, String>>,
    {
        self.host.set_token(ask);
        self
    }

    /// Where guest JWTs come from under [`Renewal::HostJwt`](webex_oauth::Renewal): `jwtRefreshCallback`.
    #[must_use]
    pub fn ask_for_jwt<F>(mut self, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Asked + Future<Output = Result<Secret, String>>,
    {
        self.host.set_jwt(ask);
        self
    }

    /// The longest answer that [`Client::call`] takes, in bytes. 16 MiB unless said otherwise.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.limits.max_body = bytes;
        self
    }

    /// How long [`Client::call`] waits in all where an API answers 429 or 423; an answer that asks for more is returned
    /// as it is. One minute unless said otherwise.
    #[must_use]
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.limits.max_wait = max_wait;
        self
    }

    /// How long a call waits for a token, or for the answer that ends a login. The request timeout and twenty seconds
    /// unless said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.limits.patience = patience;
        self
    }

    /// Opens the session that the store holds, or a new one. Reads the store once, blocking for moments.
    ///
    /// A stored session that cannot be used is an error, and left as it is.
    pub fn open(self) -> Result<Client, ClientError> {
        let http = match self.http {
            Some(http) => http,
            None => default_http()?,
        };
        let stored = self.store.as_ref().map_or(Ok(None), |store| store.load())?;
        let desk = Desk::open(self.config, stored.as_ref())?;
        let (sender, receiver) = events::channel();
        let inner = Inner::new(desk, http, self.store, self.host, self.clock, sender);
        let inner = Arc::new(inner);
        // A configured token (WEBEX_ACCESS_TOKEN) is where a session without tokens begins.
        inner.with(|table, now| {
            let session = table.desk.session();
            let configured = session.config().parts().access_token.clone();
            match configured.filter(|_| session.tokens().is_none()) {
                Some(tokens) => {
                    table.sign_in(now, Input::Adopt { tokens: tokens.clone() }, SignIn::Adopt(tokens)).map(drop)
                }
                None => Ok(()),
            }
        })?;
        Ok(Client::over(inner, receiver, self.limits))
    }
}

#[cfg(feature = "reqwest")]
fn default_http() -> Result<Arc<dyn AsyncHttp>, ClientError> {
    let failed = |error: crate::SendError| ClientError::Call { fault: error.fault, problem: error.problem };
    Ok(Arc::new(crate::Reqwest::new().map_err(failed)?))
}

#[cfg(not(feature = "reqwest"))]
fn default_http() -> Result<Arc<dyn AsyncHttp>, ClientError> {
    let misuse = webex_oauth::Misuse::NotConfigured { what: "an HTTP stack", needed_by: "a client without `reqwest`" };
    Err(ClientError::Misuse(misuse))
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
