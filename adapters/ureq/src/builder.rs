//! Putting a client together.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{Config, Secret, Timestamp, TokenAsk};
use webex_oauth_driver::{ClientError, ClientEvent, Store};

use crate::client::{Client, Limits};
use crate::executor::{Clock, Executor, Host};
use crate::transport::Transport;

type Callback = Box<dyn Fn(ClientEvent) + Send>;

/// What a [`Client`] may be told before it opens. Everything has a default.
pub struct ClientBuilder {
    config: Config,
    store: Option<Box<dyn Store>>,
    host: Host,
    on_event: Option<Callback>,
    clock: Option<Clock>,
    patience: Option<Duration>,
    limits: Limits,
    user_agent: Option<String>,
    record: bool,
}

impl ClientBuilder {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            limits: Limits::of(&config),
            config,
            store: None,
            host: Host::default(),
            on_event: None,
            clock: None,
            patience: None,
            user_agent: None,
            record: false,
        }
    }

    /// Where the session survives a restart, and is shared with other processes. Without one it lives as long as the
    /// client.
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Called for each event, in order, on a thread of its own. It may use the client. Whoever falls back by more than a
    /// thousand events does not get those that come then.
    #[must_use]
    pub fn on_event(mut self, callback: impl Fn(ClientEvent) + Send + 'static) -> Self {
        self.on_event = Some(Box::new(callback));
        self
    }

    /// Brings tokens where the configuration says [`Renewal::HostToken`](webex_oauth::Renewal::HostToken): in any shape
    /// that [`Client::adopt`] takes, or the reason why not, which must not contain a secret.
    #[must_use]
    pub fn ask_for_token(
        mut self,
        callback: impl Fn(&TokenAsk) -> Result<Secret, String> + Send + Sync + 'static,
    ) -> Self {
        self.host.token = Some(Box::new(callback));
        self
    }

    /// Brings guest JWTs where the configuration says [`Renewal::HostJwt`](webex_oauth::Renewal::HostJwt).
    #[must_use]
    pub fn ask_for_jwt(mut self, callback: impl Fn() -> Result<Secret, String> + Send + Sync + 'static) -> Self {
        self.host.jwt = Some(Box::new(callback));
        self
    }

    /// How long a call waits for a token, or for the answer that ends a login. The request timeout and half a minute unless
    /// said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = Some(patience);
        self
    }

    /// How long [`Client::call`] waits in all where an API answers 429 or 423; an answer that asks for more is returned
    /// as it is. One minute unless said otherwise.
    #[must_use]
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.limits.wait = max_wait;
        self
    }

    /// The longest answer that [`Client::call`] takes, in bytes. 16 MiB unless said otherwise.
    #[must_use]
    pub fn max_body(mut self, max_body: usize) -> Self {
        self.limits.body = max_body;
        self
    }

    /// The `User-Agent` of every request.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Keeps a transcript of what happens, without secrets: [`Client::transcript`].
    #[must_use]
    pub fn record(mut self) -> Self {
        self.record = true;
        self
    }

    /// Another clock than the machine's: for tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock = Some(Box::new(clock));
        self
    }

    /// Loads what the store holds and starts the client. A login that was pending there still is.
    ///
    /// A token from the configuration (`WEBEX_ACCESS_TOKEN`) is adopted where the store has none.
    ///
    /// # Errors
    ///
    /// [`ClientError::Store`] where the store cannot be read; [`ClientError::Restore`] where what is stored cannot be used,
    /// or is the session of another client: it is left as it is; [`ClientError::Randomness`], [`ClientError::Thread`]; for a
    /// token from the configuration as [`Client::adopt`].
    pub fn open(self) -> Result<Client, ClientError> {
        let initial = self.config.parts().access_token.clone();
        let (coordinator, stores) = webex_oauth_driver::open(self.config, self.store, self.patience, self.record)?;
        let initial = initial.filter(|_| coordinator.session().tokens().is_none());
        let transport = Transport::new(self.user_agent.as_deref());
        let executor = Arc::new(Executor::new(coordinator, stores, transport, self.host, self.clock));
        if let Some(callback) = self.on_event {
            executor.events.call(callback)?;
        }
        let client = Client::start(executor, self.limits)?;
        initial.map_or(Ok(()), |tokens| client.adopt(tokens))?;
        Ok(client)
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("store", &self.store).finish_non_exhaustive()
    }
}
