//! A store that blocks, for those who may not.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use webex_oauth::Secret;
use webex_oauth_driver::{AsyncStore, BoxFuture, Put, Saved, Store, StoreError, StoreLock};

use crate::transport::AsyncHttp;

/// One thing is asked for at a time; the others are those that hang.
const MOST_HANGING: usize = 8;

/// Has the host carry the calls out where they harm nobody: [`AsyncHttp::unblock`].
pub(crate) struct Unblocked {
    store: Arc<dyn Store>,
    http: Arc<dyn AsyncHttp>,
    running: Arc<AtomicUsize>,
}

impl Unblocked {
    pub(crate) fn new(store: Arc<dyn Store>, http: Arc<dyn AsyncHttp>) -> Self {
        Self { store, http, running: Arc::default() }
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let running = Running(Arc::clone(&self.running));
        if running.0.fetch_add(1, Ordering::Relaxed) >= MOST_HANGING {
            return Err(other("the store does not answer"));
        }
        let store = Arc::clone(&self.store);
        let result = unblock(&*self.http, move || {
            let _running = running;
            work(&*store)
        });
        result.await.unwrap_or_else(|| Err(other("the store gave up")))
    }
}

impl AsyncStore for Unblocked {
    fn load(&self) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        Box::pin(self.run(|store| store.load()))
    }

    fn save(&self, put: Put) -> BoxFuture<'_, Result<Saved, StoreError>> {
        Box::pin(self.run(move |store| store.save(&put)))
    }

    fn delete(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.run(|store| store.delete()))
    }

    fn try_lock(&self) -> BoxFuture<'_, Result<Option<StoreLock>, StoreError>> {
        Box::pin(self.run(|store| store.try_lock()))
    }

    fn lock_domain(&self) -> BoxFuture<'_, Option<String>> {
        Box::pin(async { self.run(|store| Ok(store.lock_domain())).await.unwrap_or_default() })
    }
}

/// As the store itself: it names no secret.
impl fmt::Debug for Unblocked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

/// Runs what blocks for moments where the host wants it. `None` where it was not carried out, or panicked.
pub(crate) async fn unblock<T: Send + 'static>(
    http: &dyn AsyncHttp,
    work: impl FnOnce() -> T + Send + 'static,
) -> Option<T> {
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let work = move || {
        let result = catch_unwind(AssertUnwindSafe(work));
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = result.ok();
    };
    http.unblock(Box::new(work)).await;
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

fn other(problem: &str) -> StoreError {
    StoreError::Other { problem: problem.to_owned() }
}

struct Running(Arc<AtomicUsize>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
