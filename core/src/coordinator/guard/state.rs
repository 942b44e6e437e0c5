//! Where the guard is, and what it knows.

use std::sync::Arc;
use std::time::Duration;

use crate::coordinator::clock::Tick;
use crate::coordinator::output::{JobId, StoreFault};
use crate::error::Fault;
use crate::intent::GrantId;
use crate::time::Timestamp;

/// Between two looks at somebody else's intent; doubles.
pub(super) const SHORTEST_POLL: Duration = Duration::from_millis(50);
pub(super) const LONGEST_POLL: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(in crate::coordinator) struct Guard {
    pub(super) at: At,
    pub(super) lock: Lock,
    /// The intent that this coordinator has put into the store, or tried to.
    pub(super) own: Option<Own>,
    /// Somebody else's intent, and since when it has been seen without a break.
    pub(super) foreign: Option<Foreign>,
    /// When the store was last seen with new tokens of a renewal behind which a request with the refresh token before may be on its
    /// way.
    pub(super) renewed_at: Option<Tick>,
    /// When a request of ours was last given up without an answer.
    pub(super) lost_at: Option<Tick>,
    pub(super) poll: Duration,
    pub(super) steps: u64,
    /// The sign-in that the renewal under way is for.
    pub(super) of: Option<GrantId>,
    /// Renewals that began here, and how the last one ended.
    pub(super) begun: u64,
    /// The number of one that was not sent, and begins anew.
    pub(super) undone: Option<u64>,
    pub(super) ended: Option<Ended>,
    /// The last request was refused by whoever was to send it, as its time had passed.
    pub(super) was_late: bool,
    /// The lock could not be had, and that was told.
    pub(super) lock_failed: bool,
    /// The store could not be read, or did not take the intent.
    pub(super) fault: Option<Box<StoreFault>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    #[default]
    Idle,
    Locking(JobId),
    Loading,
    Waiting {
        until: Tick,
    },
    Claiming {
        change: u64,
    },
    Sent {
        /// Line 5: later than this nothing goes out under the own intent. Without an intent there is no such moment.
        not_after: Option<Tick>,
    },
    Storing {
        change: u64,
    },
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    #[default]
    Free,
    /// Another has it, since this was first seen.
    Busy {
        since: Tick,
    },
    Ours {
        since: Tick,
    },
    /// It cannot be had: the intent will do.
    Without,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Own {
    pub(super) id: u64,
    /// When its save began, or earlier.
    pub(super) since: Tick,
    /// A request was sent under it, and may have spent the refresh token.
    pub(super) sent: bool,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Foreign {
    pub(super) id: u64,
    /// The end of the first load that showed it.
    pub(super) since: Tick,
    /// The end of the last one.
    pub(super) last: Tick,
}

/// How a renewal that began here ended.
#[derive(Debug, Clone)]
pub(in crate::coordinator) struct Ended {
    pub(in crate::coordinator) number: u64,
    /// `None`: new tokens came.
    pub(in crate::coordinator) failure: Option<(Arc<Fault>, Timestamp)>,
}

impl Guard {
    pub(in crate::coordinator) fn steps(&self) -> u64 {
        self.steps
    }

    pub(in crate::coordinator) fn wake_at(&self) -> Option<Tick> {
        if let At::Waiting { until } = self.at { Some(until) } else { None }
    }

    pub(in crate::coordinator) fn is_claiming(&self) -> bool {
        matches!(self.at, At::Claiming { .. })
    }

    /// A renewal has begun here and is not over.
    pub(in crate::coordinator) fn is_under_way(&self) -> bool {
        matches!(self.at, At::Sent { .. } | At::Storing { .. })
    }

    /// A renewal is over and not stored yet.
    pub(in crate::coordinator) fn is_storing(&self) -> bool {
        matches!(self.at, At::Storing { .. })
    }

    pub(in crate::coordinator) fn is_idle(&self) -> bool {
        self.at == At::Idle
    }

    /// How many renewals have begun here.
    pub(in crate::coordinator) fn begun(&self) -> u64 {
        self.begun
    }

    /// Whether one has begun since there were so many, but for one that came to nothing before it was sent.
    pub(in crate::coordinator) fn has_begun_since(&self, many: u64) -> bool {
        let undone = u64::from(self.undone == Some(self.begun));
        self.begun.saturating_sub(undone) > many
    }

    pub(in crate::coordinator) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    pub(in crate::coordinator) fn fault(&self) -> Option<&StoreFault> {
        self.fault.as_deref()
    }

    pub(in crate::coordinator) fn renewed(&mut self) {
        if matches!(self.at, At::Sent { .. }) {
            self.ended = Some(Ended { number: self.begun, failure: None });
        }
    }

    pub(in crate::coordinator) fn failed(&mut self, fault: Arc<Fault>, retry_at: Timestamp) {
        if matches!(self.at, At::Sent { .. }) {
            self.ended = Some(Ended { number: self.begun, failure: Some((fault, retry_at)) });
        }
    }

    pub(in crate::coordinator) fn send_by(&self) -> Option<Tick> {
        if let At::Sent { not_after } = self.at { not_after } else { None }
    }

    pub(super) fn go(&mut self, at: At) {
        self.at = at;
        self.steps = self.steps.saturating_add(1);
    }
}
