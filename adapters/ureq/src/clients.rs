//! The clients of many users, for a service.

mod user;

use std::fmt;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use webex_oauth::{Config, Misuse, SignOutOptions};
use webex_oauth_driver::{ClientError, ClientEvent, Keepable, Kept, Store, StoreError, rebind, tick};

pub use self::user::User;
use crate::client::{Client, Limits};
use crate::executor::{Executor, Keeper, Tap};
use crate::transport::Transport;

/// Whose session it is: a name of the host's, as its store takes it.
pub trait UserKey: Clone + Eq + Hash + Send + Sync + 'static {}

impl<K: Clone + Eq + Hash + Send + Sync + 'static> UserKey for K {}

type Stores<K> = dyn Fn(&K) -> Box<dyn Store> + Send + Sync;
type OnEvent<K> = Box<dyn Fn(&K, ClientEvent) + Send>;

/// So many events wait for a listener that does not take them; what comes then is lost to it.
const MOST_WAITING: usize = 1024;

/// Authorization for a service: the sessions of any number of users, in one store that all of its nodes share.
///
/// [`Clients::of`] costs nothing and keeps nothing. The clients of those users that came last are kept in memory; each looks
/// into the store again after some seconds, so that a sign-out on another node is noticed. No user has a thread: all of them
/// have one that keeps the time, and as many as there is to do at a moment, 500 at most. A session is renewed when its user
/// comes and its token is about to end, and the sessions of those who do not come are renewed by a `Fleet` of
/// `webex-oauth-stores`.
///
/// A handle: clone it, share it between threads.
pub struct Clients<K> {
    inner: Arc<Inner<K>>,
}

struct Inner<K> {
    config: Config,
    transport: Transport,
    stores: Box<Stores<K>>,
    /// Taken at the end, so that the listener's thread ends.
    told: Mutex<Option<SyncSender<(K, ClientEvent)>>>,
    kept: Kept<K, Client>,
    keeper: Arc<Keeper>,
    is_closed: AtomicBool,
}

/// Puts [`Clients`] together.
pub struct ClientsBuilder<K> {
    config: Config,
    stores: Option<Box<Stores<K>>>,
    on_event: Option<OnEvent<K>>,
    user_agent: Option<String>,
    capacity: usize,
    stale_after: Duration,
}

impl<K: UserKey> ClientsBuilder<K> {
    /// The store of each user.
    #[must_use]
    pub fn store<S: Store + 'static>(mut self, store: impl Fn(&K) -> S + Send + Sync + 'static) -> Self {
        self.stores = Some(Box::new(move |key| Box::new(store(key))));
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

    /// Called with every event of any of them, on a thread of its own. It may use the clients. Whoever falls back by more than a
    /// thousand events does not get those that come then.
    #[must_use]
    pub fn on_event(mut self, on_event: impl Fn(&K, ClientEvent) + Send + 'static) -> Self {
        self.on_event = Some(Box::new(on_event));
        self
    }

    /// The `User-Agent` of every request.
    #[must_use]
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// Nothing is read yet.
    ///
    /// # Errors
    ///
    /// [`ClientError::Misuse`] where no store was given; [`ClientError::Thread`] where the system has none for the events, or
    /// for the time.
    pub fn build(self) -> Result<Clients<K>, ClientError> {
        let needed = Misuse::NotConfigured { what: "a store for each user", needed_by: "clients of many users" };
        let stores = self.stores.ok_or(needed)?;
        let mut parts = self.config.parts().clone();
        // A token of the configuration's is one person's, and these are many.
        parts.access_token = None;
        let (config, kept) = (parts.build()?, Kept::new(self.capacity, self.stale_after));
        let told = Mutex::new(self.on_event.map(listen).transpose()?);
        let (transport, keeper) = (Transport::new(self.user_agent.as_deref()), Keeper::start()?);
        let is_closed = AtomicBool::new(false);
        Ok(Clients { inner: Arc::new(Inner { config, transport, stores, told, kept, keeper, is_closed }) })
    }
}

/// A panic of the callback's has been printed, and ends that call alone.
fn listen<K: UserKey>(on_event: OnEvent<K>) -> Result<SyncSender<(K, ClientEvent)>, ClientError> {
    let (sender, receiver) = sync_channel::<(K, ClientEvent)>(MOST_WAITING);
    let thread = std::thread::Builder::new().name("webex-oauth-events".to_owned());
    let thread = thread.spawn(move || {
        for (key, event) in &receiver {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| on_event(&key, event)));
        }
    });
    thread.map(|_| sender).map_err(|error| ClientError::Thread { kind: error.kind() })
}

impl<K: UserKey> Clients<K> {
    /// To be completed; `store` gives the store of one user:
    ///
    /// ```
    /// # use webex_oauth_ureq::{Clients, ClientError, FileStore, webex_oauth::Config};
    /// # fn f(config: Config) -> Result<(), ClientError> {
    /// let clients = Clients::builder(config).store(|user: &String| FileStore::new(format!("/var/lib/app/{user}")));
    /// let clients = clients.capacity(5_000).build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(config: Config) -> ClientsBuilder<K> {
        let (capacity, stale_after) = (10_000, Duration::from_secs(5));
        ClientsBuilder { config, stores: None, on_event: None, user_agent: None, capacity, stale_after }
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
    pub fn client(&self, key: &K) -> Result<Client, ClientError> {
        let inner = &*self.inner;
        if inner.is_closed.load(Ordering::Acquire) {
            return Err(ClientError::Closed);
        }
        if let Some((client, is_stale)) = inner.kept.find(key, tick()) {
            if is_stale {
                // A failure is told by an event. A token that lives is good, whatever the store does.
                let _ = client.executor().glance();
            }
            return Ok(client);
        }
        let client = inner.kept.keep(key.clone(), self.open(key)?, tick());
        if inner.is_closed.load(Ordering::Acquire) {
            // It was not among those that are closed.
            client.close();
            return Err(ClientError::Closed);
        }
        Ok(client)
    }

