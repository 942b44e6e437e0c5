//! Jobs at a store whose calls block.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use webex_oauth::coordinator::{Coordinator, Done, Op, StoreTraits};
use webex_oauth::{Config, SendFault};

use super::{Held, LastError, coordinator, saved};
use crate::error::ClientError;
use crate::store::{Put, Store, StoreError};

/// A coordinator asks for one thing at a time; the others are those that hang.
const MOST_HANGING: usize = 8;

/// A coordinator for what the store holds, and the store for its jobs.
///
/// # Errors
///
/// [`ClientError::Store`] where the store cannot be read; [`ClientError::Restore`] where what is stored cannot be used, which
/// is left as it is; [`ClientError::Randomness`].
pub fn open(
    config: Config,
    store: Option<Box<dyn Store>>,
    patience: Option<Duration>,
    record: bool,
) -> Result<(Coordinator, Option<StoreJobs>), ClientError> {
    let stored = store.as_ref().map_or(Ok(None), |store| store.load())?;
    let jobs = store.map(StoreJobs::new);
    let traits = jobs.as_ref().map(StoreJobs::traits);
    Ok((coordinator(config, traits, stored.as_ref(), patience, record)?, jobs))
}

/// Does a coordinator's jobs at a store. They block, each for as long as the store does.
#[derive(Debug)]
pub struct StoreJobs {
    store: Box<dyn Store>,
    lock: Held,
    running: AtomicUsize,
    last_error: LastError,
}

impl StoreJobs {
    fn new(store: Box<dyn Store>) -> Self {
        Self { store, lock: Held::default(), running: AtomicUsize::new(0), last_error: LastError::default() }
    }

    fn traits(&self) -> StoreTraits {
        StoreTraits { lock_domain: self.store.lock_domain() }
    }

    /// How the store failed, in its own words.
    pub fn last_error(&self) -> &LastError {
        &self.last_error
    }

    /// Does one; requests and questions are not for here.
    pub fn run(&self, op: &Op) -> Done {
        if self.running.fetch_add(1, Ordering::Relaxed) >= MOST_HANGING {
            self.running.fetch_sub(1, Ordering::Relaxed);
            return op.failed(SendFault::NotSent, "the store does not answer");
        }
        let done = catch_unwind(AssertUnwindSafe(|| self.attempt(op)));
        self.running.fetch_sub(1, Ordering::Relaxed);
        match done {
            Ok(result) => self.last_error.done(result),
            Err(_) => op.failed(SendFault::NotSent, "the store panicked"),
        }
    }

    fn attempt(&self, op: &Op) -> Result<Done, StoreError> {
        Ok(match op {
            Op::Load => Done::Loaded(self.store.load()?),
            Op::Save { snapshot, revision, replaces, due_at } => {
                saved(self.store.save(&Put::of_job(snapshot, *revision, *replaces, *due_at))?)
            }
            Op::TryLock => self.lock.keep(self.store.try_lock()?),
            Op::Unlock => {
                drop(self.lock.take());
                Done::Unlocked
            }
            Op::Send { .. } | Op::AskForToken { .. } | Op::AskForJwt { .. } => {
                op.failed(SendFault::NotSent, "a store does not do that")
            }
        })
    }
}
