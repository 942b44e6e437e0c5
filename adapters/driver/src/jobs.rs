//! What executors share of a coordinator's jobs: those at the store, and its words in ours.

mod asynchronous;
mod blocking;
mod words;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use webex_oauth::coordinator::{Coordinator, Done, Options, StoreTraits};
use webex_oauth::{Config, Secret};

pub use asynchronous::AsyncStoreJobs;
pub use blocking::{StoreJobs, open};
pub use words::{LastError, client_error, client_event, host_answer, store_error};

use crate::error::ClientError;
use crate::machine;
use crate::store::{Saved, StoreLock};

/// A coordinator for what a store holds; `None` for the store where the session lives in memory alone.
fn coordinator(
    config: Config,
    store: Option<StoreTraits>,
    stored: Option<&Secret>,
    patience: Option<Duration>,
    record: bool,
) -> Result<Coordinator, ClientError> {
    let mut options = Options::new(&config, store);
    options.patience = patience.unwrap_or(options.patience);
    let mut coordinator = Coordinator::open(config, stored, machine::entropy()?, options)?;
    if record {
        coordinator.start_recording();
    }
    Ok(coordinator)
}

pub(crate) fn saved(saved: Saved) -> Done {
    match saved {
        Saved::Stored => Done::Saved,
        Saved::Conflict { found } => Done::Conflict(found),
    }
}

/// Where a lock is kept from one job to another.
#[derive(Debug, Default)]
struct Held(Mutex<Option<StoreLock>>);

impl Held {
    fn keep(&self, lock: Option<StoreLock>) -> Done {
        let done = if lock.is_some() { Done::Locked } else { Done::LockBusy };
        drop(self.replace(lock));
        done
    }

    fn take(&self) -> Option<StoreLock> {
        self.replace(None)
    }

    /// The lock that was held until now goes, outside of our own.
    fn replace(&self, lock: Option<StoreLock>) -> Option<StoreLock> {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), lock)
    }
}
