//! Jobs at a store whose calls are awaited.

use std::sync::Arc;
use std::time::Duration;

use webex_oauth::coordinator::{Coordinator, Done, Op, StoreTraits};
use webex_oauth::{Config, Secret, SendFault};

use super::{Held, LastError, coordinator, saved};
use crate::error::ClientError;
use crate::store::{AsyncStore, BoxFuture, Put, StoreError};

/// Does a coordinator's jobs at a store.
#[derive(Debug)]
pub struct AsyncStoreJobs {
    store: Arc<dyn AsyncStore>,
    lock: Held,
    last_error: LastError,
}

impl AsyncStoreJobs {
    /// A coordinator for what the store holds, and the store for its jobs.
    ///
    /// # Errors
    ///
    /// [`ClientError::Store`] where the store cannot be read; [`ClientError::Restore`] where what is stored cannot be used,
    /// which is left as it is; [`ClientError::Randomness`].
    pub async fn open(
        config: Config,
        store: Option<Arc<dyn AsyncStore>>,
        patience: Option<Duration>,
        record: bool,
    ) -> Result<(Coordinator, Option<Arc<Self>>), ClientError> {
        let Some(store) = store else {
            return Ok((coordinator(config, None, None, patience, record)?, None));
        };
        let stored = store.load().await?;
        let traits = StoreTraits { lock_domain: store.lock_domain().await };
        let coordinator = coordinator(config, Some(traits), stored.as_ref(), patience, record)?;
        Ok((coordinator, Some(Arc::new(Self::new(store)))))
    }

    /// The same for what the store was found to hold a moment ago, without a lock.
    ///
    /// # Errors
    ///
    /// [`ClientError::Restore`] where it cannot be read.
    pub fn of_found(
        config: Config,
        store: Arc<dyn AsyncStore>,
        found: &Secret,
    ) -> Result<(Coordinator, Arc<Self>), ClientError> {
        let coordinator = coordinator(config, Some(StoreTraits::default()), Some(found), None, false)?;
        Ok((coordinator, Arc::new(Self::new(store))))
    }

    fn new(store: Arc<dyn AsyncStore>) -> Self {
        Self { store, lock: Held::default(), last_error: LastError::default() }
    }

    /// How the store failed, in its own words.
    pub fn last_error(&self) -> &LastError {
        &self.last_error
    }

    /// Does one; requests and questions are not for here. A lock is let go of at once, whether the future is polled or not.
    pub fn run(self: &Arc<Self>, op: Op) -> BoxFuture<'static, Done> {
        if matches!(op, Op::Unlock) {
            drop(self.lock.take());
            return Box::pin(std::future::ready(Done::Unlocked));
        }
        let jobs = Arc::clone(self);
        Box::pin(async move { jobs.last_error.done(jobs.attempt(op).await) })
    }

    async fn attempt(&self, op: Op) -> Result<Done, StoreError> {
        Ok(match op {
            Op::Load => Done::Loaded(self.store.load().await?),
            Op::Save { snapshot, revision, replaces, due_at } => {
                saved(self.store.save(Put::of_job(&snapshot, revision, replaces, due_at)).await?)
            }
            Op::TryLock => self.lock.keep(self.store.try_lock().await?),
            // See `run`.
            Op::Unlock => Done::Unlocked,
            Op::Send { .. } | Op::AskForToken { .. } | Op::AskForJwt { .. } => {
                op.failed(SendFault::NotSent, "a store does not do that")
            }
        })
    }
}
