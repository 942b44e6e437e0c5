//! The session of one user.

use std::fmt;

use webex_oauth::Secret;
use webex_oauth_driver::{AsyncStore, BoxFuture, Put, Saved, Store, StoreError, StoreLock};

use crate::{AsyncRecords, Key, Records};

/// One record of a store, as a client takes it: that of `webex-oauth-ureq` over [`Records`], that of `webex-oauth-async` over
/// [`AsyncRecords`].
///
/// It costs nothing and keeps nothing: make one for each client.
#[derive(Clone)]
pub struct UserStore<R> {
    records: R,
    key: Key,
}

impl<R> UserStore<R> {
    /// The record of this key. The store is shared: an `Arc` of it, or a clone of a handle.
    pub fn new(records: R, key: Key) -> Self {
        Self { records, key }
    }

    /// Whose it is.
    pub fn key(&self) -> &Key {
        &self.key
    }
}

impl<R: Records> Store for UserStore<R> {
    fn load(&self) -> Result<Option<Secret>, StoreError> {
        self.records.load(&self.key)
    }

    fn save(&self, put: &Put) -> Result<Saved, StoreError> {
        self.records.save(&self.key, put)
    }

    fn delete(&self) -> Result<(), StoreError> {
        self.records.delete(&self.key)
    }

    /// There is none to be had, and none is needed: the intent that a client saves before a renewal is the lease.
    fn try_lock(&self) -> Result<Option<StoreLock>, StoreError> {
        Ok(Some(StoreLock::none()))
    }
}

impl<R: AsyncRecords + 'static> AsyncStore for UserStore<R> {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        self.records.load(&self.key)
    }

    fn save(&self, put: Put) -> BoxFuture<'_, Result<Saved, StoreError>> {
        Box::pin(async move { self.records.save(&self.key, &put).await })
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        self.records.delete(&self.key)
    }
}

impl<R: fmt::Debug> fmt::Debug for UserStore<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} in {:?}", self.key, self.records)
    }
}
