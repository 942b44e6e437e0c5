//! One session per user, under a key that nobody can guess, in a store that all nodes share.

use webex_oauth_async::webex_oauth::{Config, Secret, SignOutOptions};
use webex_oauth_async::{Client, ClientError, Clients, Put, Replaces, Reqwest, SignedIn, StoreError};
use webex_oauth_stores::{AsyncRecords as _, Key, UserStore};

use crate::store::Store;

/// So many users are in memory at once; whoever was not seen for longest is read from the store again.
const MOST: usize = 20_000;

/// Everybody who is signed in.
pub(crate) struct Sessions {
    clients: Clients<Key>,
    store: Store,
}

impl Sessions {
    pub(crate) fn new(config: Config, http: Reqwest, store: Store, debug: bool) -> Result<Self, ClientError> {
        let records = store.clone();
        let clients = Clients::builder(config).http(http).capacity(MOST);
        let clients = clients.store(move |key: &Key| UserStore::new(records.clone(), key.clone()));
        let clients = clients.on_event(move |_, event| {
            if debug {
                eprintln!("oauth: {}", event.name());
            }
        });
        Ok(Self { clients: clients.build()?, store })
    }

    /// Completes a login that the browser kept, and answers the key of the session that it has become. `None` where another
    /// node, or an earlier request, has done so.
    pub(crate) async fn complete(
        &self,
        login: &str,
        snapshot: Secret,
        callback: Secret,
    ) -> Result<Option<(String, SignedIn)>, ClientError> {
        let key = Key::new("login", login)?;
        // From here on it is in the store that all nodes share: whichever of them redeems the code, it is one.
        match self.store.save(&key, &Put::of(snapshot, Replaces::Nothing)?).await {
            Ok(_stored_here_or_elsewhere) => {}
            // Under this key there was a session, which has another key now.
            Err(StoreError::Refused { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let mut user = self.clients.of(key.clone());
        let done = match user.complete_login(callback).await {
            Ok(done) => done,
            // That login still waits.
            Err(error @ ClientError::CallbackIgnored { .. }) => return Err(error),
            // Another request spends the code: the record is that one's.
            Err(ClientError::LoginSuperseded | ClientError::LoginCancelled) => return Ok(None),
            Err(error) => {
                self.store.delete(&key).await?;
                return Err(error);
            }
        };
        // Nobody could know this key while the login was under way.
        let session = random_key()?;
        match user.rebind(key_of(&session)?).await {
            Ok(()) => Ok(Some((session, done))),
            Err(ClientError::SignInRequired { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Who has this key, if somebody is signed in under it.
    pub(crate) async fn get(&self, session: &str) -> Result<Option<Client>, ClientError> {
        let client = self.clients.client(&key_of(session)?).await?;
        Ok(is_signed_in(&client).then_some(client))
    }

    /// Signs this user out for good, here and on the other nodes.
    pub(crate) async fn leave(&self, session: &str) -> Result<(), ClientError> {
        let key = key_of(session)?;
        // Here it is complete at once, whatever the server says.
        self.clients.of(key.clone()).sign_out(SignOutOptions::default()).await?;
        self.store.delete(&key).await?;
        self.clients.forget(&key);
        Ok(())
    }

    /// Finishes what is under way for everybody.
    pub(crate) async fn close(&self) {
        self.clients.close().await;
    }

    pub(crate) fn count(&self) -> usize {
        self.clients.kept()
    }
}

fn key_of(session: &str) -> Result<Key, StoreError> {
    Key::new("session", session)
}

fn is_signed_in(client: &Client) -> bool {
    client.tokens().is_some()
}

pub(crate) const KEY_LEN: usize = 32;

pub(crate) fn random_key() -> Result<String, ClientError> {
    let mut bytes = [0_u8; KEY_LEN / 2];
    getrandom::fill(&mut bytes).map_err(|_| ClientError::Randomness)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
