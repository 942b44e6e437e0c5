//! What a coordinator has its driver do, and what comes back.

use std::sync::Arc;
use std::time::Duration;

use super::call::Ticket;
use super::clock::Tick;
use crate::access::SignInReason;
use crate::effect::TokenAsk;
use crate::error::{Fault, Misuse, SendFault};
use crate::event::{CallbackIgnored, Event};
use crate::http::{HttpRequest, HttpResponse};
use crate::protocol::device::DevicePrompt;
use crate::secret::{AccessToken, Secret};
use crate::time::Timestamp;

/// Names a job. Given by the coordinator, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// One thing to do. It is begun when it is taken; the next one does not wait for its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Begin this job, outside of the lock, and report with [`Coordinator::done`](super::Coordinator::done).
    Do {
        /// Goes into the report.
        job: JobId,
        /// What to do.
        op: Op,
    },
    /// The job is not wanted any longer: give it up if that is easy. Never said of a save, an unlock, or a request of the grant.
    Stop {
        /// Which.
        job: JobId,
    },
    /// The answer to a call. Every accepted ticket gets one, unless it was given up.
    Resolve {
        /// Whose.
        ticket: Ticket,
        /// The answer.
        reply: Reply,
    },
    /// Something for the user of this call to see.
    Show {
        /// Whose.
        ticket: Ticket,
        /// What.
        what: Shown,
    },
    /// For whoever listens, in order.
    Tell {
        /// What happened.
        event: ClientEvent,
    },
    /// Replaces the token that may be handed out without asking; `None`: ask.
    Publish {
        /// The token and its lines.
        fresh: Option<Fresh>,
    },
}

/// A job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Read what the store holds: [`Done::Loaded`].
    Load,
    /// Compare and swap, durably: [`Done::Saved`], [`Done::Conflict`].
    Save {
        /// The bytes: the secrets are in there.
        snapshot: Secret,
        /// Their revision.
        revision: u64,
        /// Only if the store holds this revision; 0: only if it holds nothing.
        replaces: u64,
        /// When somebody should open this session next.
        due_at: Option<Timestamp>,
    },
    /// Try the store's lock, without waiting: [`Done::Locked`], [`Done::LockBusy`].
    TryLock,
    /// Let go of it: [`Done::Unlocked`].
    Unlock,
    /// Send: [`Done::Response`], [`Done::SendFailed`].
    Send {
        /// Complete.
        request: HttpRequest,
        /// On a connection of its own: nothing may send a grant twice.
        fresh_connection: bool,
        /// Its limit.
        within: Duration,
        /// Look at the clock right before the first byte: later than this it is [`SendFault::NotSent`].
        not_after: Option<Tick>,
    },
    /// Ask the host for tokens: [`Done::Answer`], [`Done::HostFailed`].
    AskForToken {
        /// For what.
        ask: TokenAsk,
        /// Its limit.
        within: Duration,
    },
    /// Ask the host for a guest JWT: likewise.
    AskForJwt {
        /// Its limit.
        within: Duration,
    },
}

impl Op {
    /// The report of a job that came to nothing by the executor's own doing: it could not be begun (then `fault` is
    /// [`SendFault::NotSent`]), or whoever did it is gone ([`SendFault::Lost`]).
    pub fn failed(&self, fault: SendFault, problem: &str) -> Done {
        match self {
            Self::Send { .. } => Done::SendFailed(fault),
            Self::AskForToken { .. } | Self::AskForJwt { .. } => Done::HostFailed(problem.to_owned()),
            Self::Load | Self::Save { .. } | Self::TryLock | Self::Unlock => {
                let kind = StoreFaultKind::Other;
                Done::StoreFailed(StoreFault { kind, problem: problem.to_owned() })
            }
        }
    }
}

