//! From one face of a store to the other.

use std::fmt;
use std::sync::{Arc, mpsc};
#[cfg(any(feature = "postgres", feature = "redis"))]
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use webex_oauth::{Secret, Timestamp};
use webex_oauth_driver::{Put, Saved, StoreError};

use crate::{AsyncRecords, BoxFuture, Claim, Claimed, Key, Records, Scan, Scanned};

/// A blocking store for async programs: its calls go to the threads that tokio has for that. Needs a tokio runtime.
pub struct Unblock<R> {
    records: Arc<R>,
}

impl<R: Records + 'static> Unblock<R> {
    /// Over this store.
    pub fn new(records: R) -> Self {
        Self { records: Arc::new(records) }
    }

    fn run<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&R) -> Result<T, StoreError> + Send + 'static,
    ) -> BoxFuture<'a, Result<T, StoreError>> {
        let records = Arc::clone(&self.records);
        let what = format!("{records:?}");
        Box::pin(async move {
            let done = tokio::task::spawn_blocking(move || work(&records)).await;
            done.unwrap_or_else(|_| Err(StoreError::Unavailable { what, retry_after: None }))
        })
    }
}

impl<R: Records + 'static> AsyncRecords for Unblock<R> {
    fn load<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Option<Secret>, StoreError>> {
        let key = key.clone();
        self.run(move |records| records.load(&key))
    }

    fn save<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        let (key, put) = (key.clone(), put.clone());
        self.run(move |records| records.save(&key, &put))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), StoreError>> {
        let key = key.clone();
        self.run(move |records| records.delete(&key))
    }

    fn claim_due(&self, claim: Claim) -> BoxFuture<'_, Result<Vec<Claimed>, StoreError>> {
        self.run(move |records| records.claim_due(claim))
    }

    fn oldest_due<'a>(&'a self, client: &'a str) -> BoxFuture<'a, Result<Option<Timestamp>, StoreError>> {
        let client = client.to_owned();
        self.run(move |records| records.oldest_due(&client))
    }

    fn delete_expired(&self, most: u32) -> BoxFuture<'_, Result<u64, StoreError>> {
        self.run(move |records| records.delete_expired(most))
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Scanned, StoreError>> {
        let scan = scan.clone();
        self.run(move |records| records.scan(&scan))
    }

    fn rewrite<'a>(&'a self, key: &'a Key, put: &'a Put) -> BoxFuture<'a, Result<Saved, StoreError>> {
        let (key, put) = (key.clone(), put.clone());
        self.run(move |records| records.rewrite(&key, &put))
    }
}

impl<R> Clone for Unblock<R> {
    fn clone(&self) -> Self {
        Self { records: Arc::clone(&self.records) }
    }
}

impl<R: fmt::Debug> fmt::Debug for Unblock<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records.fmt(f)
    }
}

/// An async store for blocking programs, with a small runtime of its own: two threads for all its callers. It may be used
/// inside of another runtime, whose thread then waits.
pub struct Blocking<R> {
    records: Arc<R>,
    /// Taken when it is dropped.
    runtime: Option<Runtime>,
}

impl<R: AsyncRecords + 'static> Blocking<R> {
    /// What `connect` brings: a connection belongs to the runtime that it was made in.
    ///
    /// # Errors
    ///
    /// Those of `connect`; [`StoreError::Other`] where the system has no threads for the runtime, or `connect` panics.
    pub fn connect<E, F>(connect: impl FnOnce() -> F) -> Result<Self, StoreError>
    where
        F: Future<Output = Result<R, E>> + Send + 'static,
        R: Send,
        E: Into<StoreError> + Send + 'static,
    {
        let failed = |_| StoreError::Other { problem: "no thread can be had for the store".to_owned() };
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("webex-oauth-store").enable_all().build();
        let runtime = runtime.map_err(failed)?;
        let records = wait_for(&runtime, connect())?.map_err(Into::into)?;
        Ok(Self { records: Arc::new(records), runtime: Some(runtime) })
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(Arc<R>) -> BoxFuture<'static, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        match &self.runtime {
            Some(runtime) => wait_for(runtime, work(Arc::clone(&self.records)))?,
            None => Err(gone()),
        }
    }
}

/// Not by `block_on`, which panics in a thread of another runtime.
fn wait_for<T: Send + 'static>(
    runtime: &Runtime,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, StoreError> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Whoever has asked may be gone.
        let _ = sender.send(work.await);
    });
    receiver.recv().map_err(|_| gone())
}

fn gone() -> StoreError {
    StoreError::Other { problem: "the store gave up".to_owned() }
}

impl<R: AsyncRecords + 'static> Records for Blocking<R> {
    fn load(&self, key: &Key) -> Result<Option<Secret>, StoreError> {
        let key = key.clone();
        self.run(|records| Box::pin(async move { records.load(&key).await }))
    }

    fn save(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        let (key, put) = (key.clone(), put.clone());
        self.run(|records| Box::pin(async move { records.save(&key, &put).await }))
    }

    fn delete(&self, key: &Key) -> Result<(), StoreError> {
        let key = key.clone();
        self.run(|records| Box::pin(async move { records.delete(&key).await }))
    }

    fn claim_due(&self, claim: Claim) -> Result<Vec<Claimed>, StoreError> {
        self.run(|records| Box::pin(async move { records.claim_due(claim).await }))
    }

    fn oldest_due(&self, client: &str) -> Result<Option<Timestamp>, StoreError> {
        let client = client.to_owned();
        self.run(|records| Box::pin(async move { records.oldest_due(&client).await }))
    }

    fn delete_expired(&self, most: u32) -> Result<u64, StoreError> {
        self.run(|records| Box::pin(async move { records.delete_expired(most).await }))
    }

    fn scan(&self, scan: &Scan) -> Result<Scanned, StoreError> {
        let scan = scan.clone();
        self.run(|records| Box::pin(async move { records.scan(&scan).await }))
    }

    fn rewrite(&self, key: &Key, put: &Put) -> Result<Saved, StoreError> {
        let (key, put) = (key.clone(), put.clone());
        self.run(|records| Box::pin(async move { records.rewrite(&key, &put).await }))
    }
}

impl<R> Drop for Blocking<R> {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // What is under way gets a moment; waiting without a limit would panic inside of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl<R: fmt::Debug> fmt::Debug for Blocking<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records.fmt(f)
    }
}

/// For a store that does not answer at all.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub(crate) async fn within<T>(
    limit: Duration,
    what: &(dyn fmt::Debug + Sync),
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let late = |_| Err(StoreError::Unavailable { what: format!("{what:?}: no answer in time"), retry_after: None });
    tokio::time::timeout(limit, work).await.unwrap_or_else(late)
}
