//! What a coordinator has its driver do.

use std::sync::Arc;

use webex_oauth::Timestamp;
use webex_oauth::coordinator::{self as core, StoreFault};

use super::failures::CallFailure;
use super::given::Spent;
use crate::effect::{DevicePrompt, TokenAsk};
use crate::event::Event;
use crate::http::HttpRequest;
use crate::mirror::{mirror, outward};
use crate::secret::{AccessToken, Secret};

mirror! {
    /// One thing to do. It is begun when it is taken; the next one does not wait for its end.
    #[derive(Debug, uniffi::Enum)]
    pub enum CoordinatorOutput from core::Output {
        /// Begin this job, and report with `done`.
        Do {
            /// Goes into the report.
            job: u64,
            /// What to do.
            op: JobOp,
        },
        /// The job is not wanted any longer.
        Stop {
            /// Which.
            job: u64,
        },
        /// The answer to a call.
        Resolve {
            /// Whose.
            ticket: u64,
            /// The answer.
            reply: CoordinatorReply,
        },
        /// For the user of this call: where to go on another device, and which code to enter.
        Show {
            /// Whose.
            ticket: u64,
            /// What.
            prompt: DevicePrompt = what,
        },
        /// For whoever listens, in order.
        Tell {
            /// What happened.
            event: CoordinatorEvent,
        },
        /// Replaces the token that may be handed out without asking.
        Publish {
            /// The token and its lines.
            fresh: Option<PublishedToken>,
        },
    }
}

mirror! {
    /// A job.
    #[derive(Debug, uniffi::Enum)]
    #[allow(clippy::large_enum_variant, reason = "uniffi has no boxes, and this is made once")]
    pub enum JobOp from core::Op {
        /// Read what the store holds.
        Load,
        /// Compare and swap, durably.
        Save {
            /// The bytes.
            snapshot: Arc<Secret>,
            /// Their revision.
            revision: u64,
            /// Only if the store holds this revision; 0: only if it holds nothing.
            replaces: u64,
            /// When somebody should open this session next.
            due_at: Option<Timestamp>,
        },
        /// Try the store's lock, without waiting.
        TryLock,
        /// Let go of it.
        Unlock,
        /// Send.
        Send {
            /// Complete.
            request: HttpRequest,
            /// On a connection of its own.
            fresh_connection: bool,
            /// Its limit.
            within_ms: u64 = within,
            /// Later than this on the monotonic clock it is `NotSent`.
            not_after: Option<u64>,
        },
        /// Ask the host for tokens.
        AskForToken {
            /// For what.
            ask: TokenAsk,
            /// Its limit.
            within_ms: u64 = within,
        },
        /// Ask the host for a guest JWT.
        AskForJwt {
            /// Its limit.
            within_ms: u64 = within,
        },
    }
}

mirror! {
    /// The answer to a call.
    #[derive(Debug, uniffi::Enum)]
    pub enum CoordinatorReply from core::Reply {
        /// Use this token.
        Token {
            /// The token.
            token: Arc<AccessToken>,
            /// Name it when an API has answered.
            generation: u64,
            /// When the server will refuse it, if known.
            expires_at: Option<Timestamp>,
        },
        /// What to do with an API's answer.
        Api {
            /// What.
            next: NextStep = 0,
        },
        /// Signed in.
        SignedIn {
            /// The callback without its secrets.
            cleaned_url: Option<String>,
            /// The caller's own part of the state.
            state: Option<String>,
        },
        /// Bring the browser there.
        Url {
            /// Where.
            url: Arc<Secret> = 0,
        },
        /// Done.
        Done,
        /// It failed.
        Failed {
            /// Why.
            failure: CallFailure = 0,
        },
    }
}

mirror! {
    /// What to do with an API's answer.
    #[derive(Debug, uniffi::Enum)]
    pub enum NextStep from core::Next {
        /// Hand it to the caller.
        Return {
            /// Why a refused token could not be replaced.
            why: Option<CallFailure>,
        },
        /// Call again with this token.
        Again {
            /// The token.
            token: Arc<AccessToken>,
            /// Its generation.
            generation: u64,
            /// For the next `Answered`.
            spent: Spent,
        },
    }
}

/// For whoever listens.
#[allow(clippy::large_enum_variant, reason = "uniffi has no boxes, and it is handed on at once")]
#[derive(Debug, uniffi::Enum)]
pub enum CoordinatorEvent {
    /// What the session says.
    Session {
        /// The event's name in the Webex world.
        name: String,
        /// What.
        event: Event,
    },
    /// The store fails; it is tried again. Told once, until it works.
    StoreFailed {
        /// How.
        fault: StoreFault,
    },
    /// The store works again.
    StoreRecovered,
}

impl From<core::ClientEvent> for CoordinatorEvent {
    fn from(event: core::ClientEvent) -> Self {
        use core::ClientEvent;
        match event {
            ClientEvent::Session(event) => Self::Session { name: event.name().to_owned(), event: event.into() },
            ClientEvent::StoreFailed(fault) => Self::StoreFailed { fault },
            ClientEvent::StoreRecovered => Self::StoreRecovered,
        }
    }
}

mirror! {
    /// A token that may be handed out without asking, while the wall clock reads between its lines.
    #[derive(Debug, uniffi::Record)]
    pub struct PublishedToken from core::Fresh {
        /// The token.
        pub token: Arc<AccessToken>,
        /// Its generation.
        pub generation: u64,
        /// When the server will refuse it, if known.
        pub expires_at: Option<Timestamp>,
        /// Not while the wall clock reads earlier than this.
        pub from: Timestamp,
        /// Not from this on; none: no such line.
        pub until: Option<Timestamp>,
    }
}

mirror! {
    /// When to call `wake`: at whichever comes first.
    #[derive(Debug, Clone, Copy, uniffi::Record)]
    pub struct WakeAt from core::WakeAt {
        /// By the wall clock.
        pub wall: Option<Timestamp>,
        /// By the monotonic clock.
        pub mono: Option<u64>,
    }
}

outward! {
    core::Shown => DevicePrompt: |core::Shown::DeviceCode(prompt)| DevicePrompt::from(prompt);
}
