//! The clients of many users, for a service.

mod builder;
mod user;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use webex_oauth::Config;
use webex_oauth_driver::{AsyncStore, ClientError, ClientEvent, Keepable, Kept, MOST_CLOSED, rebind_async, tick};

pub use self::builder::ClientsBuilder;
pub use self::user::User;
use crate::builder::ClientBuilder;
use crate::client::Client;
use crate::events::Tap;
use crate::transport::AsyncHttp;

/// Whose session it is: a name of the host's, as its store takes it.
pub trait UserKey: Clone + Eq + Hash + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> UserKey for K {}

type Stores<K> = dyn Fn(&K) -> Arc<dyn AsyncStore> + Send + Sync;
type OnEvent<K> = dyn Fn(&K, &ClientEvent) + Send + Sync;

/// Authorization for a service: the sessions of any number of users, in one store that all of its nodes share.
///
/// [`Clients::of`] costs nothing and keeps nothing. The clients of those users that came last are kept in memory; each looks
/// into the store again after some seconds, so that a sign-out on another node is noticed. There is no task and no thread for
/// each user: a session is renewed when its user comes and its token is about to end, and the sessions of those who do not come
/// are renewed by a `Fleet` of `webex-oauth-stores`.
///
/// A handle: clone it, share it between tasks.
pub struct Clients<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    config: Config,
    http: Arc<dyn AsyncHttp>,
    stores: Box<Stores<K>>,
    on_event: Option<Arc<OnEvent<K>>>,
    kept: Kept<K, Client>,
    is_closed: AtomicBool,
}

impl<K: UserKey> Clients<K> {
    /// To be completed; `store` gives the store of one user:
    ///
    /// ```
    /// # use webex_oauth_async::{Clients, ClientError, FileStore, webex_oauth::Config};
    /// # fn f(config: Config) -> Result<(), ClientError> {
    /// let clients = Clients::builder(config).blocking_store(|user: &String| FileStore::new(format!("/var/lib/app/{user}")));
    /// let clients = clients.capacity(5_000).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// For a database it is `Clients::builder(config).store(move |key: &Key| UserStore::new(sessions.clone(), key.clone()))`, with
    /// `Key` and `UserStore` of `webex-oauth-stores`.
    pub fn builder(config: Config) -> ClientsBuilder<K> {
        ClientsBuilder::new(config)
    }

    /// One user.
    pub fn of(&self, key: K) -> User<K> {
        User::new(self.clone(), key)
    }

    /// The client of a user, which knows what the store held some seconds ago, or now. For the moment: do not keep it.
    pub async fn client(&self, key: &K) -> Result<Client, ClientError> {
        let inner = &*self.inner;
        if inner.is_closed.load(Ordering::Acquire) {
            return Err(ClientError::Closed);
        }
        if let Some((client, is_stale)) = inner.kept.find(key, tick()) {
            if is_stale {
                // A failure is told by an event. A token that lives is good, whatever the store does.
                let _ = client.executor().glance().await;
            }
            return Ok(client);
        }
        let (http, store) = (Arc::clone(&inner.http), (inner.stores)(key));
        let client = ClientBuilder::member(inner.config.clone(), http, store, self.tap(key)).open().await?;
        let client = inner.kept.keep(key.clone(), client, tick());
        if inner.is_closed.load(Ordering::Acquire) {
            // It was not among those that are closed.
            client.close().await;
            return Err(ClientError::Closed);
        }
        Ok(client)
    }

    /// Does this with the client of a user. One that is closed, as its session got another key at this moment, does nothing
    /// more: the next one knows what the store holds now.
    async fn on<T, F>(&self, key: &K, work: impl Fn(Client) -> F) -> Result<T, ClientError>
    where
        F: Future<Output = Result<T, ClientError>>,
    {
        for _ in 0..MOST_CLOSED {
            match work(self.client(key).await?).await {
                Err(ClientError::Closed) => {}
                done => return done,
            }
        }
        Err(ClientError::Closed)
    }

    /// Gives a session another key, and takes the place of whatever is there: call it when a login is completed, so that nobody
    /// who knew the key before it has the session after it. The login may have been completed on any node.
    ///
    /// Errors: [`ClientError::SignInRequired`] where nobody is signed in under `from`, or another node was faster: of all that rebind a
    /// session at the same moment one does. [`StoreError::Busy`](webex_oauth_driver::StoreError::Busy) while another node renews it:
    /// nothing has changed, try again. Where the store fails half way the session is gone, and the user signs in again. To its own
    /// key it stays where it is.
    pub async fn rebind(&self, from: &K, to: &K) -> Result<(), ClientError> {
        let inner = &*self.inner;
        // What is newest is stored, and good.
        self.on(from, |client| async move { client.token().await }).await?;
        if from == to {
            return Ok(());
        }
        self.drop_kept(from).await;
        let done = rebind_async(&inner.config, &*(inner.stores)(from), &*(inner.stores)(to)).await;
        // Somebody may have asked under the old key in between; who was kept for the new one would find out in some seconds.
        // Nothing of either is to be handed out any longer.
        self.drop_kept(from).await;
        self.drop_kept(to).await;
        done
    }

    async fn drop_kept(&self, key: &K) {
        if let Some(client) = self.inner.kept.take(key) {
            client.close().await;
        }
    }

    /// Takes a user out of memory: whoever comes next finds what the store holds then. Who has something under way is kept.
    pub fn forget(&self, key: &K) {
        self.inner.kept.take_at_rest(key);
    }

    /// How many are in memory.
    pub fn kept(&self) -> usize {
        self.inner.kept.len()
    }

    /// Begins nothing more and waits for what is under way, for all at once, so that no renewed token is lost. The sessions
    /// stay in their store.
    pub async fn close(&self) {
        self.inner.is_closed.store(true, Ordering::Release);
        let kept = self.inner.kept.take_all();
        join_all(kept.iter().map(Client::close)).await;
    }

    fn tap(&self, key: &K) -> Option<Tap> {
        let (on_event, key) = (Arc::clone(self.inner.on_event.as_ref()?), key.clone());
        Some(Box::new(move |event| on_event(&key, event)))
    }
}

impl Keepable for Client {
    fn is_at_rest(&self) -> bool {
        self.executor().is_at_rest()
    }
}

impl<K> Clone for Clients<K> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

/// Nothing of the users.
impl<K> fmt::Debug for Clients<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").field("kept", &self.inner.kept).finish_non_exhaustive()
    }
}
