//! Why a call failed, or a store.

use webex_oauth::coordinator::{self as core, StoreFault, StoreFaultKind};
use webex_oauth::{CallbackIgnored, Timestamp};

use crate::access::SignInReason;
use crate::error::{Fault, MisuseError};
use crate::mirror::mirror;

mirror! {
    /// Why a call failed. Free of secrets.
    #[derive(Debug, uniffi::Enum)]
    pub enum CallFailure from core::Failure {
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
            limit_ms: u64 = limit,
        },
        /// The store can neither be read nor take what a renewal would bring.
        Store {
            /// How it failed.
            fault: StoreFault = 0,
        },
        /// What was granted is not known: name a scope.
        ScopeUnknown,
        /// It cannot be done with these tokens.
        Misuse {
            /// Which mistake.
            mistake: MisuseError = 0,
        },
        /// The coordinator is closed.
        Closed,
        /// The process was forked, or the event loop replaced.
        Interrupted,
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
