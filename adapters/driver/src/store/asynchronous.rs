//! Stores whose calls are awaited: databases, services.

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use webex_oauth::Secret;

use super::{Put, Saved, StoreError, StoreLock};

/// A boxed future; `Send`, except in a browser, where nothing is.
#[cfg(not(target_arch = "wasm32"))]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed future; `Send`, except in a browser, where nothing is.
#[cfg(target_arch = "wasm32")]
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// [`Store`](super::Store) for those who can wait without a thread. What is promised is the same.
///
/// A future may be dropped before its end: then nobody knows whether it was done, and the store is asked.
pub trait AsyncStore: Send + Sync + fmt::Debug + 'static {
    /// What is stored, or `None` where there is nothing yet. The bytes are not looked into.
    ///
    /// # Errors
    ///
    /// As [`Store::load`](super::Store::load).
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>>;

    /// Compares and swaps in one step, durably before it answers, as [`Store::save`](super::Store::save).
    ///
    /// # Errors
    ///
    /// As [`Store::save`](super::Store::save).
    fn save(&self, put: Put) -> BoxFuture<'_, Result<Saved, StoreError>>;

    /// Forgets what is stored. Nothing there is a success.
    ///
    /// # Errors
    ///
    /// As [`Store::delete`](super::Store::delete).
    fn delete(&self) -> BoxFuture<'_, Result<(), StoreError>>;

    /// Takes the lock that is held around grant requests, or answers `None` where another holds it. Only asked for where
    /// [`AsyncStore::lock_domain`] names it. To drop it lets go of it, and does not block.
    ///
    /// # Errors
    ///
    /// As [`Store::try_lock`](super::Store::try_lock).
    fn try_lock(&self) -> BoxFuture<'_, Result<Option<StoreLock>, StoreError>> {
        Box::pin(ready(Ok(Some(StoreLock::none()))))
    }

    /// Names the lock, as [`Store::lock_domain`](super::Store::lock_domain).
    fn lock_domain(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(ready(None))
    }
}

impl<S: AsyncStore + ?Sized> AsyncStore for Arc<S> {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        (**self).load()
    }

    fn save(&self, put: Put) -> BoxFuture<'_, Result<Saved, StoreError>> {
        (**self).save(put)
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        (**self).delete()
    }

    fn try_lock(&self) -> BoxFuture<'_, Result<Option<StoreLock>, StoreError>> {
        (**self).try_lock()
    }

    fn lock_domain(&self) -> BoxFuture<'_, Option<String>> {
        (**self).lock_domain()
    }
}
