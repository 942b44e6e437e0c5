//! What executors share of a coordinator's jobs: those at the store, and its words in ours.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use webex_oauth::coordinator::{
    self, Coordinator, Done, Failure, Op, Options, StoreFault, StoreFaultKind, StoreTraits,
};
use webex_oauth::{Config, Misuse, Secret, SendFault};

use crate::error::ClientError;
use crate::event::ClientEvent;
use crate::machine;
use crate::store::{Put, Saved, Store, StoreError, StoreLock};

/// A coordinator asks for one thing at a time; the others are those that hang.
const MOST_HANGING: usize = 8;

/// A coordinator for what the store holds, and the store for its jobs.
pub fn open(
    config: Config,
    store: Option<Box<dyn Store>>,
    patience: Option<Duration>,
    record: bool,
) -> Result<(Coordinator, Option<StoreJobs>), ClientError> {
    let stored = store.as_ref().map_or(Ok(None), |store| store.load())?;
    let jobs = store.map(StoreJobs::new);
    let mut options = Options::new(&config, jobs.as_ref().map(StoreJobs::traits));
    options.patience = patience.unwrap_or(options.patience);
    let mut coordinator = Coordinator::open(config, stored.as_ref(), machine::entropy()?, options)?;
    if record {
        coordinator.start_recording();
    }
    Ok((coordinator, jobs))
}

/// Does a coordinator's jobs at a store. They block, each for as long as the store does.
#[derive(Debug)]
pub struct StoreJobs {
    store: Box<dyn Store>,
    lock: Mutex<Option<StoreLock>>,
    running: AtomicUsize,
    /// The last one, in its own words.
    error: Mutex<Option<StoreError>>,
}

impl StoreJobs {
    fn new(store: Box<dyn Store>) -> Self {
        Self { store, lock: Mutex::default(), running: AtomicUsize::new(0), error: Mutex::default() }
    }

    fn traits(&self) -> StoreTraits {
        StoreTraits { lock_domain: self.store.lock_domain() }
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
            Ok(Ok(done)) => done,
            Ok(Err(error)) => {
                let fault = fault_of(&error);
                *self.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Done::StoreFailed(fault)
            }
            Err(_) => op.failed(SendFault::NotSent, "the store panicked"),
        }
    }

    fn attempt(&self, op: &Op) -> Result<Done, StoreError> {
        Ok(match op {
            Op::Load => Done::Loaded(self.store.load()?),
            Op::Save { snapshot, revision, replaces, due_at } => {
                let mut put = Put::new(snapshot.clone(), *revision, (*replaces).into());
                put.due_at = *due_at;
                match self.store.save(&put)? {
                    Saved::Stored => Done::Saved,
                    Saved::Conflict { found } => Done::Conflict(found),
                }
            }
            Op::TryLock => match self.store.try_lock()? {
                Some(lock) => {
                    self.keep(Some(lock));
                    Done::Locked
                }
                None => Done::LockBusy,
            },
            Op::Unlock => {
                self.keep(None);
                Done::Unlocked
            }
            Op::Send { .. } | Op::AskForToken { .. } | Op::AskForJwt { .. } => {
                op.failed(SendFault::NotSent, "a store does not do that")
            }
        })
    }

    /// The lock that was held until now goes, outside of our own.
    fn keep(&self, lock: Option<StoreLock>) {
        let before = std::mem::replace(&mut *self.lock.lock().unwrap_or_else(PoisonError::into_inner), lock);
        drop(before);
    }

    /// What a coordinator says of a store, in the store's own words where they are known.
    fn error_of(&self, fault: &StoreFault) -> Option<StoreError> {
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        error.clone().filter(|error| fault_of(error) == *fault)
    }
}

fn fault_of(error: &StoreError) -> StoreFault {
    let kind = match error {
        StoreError::Denied { .. } | StoreError::Refused { .. } => StoreFaultKind::Denied,
        StoreError::Full { .. } => StoreFaultKind::Full,
        StoreError::Damaged { .. } | StoreError::Sealed { .. } => StoreFaultKind::Damaged,
        StoreError::Busy { .. } | StoreError::Unavailable { .. } => StoreFaultKind::Unavailable,
        StoreError::Lock { .. } | StoreError::Io { .. } | StoreError::Other { .. } => StoreFaultKind::Other,
    };
    StoreFault { kind, problem: error.to_string() }
}

/// A fault of the store, for callers.
pub fn store_error(fault: &StoreFault, jobs: Option<&StoreJobs>) -> StoreError {
    let known = jobs.and_then(|jobs| jobs.error_of(fault));
    known.unwrap_or_else(|| StoreError::Other { problem: fault.problem.clone() })
}

/// Why a call failed; `what` it waited for.
pub fn client_error(failure: Failure, what: &'static str, jobs: Option<&StoreJobs>) -> ClientError {
    match failure {
        Failure::SignInRequired { reason } => ClientError::SignInRequired { reason },
        Failure::Unavailable { fault, retry_at } => ClientError::Unavailable { fault, retry_at },
        Failure::LoginFailed { fault } => ClientError::LoginFailed { fault },
        Failure::CallbackIgnored { reason } => ClientError::CallbackIgnored { reason },
        Failure::LoginCancelled => ClientError::LoginCancelled,
        Failure::LoginSuperseded => ClientError::LoginSuperseded,
        Failure::Timeout { limit } => ClientError::Timeout { what, limit },
        Failure::Store(fault) => ClientError::Store(store_error(&fault, jobs)),
        Failure::ScopeUnknown => {
            let problem = "what was granted is not known, so it has to be named".to_owned();
            ClientError::Misuse(Misuse::InvalidArgument { argument: "scope", problem })
        }
        Failure::Misuse(misuse) => ClientError::Misuse(misuse),
        Failure::Closed | Failure::Interrupted => ClientError::Closed,
    }
}

/// An event, for listeners.
pub fn client_event(event: coordinator::ClientEvent, jobs: Option<&StoreJobs>) -> ClientEvent {
    match event {
        coordinator::ClientEvent::Session(event) => ClientEvent::Session(event),
        coordinator::ClientEvent::StoreFailed(fault) => ClientEvent::StoreFailed(store_error(&fault, jobs)),
        coordinator::ClientEvent::StoreRecovered => ClientEvent::StoreRecovered,
    }
}

/// What the host's callback brought.
pub fn host_answer(answer: Result<Secret, String>) -> Done {
    answer.map_or_else(Done::HostFailed, Done::Answer)
}
