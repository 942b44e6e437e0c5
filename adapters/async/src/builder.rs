//! How a client is put together.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use webex_oauth::coordinator::Tick;
use webex_oauth::{Config, Secret, Timestamp, TokenAsk};
use webex_oauth_driver::{AsyncStore, AsyncStoreJobs, ClientError, Store};

use crate::client::{Client, Limits};
use crate::events::Tap;
use crate::executor::{Clocks, Executor};
use crate::host::{Host, bounds::Asked};
use crate::store::Unblocked;
use crate::transport::AsyncHttp;

/// Puts a [`Client`] together: [`Client::builder`].
pub struct ClientBuilder {
    config: Config,
    http: Option<Arc<dyn AsyncHttp>>,
    store: Option<Kept>,
    host: Arc<Host>,
    clocks: Arc<Clocks>,
    patience: Option<Duration>,
    limits: Limits,
    record: bool,
    tap: Option<Tap>,
}

enum Kept {
    Blocking(Arc<dyn Store>),
    Async(Arc<dyn AsyncStore>),
}

impl ClientBuilder {
    pub(crate) fn new(config: Config) -> Self {
        let (request, wait) = (config.parts().request_timeout, Duration::from_secs(60));
        Self {
            config,
            http: None,
            store: None,
            host: Arc::default(),
            clocks: Arc::default(),
            patience: None,
            limits: Limits { request, wait, body: 16 * 1024 * 1024 },
            record: false,
            tap: None,
        }
    }

