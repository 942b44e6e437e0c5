//! Putting a client together.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::{Config, Input, Secret, Timestamp, TokenAsk};
use webex_oauth_driver::{ClientError, ClientEvent, Desk, Store, now};

use crate::client::Client;
use crate::host::Host;
use crate::keeper::keep;
use crate::shared::{Settings, Shared};
use crate::transport::Transport;

type Callback = Box<dyn Fn(ClientEvent) + Send>;

/// What a [`Client`] may be told before it opens. Everything has a default.
pub struct ClientBuilder {
    config: Config,
    store: Option<Box<dyn Store>>,
    host: Host,
    on_event: Option<Callback>,
    settings: Settings,
    user_agent: Option<String>,
    record: bool,
}

impl ClientBuilder {
    pub(crate) fn new(config: Config) -> Self {
        let settings = Settings {
            clock: Box::new(now),
            patience: config.parts().request_timeout.saturating_add(Duration::from_secs(20)),
            max_wait: Duration::from_secs(60),
            max_body: 16 * 1024 * 1024,
        };
        Self { config, store: None, host: Host::default(), on_event: None, settings, user_agent: None, record: false }
    }

    /// Where the session survives a restart, and is shared with other processes. Without one it lives as long as the
    /// client.
    #[must_use]
    pub fn store(mut self, store: impl Store + 'static) -> Self {
        self.store = Some(Box::new(store));
        self
    }

    /// Called for each event, in order, on a thread of its own. It may use the client.
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

    /// How long a call waits for a token, or for the answer that ends a login. The request timeout and twenty seconds
    /// unless said otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// How long [`Client::call`] waits in all where an API answers 429 or 423; an answer that asks for more is returned
    /// as it is. One minute unless said otherwise.
    #[must_use]
    pub fn max_wait(mut self, max_wait: Duration) -> Self {
        self.settings.max_wait = max_wait;
        self
    }

    /// The longest answer that [`Client::call`] takes, in bytes. 16 MiB unless said otherwise.
    #[must_use]
    pub fn max_body(mut self, max_body: usize) -> Self {
        self.settings.max_body = max_body;
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
        self.settings.clock = Box::new(clock);
        self
    }

    /// Loads what the store holds and starts the client. A login that was pending there still is.
    ///
    /// A token from the configuration (`WEBEX_ACCESS_TOKEN`) is adopted where the store has none. Fails where the store
    /// cannot be read, or holds the session of another client; what is there is left alone.
    pub fn open(self) -> Result<Client, ClientError> {
        let stored = self.store.as_ref().map_or(Ok(None), |store| store.load())?;
        let initial = self.config.parts().access_token.clone();
        let mut desk = Desk::open(self.config, stored.as_ref())?;
        if self.record {
            desk.start_recording();
        }
        let transport = Transport::new(self.user_agent.as_deref());
        let shared = Arc::new(Shared::new(desk, self.store, transport, self.host, self.settings));
        if let Some(callback) = self.on_event {
            shared.events.call(callback)?;
        }
        if let Some(tokens) = initial.filter(|_| shared.lock().desk.session().tokens().is_none()) {
            shared.drive(Input::Adopt { tokens })?;
        }
        let kept = Arc::clone(&shared);
        let keeper = std::thread::Builder::new().name("webex-oauth-keeper".to_owned());
        let keeper = keeper.spawn(move || keep(&kept)).map_err(|error| ClientError::Thread { kind: error.kind() })?;
        Ok(Client::new(shared, keeper))
    }
}

impl std::fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientBuilder").field("store", &self.store).finish_non_exhaustive()
    }
}
