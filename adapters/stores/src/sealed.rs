//! Encryption at rest, in front of any store.

mod key_file;
mod reseal;

use std::fmt;
use std::sync::Arc;

use webex_oauth::sealed::{Keys, NONCE_LEN, OpenError, Owner, open, seal};
use webex_oauth::{Secret, Timestamp};
use webex_oauth_driver::{Put, Saved, Store, StoreError, StoreLock};

pub use self::key_file::{KeyFileError, add_key, new_key_file, read_key_file};
pub use self::reseal::{Reseal, ResealFailed, Resealed};
use crate::{AsyncRecords, BoxFuture, Claim, Claimed, Key, Records};

/// Encrypts what a store keeps ([`webex_oauth::sealed`]): in front of [`Records`], of [`AsyncRecords`], or, with the key of the
/// one session that is in there, of a [`Store`] such as a file ([`Sealed::user`]).
///
/// A record that does not open, for the key is missing or another one, or the record another user's, is
/// [`StoreError::Sealed`]: it is left as it is. What is not encrypted is refused.
#[derive(Clone)]
pub struct Sealed<S> {
    store: S,
    keys: Arc<Keys>,
}

impl<S> Sealed<S> {
    /// In front of this store: the first of the keys seals, all of them open.
    pub fn new(store: S, keys: Keys) -> Self {
        Self { store, keys: Arc::new(keys) }
    }

    /// In front of a store for one session, whose key is this. The same key opens it in a store for many.
    pub fn user(store: S, keys: Keys, key: Key) -> SealedUser<S> {
        SealedUser { sealed: Self::new(store, keys), key }
    }

    fn seal(&self, key: &Key, put: &Put) -> Result<Put, StoreError> {
        sealed_put(&self.keys, key, put)
    }

    fn open(&self, key: &Key, record: &Secret) -> Result<Secret, StoreError> {
        open(&self.keys, owner(key), record.expose()).map_err(not_opened)
    }

    fn opened(&self, key: &Key, record: Option<Secret>) -> Result<Option<Secret>, StoreError> {
        record.map(|record| self.open(key, &record)).transpose()
    }

    fn open_conflict(&self, key: &Key, saved: Saved) -> Result<Saved, StoreError> {
        Ok(match saved {
            Saved::Stored => Saved::Stored,
            Saved::Conflict { found } => Saved::Conflict { found: self.opened(key, found)? },
        })
    }

    /// Each for itself: one that does not open holds up no other.
    fn open_claimed(&self, claimed: Vec<Claimed>) -> Vec<Claimed> {
        let open = |one: Claimed| {
            let snapshot = one.snapshot.and_then(|record| self.open(&one.key, &record));
            Claimed { snapshot, key: one.key }
        };
        claimed.into_iter().map(open).collect()
    }
}

fn sealed_put(keys: &Keys, key: &Key, put: &Put) -> Result<Put, StoreError> {
    let mut nonce = [0; NONCE_LEN];
    let no_randomness = |_| StoreError::Other { problem: "the system gives no randomness to seal with".to_owned() };
    getrandom::fill(&mut nonce).map_err(no_randomness)?;
    let not_one = |_| StoreError::Refused { what: "what is to be sealed is not a session".to_owned() };
    let record = seal(keys, owner(key), &put.snapshot, nonce).map_err(not_one)?;
    let mut sealed = put.clone();
    (sealed.client, sealed.key_id) = (put.client_tag(), Some(keys.first().id().to_owned()));
    (sealed.snapshot, sealed.kept_for) = (record, put.may_go_after());
    Ok(sealed)
}

fn not_opened(error: OpenError) -> StoreError {
    match error {
        OpenError::Sealed { key_id, why } => StoreError::Sealed { key_id, why: why.to_string() },
        OpenError::NotSealed => StoreError::Refused { what: "what is stored is not a sealed session".to_owned() },
    }
}

fn owner(key: &Key) -> Owner<'_> {
    Owner { tenant: key.tenant(), user: key.user() }
}

impl<S: Records> Records for Sealed<S> {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        self.opened(key, self.store.load(key)?)
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        self.open_conflict(key, self.store.save(key, &self.seal(key, put)?)?)
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        self.store.delete(key)
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.store.claim_due(claim).map(|claimed| self.open_claimed(claimed))
    }

    fn oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        self.store.oldest_due(client)
    }

    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        self.store.delete_expired(most)
    }
}

impl<S: AsyncRecords> AsyncRecords for Sealed<S> {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Secret>, StoreError>> {
        Box::pin(async move { self.opened(key, self.store.load(key).await?) })
    }

    fn save<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        Box::pin(async move {
            let sealed = self.seal(key, put)?;
            self.open_conflict(key, self.store.save(key, &sealed).await?)
        })
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.delete(key)
    }

    fn claim_due(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        Box::pin(async move { self.store.claim_due(claim).await.map(|claimed| self.open_claimed(claimed)) })
    }

    fn oldest_due<'a>(&'a self, client: &'a str) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        self.store.oldest_due(client)
    }

    fn delete_expired(&self, most: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.store.delete_expired(most)
    }
}

impl<S: fmt::Debug> fmt::Debug for Sealed<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, sealed with key {:?}", self.store, self.keys.first().id())
    }
}

/// Encryption in front of a store for one session: [`Sealed::user`].
#[derive(Clone)]
pub struct SealedUser<S> {
    sealed: Sealed<S>,
    key: Key,
}

impl<S: Store> Store for SealedUser<S> {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.sealed.opened(&self.key, self.sealed.store.load()?)
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        let sealed = self.sealed.seal(&self.key, put)?;
        self.sealed.open_conflict(&self.key, self.sealed.store.save(&sealed)?)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.sealed.store.delete()
    }

    /// The revision stands in front of what is encrypted.
    fn delete_revision(&self, revision: u64) -> Result<bool, StoreError> {
        self.sealed.store.delete_revision(revision)
    }

    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        self.sealed.store.try_lock()
    }

    fn lock_domain(&self) -> Option<String> {
        self.sealed.store.lock_domain()
    }
}

impl<S: fmt::Debug> fmt::Debug for SealedUser<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sealed.fmt(f)
    }
}