    /// The host's HTTP stack and timer. `Reqwest` where none is given and the feature is on.
    #[must_use]
    pub fn http(mut self, http: impl AsyncHttp) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// Where the session is kept, and where several processes meet. Without one it lives in memory. Its calls are made by
    /// [`AsyncHttp::unblock`].
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Kept::Blocking(Arc::new(store)));
        self
    }

    /// The same, for a store that is async itself.
    #[must_use]
    pub fn async_store(mut self, store: impl AsyncStore) -> Self {
        self.store = Some(Kept::Async(Arc::new(store)));
        self
    }

    /// Another clock than the system's. A browser has no other.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        if let Some(clocks) = Arc::get_mut(&mut self.clocks) {
            clocks.wall = Some(Box::new(clock));
        }
        self
    }

    /// Another clock than the system's for patience and limits: it only goes forward, and counts sleep. A browser has no
    /// other.
    #[must_use]
    pub fn monotonic_clock(mut self, clock: impl Fn() -> Tick + Send + Sync + 'static) -> Self {
        if let Some(clocks) = Arc::get_mut(&mut self.clocks) {
            clocks.mono = Some(Box::new(clock));
        }
        self
    }

    /// Where tokens come from under [`Renewal::HostToken`](webex_oauth::Renewal): the `refreshCallback` of a front
    /// end. Answers in any shape that [`Client::adopt`] takes; the reason of a failure must not contain a secret.
    #[must_use]
    pub fn ask_for_token<F>(mut self, ask: impl Fn(TokenAsk) -> F + Send + Sync + 'static) -> Self
    where
        F: Asked + Future<Output = Result<Secret, String>>,
    {
        if let Some(host) = Arc::get_mut(&mut self.host) {
            host.set_token(ask);
        }
        self
    }

    /// Where guest JWTs come from under [`Renewal::HostJwt`](webex_oauth::Renewal): `jwtRefreshCallback`.
    #[must_use]
    pub fn ask_for_jwt<F>(mut self, ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Asked + Future<Output = Result<Secret, String>>,
    {
        if let Some(host) = Arc::get_mut(&mut self.host) {
            host.set_jwt(ask);
        }
        self
    }

    /// The longest answer that [`Client::call`] takes, in bytes. 16 MiB unless said otherwise.
    #[must_use]
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.limits.body = bytes;
        self
    }

    /// How long [`Client::call`] waits in all where an API answers 429 or 423; an answer that asks for more is returned
    /// as it is. One minute unless said otherwise.
    #[must_use]
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.limits.wait = max_wait;
        self
    }

    /// How long a call waits for a token, or for the answer that ends a login. The request timeout and half a minute unless
    /// said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// Keeps a transcript of what happens, without secrets: [`Client::transcript`].
    #[must_use]
    pub fn record(mut self) -> Self {
        self.record = true;
        self
    }

    /// What many clients are like, each of them a [`ClientBuilder::member`].
    pub(crate) fn of_many(config: Config, http: Arc<dyn AsyncHttp>) -> Self {
        Self { http: Some(http), ..Self::new(config) }
    }

    /// Another client like this one, which shares with it what it can.
    pub(crate) fn member(&self, store: Arc<dyn AsyncStore>, tap: Option<Tap>) -> Self {
        let (http, host, clocks) = (self.http.clone(), Arc::clone(&self.host), Arc::clone(&self.clocks));
        Self { http, host, clocks, store: Some(Kept::Async(store)), tap, ..Self::new(self.config.clone()) }
    }

    /// Loads what the store holds and starts the client. A login that was pending there still is.
    ///
    /// A token from the configuration (`WEBEX_ACCESS_TOKEN`) is adopted where the store has none.
    ///
    /// # Errors
    ///
    /// [`ClientError::Store`] where the store cannot be read; [`ClientError::Restore`] where what is stored cannot be used,
    /// or is the session of another client: it is left as it is; [`ClientError::Randomness`]; [`ClientError::Misuse`] where
    /// there is no HTTP stack, and the feature `reqwest` is off; [`ClientError::Call`] where TLS cannot be set up; for a
    /// token from the configuration as [`Client::adopt`].
    pub async fn open(self) -> Result<Client, ClientError> {
        let http = match self.http {
            Some(http) => http,
            None => default_http()?,
        };
        let initial = self.config.parts().access_token.clone();
        let store: Option<Arc<dyn AsyncStore>> = match self.store {
            Some(Kept::Blocking(store)) => Some(Arc::new(Unblocked::new(store, Arc::clone(&http)))),
            Some(Kept::Async(store)) => Some(store),
            None => None,
        };
        let (coordinator, stores) = AsyncStoreJobs::open(self.config, store, self.patience, self.record).await?;
        let initial = initial.filter(|_| coordinator.session().tokens().is_none());
        let executor = Arc::new(Executor::new(coordinator, stores, http, self.host, self.clocks, self.tap));
        let client = Client::over(executor, self.limits);
        if let Some(tokens) = initial {
            client.adopt(tokens).await?;
        }
        Ok(client)
    }
}

/// What the environment of the process says.
#[cfg(feature = "reqwest")]
pub(crate) async fn from_env() -> Result<ClientBuilder, ClientError> {
    use webex_oauth_driver::settings;
    let http = default_http()?;
    let described = crate::store::unblock(&*http, || (settings::metadata_file(), settings::store())).await;
    let (described, store) = described.unwrap_or((Ok(None), Ok(None)));
    let server = match (described?, settings::issuer()?) {
        (None, Some(issuer)) => Some(crate::discover(&*http, &issuer).await?),
        (described, _) => described,
    };
    let mut builder = ClientBuilder::new(settings::parts_at(false, server)?.build_from_variables()?);
    builder.http = Some(http);
    Ok(match store? {
        Some(store) => builder.store(store),
        None => builder,
    })
}

#[cfg(feature = "reqwest")]
pub(crate) fn default_http() -> Result<Arc<dyn AsyncHttp>, ClientError> {
    let failed = |error: crate::SendError| ClientError::Call { fault: error.fault, problem: error.problem };
    Ok(Arc::new(crate::Reqwest::new().map_err(failed)?))
}

#[cfg(not(feature = "reqwest"))]
pub(crate) fn default_http() -> Result<Arc<dyn AsyncHttp>, ClientError> {
    let misuse = webex_oauth::Misuse::NotConfigured { what: "an HTTP stack", needed_by: "a client without `reqwest`" };
    Err(ClientError::Misuse(misuse))
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
