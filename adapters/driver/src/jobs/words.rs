//! A coordinator's words in ours: errors, events, answers of the host.

use std::sync::{Mutex, PoisonError};

use webex_oauth::coordinator::{self, Done, Failure, StoreFault, StoreFaultKind};
use webex_oauth::{Misuse, Secret};

use crate::error::ClientError;
use crate::event::ClientEvent;
use crate::store::StoreError;

/// The last error of a store, in its own words: a coordinator has fewer.
#[derive(Debug, Default)]
pub struct LastError(Mutex<Option<Box<StoreError>>>);

impl LastError {
    /// How a job ended, for the coordinator.
    pub(crate) fn done(&self, result: Result<Done, StoreError>) -> Done {
        result.unwrap_or_else(|error| {
            let fault = fault_of(&error);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(error));
            Done::StoreFailed(fault)
        })
    }

    /// The error itself, where there is nothing to be compared with.
    pub(crate) fn take(self) -> Option<StoreError> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner).map(|error| *error)
    }

    fn of(&self, fault: &StoreFault) -> Option<StoreError> {
        let error = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        error.as_deref().filter(|error| fault_of(error) == *fault).cloned()
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
pub fn store_error(fault: &StoreFault, last: Option<&LastError>) -> StoreError {
    let known = last.and_then(|last| last.of(fault));
    known.unwrap_or_else(|| StoreError::Other { problem: fault.problem.clone() })
}

/// Why a call failed; `what` it waited for.
pub fn client_error(failure: Failure, what: &'static str, last: Option<&LastError>) -> ClientError {
    match failure {
        Failure::SignInRequired { reason } => ClientError::SignInRequired { reason },
        Failure::Unavailable { fault, retry_at } => ClientError::Unavailable { fault, retry_at },
        Failure::LoginFailed { fault } => ClientError::LoginFailed { fault },
        Failure::CallbackIgnored { reason } => ClientError::CallbackIgnored { reason },
        Failure::LoginCancelled => ClientError::LoginCancelled,
        Failure::LoginSuperseded => ClientError::LoginSuperseded,
        Failure::Timeout { limit } => ClientError::Timeout { what, limit },
        Failure::Store(fault) => ClientError::Store(store_error(&fault, last)),
        Failure::ScopeUnknown => {
            let problem = "what was granted is not known, so it has to be named".to_owned();
            ClientError::Misuse(Misuse::InvalidArgument { argument: "scope", problem })
        }
        Failure::Misuse(misuse) => ClientError::Misuse(misuse),
        Failure::Closed | Failure::Interrupted => ClientError::Closed,
    }
}

/// An event, for listeners.
pub fn client_event(event: coordinator::ClientEvent, last: Option<&LastError>) -> ClientEvent {
    match event {
        coordinator::ClientEvent::Session(event) => ClientEvent::Session(event),
        coordinator::ClientEvent::StoreFailed(fault) => ClientEvent::StoreFailed(store_error(&fault, last)),
        coordinator::ClientEvent::StoreRecovered => ClientEvent::StoreRecovered,
    }
}

/// What the host's callback brought.
pub fn host_answer(answer: Result<Secret, String>) -> Done {
    answer.map_or_else(Done::HostFailed, Done::Answer)
}
