//! Why a call failed, or a store.

use webex_oauth::coordinator::{self as core, StoreFault, StoreFaultKind};
use webex_oauth::{CallbackIgnored, Timestamp};

use crate::access::SignInReason;
use crate::error::{Fault, MisuseError};
use crate::ms;

/// Why a call failed. Free of secrets.
#[derive(Debug, uniffi::Enum)]
pub enum CallFailure {
    /// Only the user can help.
    SignInRequired {
        /// Why.
        reason: SignInReason,
    },
    /// The last attempt failed; the next one is not due.
    Unavailable {
        /// How.
        fault: Fault,
        /// When the session tries again.
        retry_at: Timestamp,
    },
    /// The login ended without tokens.
    LoginFailed {
        /// Why.
        fault: Fault,
    },
    /// The callback is no pending login's.
    CallbackIgnored {
        /// Why.
        reason: CallbackIgnored,
    },
    /// The login was cancelled, or made pointless by a sign-out.
    LoginCancelled,
    /// Another sign-in took its place.
    LoginSuperseded,
    /// The caller's patience ended.
    Timeout {
        /// It was this long.
        limit_ms: u64,
    },
    /// The store can neither be read nor take what a renewal would bring.
    Store {
        /// How it failed.
        fault: StoreFault,
    },
    /// What was granted is not known: name a scope.
    ScopeUnknown,
    /// It cannot be done with these tokens.
    Misuse {
        /// Which mistake.
        mistake: MisuseError,
    },
    /// The coordinator is closed.
    Closed,
    /// The process was forked, or the event loop replaced.
    Interrupted,
}

impl From<core::Failure> for CallFailure {
    fn from(failure: core::Failure) -> Self {
        use core::Failure;
        match failure {
            Failure::SignInRequired { reason } => Self::SignInRequired { reason: reason.into() },
            Failure::Unavailable { fault, retry_at } => Self::Unavailable { fault: (&*fault).into(), retry_at },
            Failure::LoginFailed { fault } => Self::LoginFailed { fault: (&*fault).into() },
            Failure::CallbackIgnored { reason } => Self::CallbackIgnored { reason },
            Failure::LoginCancelled => Self::LoginCancelled,
            Failure::LoginSuperseded => Self::LoginSuperseded,
            Failure::Timeout { limit } => Self::Timeout { limit_ms: ms(limit) },
            Failure::Store(fault) => Self::Store { fault },
            Failure::ScopeUnknown => Self::ScopeUnknown,
            Failure::Misuse(misuse) => Self::Misuse { mistake: misuse.into() },
            Failure::Closed => Self::Closed,
            Failure::Interrupted => Self::Interrupted,
        }
    }
}

/// What kind of failure of a store.
#[uniffi::remote(Enum)]
pub enum StoreFaultKind {
    /// It does not answer.
    Unavailable,
    /// It may not be used.
    Denied,
    /// It is full.
    Full,
    /// It holds what cannot be read, or another client's session.
    Damaged,
    /// Anything else.
    Other,
}

/// How a store failed.
#[uniffi::remote(Record)]
pub struct StoreFault {
    /// What kind of failure.
    pub kind: StoreFaultKind,
    /// For people, without secrets.
    pub problem: String,
}