/// How a job ended. A result of another kind than was asked for counts as its failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// What the store holds.
    Loaded(Option<Secret>),
    /// It is stored.
    Saved,
    /// The store holds something else, or nothing.
    Conflict(Option<Secret>),
    /// The store failed. A save may have happened all the same.
    StoreFailed(StoreFault),
    /// The lock is ours.
    Locked,
    /// Another holds the lock.
    LockBusy,
    /// The lock is free.
    Unlocked,
    /// An answer, any status.
    Response(HttpResponse),
    /// The request failed below HTTP.
    SendFailed(SendFault),
    /// What the host brought: tokens, or a JWT.
    Answer(Secret),
    /// The host could not; for people, without secrets.
    HostFailed(String),
}

/// How a store failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct StoreFault {
    /// What kind of failure.
    pub kind: StoreFaultKind,
    /// For people, without secrets.
    pub problem: String,
}

/// What kind of failure of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StoreFaultKind {
    /// It does not answer.
    Unavailable,
    /// It may not be used.
    Denied,
    /// It is full.
    Full,
    /// It holds what cannot be read, or another client's session: that is left alone.
    Damaged,
    /// Anything else.
    Other,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Use this token.
    Token {
        /// A handle.
        token: AccessToken,
        /// Name it in [`Call::Answered`](super::Call::Answered).
        generation: u64,
        /// When the server will refuse it, if known.
        expires_at: Option<Timestamp>,
    },
    /// What to do with an API's answer.
    Api(Next),
    /// Signed in.
    SignedIn {
        /// The callback without its secrets, for the browser's history.
        cleaned_url: Option<String>,
        /// The caller's own part of the state.
        state: Option<String>,
    },
    /// Bring the browser there.
    Url(Secret),
    /// Done.
    Done,
    /// It failed.
    Failed(Failure),
}

/// What to do with an API's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Hand it to the caller.
    Return {
        /// Why a refused token could not be replaced.
        why: Option<Failure>,
    },
    /// Call again with this token. A wait that the API asked for is over.
    Again {
        /// A handle.
        token: AccessToken,
        /// Its generation.
        generation: u64,
        /// For the next [`Call::Answered`](super::Call::Answered).
        spent: super::Spent,
    },
}

/// Why a call failed. Free of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Only the user can help.
    SignInRequired {
        /// Why.
        reason: SignInReason,
    },
    /// The last attempt failed; the next one is not due.
    Unavailable {
        /// How.
        fault: Arc<Fault>,
        /// When the session tries again.
        retry_at: Timestamp,
    },
    /// The login ended without tokens.
    LoginFailed {
        /// Why.
        fault: Arc<Fault>,
    },
    /// The callback is no pending login's.
    CallbackIgnored {
        /// Why.
        reason: CallbackIgnored,
    },
    /// The login was cancelled, or made pointless by a sign-out.
    LoginCancelled,
    /// Another sign-in took its place, or another process completes this one or has ended it: what the store holds is what counts.
    LoginSuperseded,
    /// The caller's patience ended.
    Timeout {
        /// It was this long.
        limit: Duration,
    },
    /// The store can neither be read nor take what a renewal would bring: nothing was sent.
    Store(StoreFault),
    /// What was granted is not known, so it cannot be reduced: name a scope.
    ScopeUnknown,
    /// It cannot be done with these tokens.
    Misuse(Misuse),
    /// The coordinator is closed.
    Closed,
    /// The process was forked, or the event loop replaced.
    Interrupted,
}

/// For the user to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// Where to go on another device, and which code to enter.
    DeviceCode(DevicePrompt),
}

/// For whoever listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// What the session says.
    Session(Event),
    /// The store fails; it is tried again. Told once, until it works.
    StoreFailed(StoreFault),
    /// The store works again.
    StoreRecovered,
}

/// A token that may be handed out without asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// A handle.
    pub token: AccessToken,
    /// Its generation.
    pub generation: u64,
    /// When the server will refuse it, if known.
    pub expires_at: Option<Timestamp>,
    /// Not while the wall clock reads earlier than this.
    pub from: Timestamp,
    /// Not from this on; `None`: no such line.
    pub until: Option<Timestamp>,
}

impl Fresh {
    /// Whether it may be handed out when the wall clock reads this. Later, or earlier, the coordinator is asked.
    pub fn may_be_handed_out(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }
}
