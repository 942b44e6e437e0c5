//! The clients of many users, for a service.

mod builder;
mod user;

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use webex_oauth::{Config, SignOutOptions};
use webex_oauth_driver::{
    AsyncStore, BoxFuture, ClientError, ClientEvent, Keepable, Kept, StoreError, rebind_async, tick,
};

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
/// each user: a session is renewed when its user comes and its token is about to end, and the sessions of those who do not
/// come are renewed by a `Fleet` of `webex-oauth-stores`.
///
/// A handle: clone it, share it between tasks.
pub struct Clients<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    config: Config,
    http: Arc<dyn AsyncHttp>,
    /// What each of them is like.
    client: ClientBuilder,
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
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`]; where the client is not in memory yet, [`ClientError::Store`] where the store cannot be read,
    /// [`ClientError::Restore`] where what is stored there cannot be used, which is left as it is, and
    /// [`ClientError::Randomness`]. One that is in memory is answered whatever the store does.
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
        let client = inner.client.member((inner.stores)(key), self.tap(key)).open().await?;
        let client = inner.kept.keep(key.clone(), client, tick());
        if inner.is_closed.load(Ordering::Acquire) {
            // It was not among those that are closed.
            client.close().await;
            return Err(ClientError::Closed);
        }
        Ok(client)
    }

    /// Gives a session another key, and takes the place of whatever is there: call it when a login is completed, so that nobody
    /// who knew the key before it has the session after it. The login may have been completed on any node.
    ///
    /// While another node renews it this waits, also for one that is no more: then it is renewed here. Whoever uses the user's
    /// client meanwhile is not disturbed.
    ///
    /// Of all that rebind a session at the same moment one does. To its own key it stays where it is.
    ///
    /// A future that is dropped half way is carried on by [`AsyncHttp::spawn`]. Where the host has none the session may be gone.
    ///
    /// # Errors
    ///
    /// - [`ClientError::SignInRequired`] where nobody is signed in under `from`, or another node was faster.
    /// - [`StoreError::Busy`](webex_oauth_driver::StoreError::Busy) where a renewal does not end. Nothing has changed: try
    ///   again.
    /// - Those of [`Clients::client`] and [`Client::token`], and [`ClientError::Timeout`] where something else does not end.
    ///   The session keeps its key.
    /// - [`ClientError::Store`] otherwise: where the store failed half way the session is gone, and the user signs in again.
    pub async fn rebind(&self, from: &K, to: &K) -> Result<(), ClientError> {
        let client = self.client(from).await?;
        client.token().await?;
        if from == to {
            return Ok(());
        }
        // What is newest is stored, and nothing of our own is under way.
        client.executor().flush().await?;
        drop(client);
        match self.move_to(from, to).await {
            Err(ClientError::Store(StoreError::Busy { .. })) => {
                let client = self.client(from).await?;
                // Whatever it comes to: what the store holds then is what counts.
                let _ = client.refresh().await;
                client.executor().flush().await?;
                drop(client);
                self.move_to(from, to).await
            }
            done => done,
        }
    }

    async fn move_to(&self, from: &K, to: &K) -> Result<(), ClientError> {
        let (inner, from, to) = (Arc::clone(&self.inner), from.clone(), to.clone());
        self.in_full(Box::pin(async move { inner.move_to(from, to).await })).await
    }

    /// What must not end half way: the host carries it on where the caller goes.
    async fn in_full(&self, work: BoxFuture<'static, Result<(), ClientError>>) -> Result<(), ClientError> {
        let work = work.shared();
        self.inner.http.spawn(Box::pin(work.clone().map(drop)));
        work.await
    }

    /// Removes a user for good: signs out, revokes the tokens, waits a few seconds for that, and deletes the record. What cannot be
    /// opened, for it is encrypted, damaged or of a newer version, is deleted without that, and its tokens live until they end.
    /// Other nodes notice when they look again; a login that they have begun for this user is over. Nobody there is a success. A
    /// success says that the record is deleted, not that the server has taken the tokens back.
    ///
    /// To sign out is enough for a user who comes back: [`User::sign_out`].
    ///
    /// A future that is dropped half way is carried on by [`AsyncHttp::spawn`].
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`]; [`ClientError::Restore`] where the record is another client's, which is left as it is;
    /// [`ClientError::Store`] where it is not known to be deleted: do it again. The tokens may be revoked already.
    pub async fn delete(&self, key: &K) -> Result<(), ClientError> {
        let (clients, key) = (self.clone(), key.clone());
        self.in_full(Box::pin(async move { clients.delete_now(&key).await })).await
    }

    async fn delete_now(&self, key: &K) -> Result<(), ClientError> {
        match self.client(key).await {
            Ok(client) => {
                // What the store says to that does not matter: the record goes next, and nothing of our own comes after it.
                let _ = client.sign_out(SignOutOptions::default()).await;
                let _ = client.executor().flush().await;
            }
            Err(error) if error.is_of_a_record_nobody_can_open() => {}
            Err(error) => return Err(error),
        }
        self.inner.kept.take(key);
        let deleted = (self.inner.stores)(key).delete().await;
        if let Some(client) = self.inner.kept.take(key) {
            // Who came in between learns of it.
            let _ = client.executor().glance().await;
        }
        Ok(deleted?)
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

impl<K: UserKey> Inner<K> {
    async fn move_to(&self, from: K, to: K) -> Result<(), ClientError> {
        self.kept.take(&from);
        let done = rebind_async(&self.config, &*(self.stores)(&from), &*(self.stores)(&to)).await;
        // Somebody may have asked under the old key in between, and somebody else may have been there under the new one.
        for key in [from, to] {
            if let Some(client) = self.kept.take(&key) {
                // Whoever waits for what was there is told, or given what is there now.
                let _ = client.executor().glance().await;
            }
        }
        done
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
