//! How the clients of many users are put together.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use webex_oauth::{Config, Misuse};
use webex_oauth_driver::{AsyncStore, ClientError, ClientEvent, Kept, Store};

use super::{Clients, Inner, OnEvent, Stores, UserKey};
use crate::builder::{ClientBuilder, default_http};
use crate::store::Unblocked;
use crate::transport::AsyncHttp;

/// Puts [`Clients`] together.
pub struct ClientsBuilder<K> {
    config: Config,
    http: Option<Arc<dyn AsyncHttp>>,
    stores: Option<Kind<K>>,
    on_event: Option<Arc<OnEvent<K>>>,
    capacity: usize,
    stale_after: Duration,
}

enum Kind<K> {
    Async(Box<Stores<K>>),
    Blocking(Box<BlockingStores<K>>),
}

type BlockingStores<K> = dyn Fn(&K) -> Arc<dyn Store> + Send + Sync;

impl<K: UserKey> ClientsBuilder<K> {
    pub(super) fn new(config: Config) -> Self {
        let (capacity, stale_after) = (10_000, Duration::from_secs(5));
        Self { config, http: None, stores: None, on_event: None, capacity, stale_after }
    }

    /// The store of each user.
    #[must_use]
    pub fn store<S: AsyncStore>(mut self, store: impl Fn(&K) -> S + Send + Sync + 'static) -> Self {
        self.stores = Some(Kind::Async(Box::new(move |key| Arc::new(store(key)))));
        self
    }

    /// The same, for a store that blocks: its calls are made by [`AsyncHttp::unblock`].
    #[must_use]
    pub fn blocking_store<S: Store + 'static>(mut self, store: impl Fn(&K) -> S + Send + Sync + 'static) -> Self {
        self.stores = Some(Kind::Blocking(Box::new(move |key| Arc::new(store(key)))));
        self
    }

    /// The host's HTTP stack and timer, for all of them. `Reqwest` where none is given and the feature is on.
    #[must_use]
    pub fn http(mut self, http: impl AsyncHttp) -> Self {
        self.http = Some(Arc::new(http));
        self
    }

    /// So many users are kept in memory, 10,000 unless said otherwise. One with a request under way, or with tokens that could
    /// not be stored yet, stays beyond that.
    #[must_use]
    pub fn capacity(mut self, users: usize) -> Self {
        self.capacity = users;
        self
    }

    /// A user who is kept looks into the store again after so long, five seconds unless said otherwise.
    #[must_use]
    pub fn stale_after(mut self, stale_after: Duration) -> Self {
        self.stale_after = stale_after;
        self
    }

    /// Called with every event of any of them, on whichever task works for that user: it must not take its time, nor wait
    /// for one of the clients.
    #[must_use]
    pub fn on_event(mut self, on_event: impl Fn(&K, &ClientEvent) + Send + Sync + 'static) -> Self {
        self.on_event = Some(Arc::new(on_event));
        self
    }

    /// Nothing is read yet.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] where no store was given, or no HTTP stack and the feature `reqwest` is off;
    /// [`ClientError::Call`] where TLS cannot be set up.
    pub fn build(self) -> Result<Clients<K>, ClientError> {
        let http = self.http.map_or_else(default_http, Ok)?;
        let needed = Misuse::NotConfigured { what: "a store for each user", needed_by: "clients of many users" };
        let stores: Box<Stores<K>> = match self.stores.ok_or(needed)? {
            Kind::Async(stores) => stores,
            Kind::Blocking(stores) => {
                let http = Arc::clone(&http);
                Box::new(move |key| Arc::new(Unblocked::new(stores(key), Arc::clone(&http))))
            }
        };
        let mut parts = self.config.parts().clone();
        // A token of the configuration's is one person's, and these are many.
        parts.access_token = None;
        let (config, kept) = (parts.build()?, Kept::new(self.capacity, self.stale_after));
        let (on_event, is_closed) = (self.on_event, AtomicBool::new(false));
        let client = ClientBuilder::of_many(config.clone(), Arc::clone(&http));
        Ok(Clients { inner: Arc::new(Inner { config, http, client, stores, on_event, kept, is_closed }) })
    }
}

/// Nothing of the users.
impl<K> fmt::Debug for ClientsBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientsBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