    fn open(&self, key: &K) -> Result<Client, ClientError> {
        let inner = &*self.inner;
        let store = (inner.stores)(key);
        let (coordinator, stores) = webex_oauth_driver::open(inner.config.clone(), Some(store), None, false)?;
        let (transport, keeper) = (inner.transport.clone(), Arc::clone(&inner.keeper));
        let executor = Executor::member(coordinator, stores, transport, keeper, self.tap(key));
        Ok(Client::member(Arc::new(executor), Limits::of(&inner.config)))
    }

    fn tap(&self, key: &K) -> Option<Tap> {
        let told = self.inner.told.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let key = key.clone();
        Some(Box::new(move |event| {
            // Nobody waits for a listener.
            let _ = told.try_send((key.clone(), event.clone()));
        }))
    }

    /// Gives a session another key, and takes the place of whatever is there: call it when a login is completed, so that nobody
    /// who knew the key before it has the session after it. The login may have been completed on any node.
    ///
    /// While another node renews it this waits, also for one that is no more: then it is renewed here. Whoever uses the user's
    /// client meanwhile is not disturbed.
    ///
    /// Of all that rebind a session at the same moment one does. To its own key it stays where it is.
    ///
    /// # Errors
    ///
    /// - [`ClientError::SignInRequired`] where nobody is signed in under `from`, or another node was faster.
    /// - [`StoreError::Busy`](webex_oauth_driver::StoreError::Busy) where a renewal does not end. Nothing has changed: try
    ///   again.
    /// - Those of [`Clients::client`] and [`Client::token`], and [`ClientError::Timeout`] where something else does not end.
    ///   The session keeps its key.
    /// - [`ClientError::Store`] otherwise: where the store failed half way the session is gone, and the user signs in again.
    pub fn rebind(&self, from: &K, to: &K) -> Result<(), ClientError> {
        let client = self.client(from)?;
        client.token()?;
        if from == to {
            return Ok(());
        }
        // What is newest is stored, and nothing of our own is under way.
        client.executor().flush()?;
        drop(client);
        match self.move_to(from, to) {
            Err(ClientError::Store(StoreError::Busy { .. })) => {
                let client = self.client(from)?;
                // Whatever it comes to: what the store holds then is what counts.
                let _ = client.refresh();
                client.executor().flush()?;
                drop(client);
                self.move_to(from, to)
            }
            done => done,
        }
    }

    fn move_to(&self, from: &K, to: &K) -> Result<(), ClientError> {
        let inner = &*self.inner;
        inner.kept.take(from);
        let done = rebind(&inner.config, &*(inner.stores)(from), &*(inner.stores)(to));
        // Somebody may have asked under the old key in between, and somebody else may have been there under the new one.
        for key in [from, to] {
            if let Some(client) = inner.kept.take(key) {
                // Whoever waits for what was there is told, or given what is there now.
                let _ = client.executor().glance();
            }
        }
        done
    }

    /// Removes a user for good: signs out, revokes the tokens, waits a few seconds for that, and deletes the record. What cannot be
    /// opened, for it is encrypted, damaged or of a newer version, is deleted without that, and its tokens live until they end.
    /// Other nodes notice when they look again; a login that they have begun for this user is over. Nobody there is a success. A
    /// success says that the record is deleted, not that the server has taken the tokens back.
    ///
    /// To sign out is enough for a user who comes back: [`User::sign_out`].
    ///
    /// # Errors
    ///
    /// [`ClientError::Closed`]; [`ClientError::Restore`] where the record is another client's, which is left as it is;
    /// [`ClientError::Store`] where it is not known to be deleted: do it again. The tokens may be revoked already.
    pub fn delete(&self, key: &K) -> Result<(), ClientError> {
        match self.client(key) {
            Ok(client) => {
                // What the store says to that does not matter: the record goes next, and nothing of our own comes after it.
                let _ = client.sign_out(SignOutOptions::default());
                let _ = client.executor().flush();
            }
            Err(error) if error.is_of_a_record_nobody_can_open() => {}
            Err(error) => return Err(error),
        }
        self.inner.kept.take(key);
        let deleted = (self.inner.stores)(key).delete();
        if let Some(client) = self.inner.kept.take(key) {
            // Who came in between learns of it.
            let _ = client.executor().glance();
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
    pub fn close(&self) {
        self.inner.close();
    }
}

impl<K> Inner<K> {
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        let kept = self.kept.take_all();
        let closing: Vec<_> = kept.iter().map(Client::begin_to_close).collect();
        // They end in any case.
        closing.into_iter().flatten().for_each(|waiting| drop(waiting.wait()));
        drop(kept);
        self.told.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// What is still to be stored is waited for, as by a client that goes; until then there has to be a timer.
impl<K> Drop for Inner<K> {
    fn drop(&mut self) {
        self.close();
        self.keeper.end();
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

/// Nothing of the users.
impl<K> fmt::Debug for ClientsBuilder<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientsBuilder").field("config", &self.config).finish_non_exhaustive()
    }
}
