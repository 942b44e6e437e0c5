//! The guard around a renewal: who may spend the refresh token, and when.
//!
//! ```text
//! Idle -> [Locking] -> Loading -> Claiming -> Sent -> Storing -> Idle
//!             ^           |  ^
//!             |           v  |        somebody else's intent, or the space between two renewals
//!             +-------- Waiting
//! ```
//!
//! - **Locking**: the lock of the operating system, where the store has one. It only makes waiting shorter.
//! - **Loading**: is the renewal still wanted, and is somebody else at it?
//! - **Claiming**: the intent is being saved. It is the lease: whoever finds it waits. It shows that the store can take the result,
//!   too: where it cannot, nothing is sent.
//! - **Sent**: within the send window of the moment at which the save began. After that: load again, with a new intent.
//! - **Storing**: the answer is taken in, and saved until that has succeeded. Then the lock is given back, and events are told.
//!
//! A renewal that spends no refresh token (the client's credentials, a question to the host) needs no intent: it goes from
//! Loading to Sent. Why each line is as it is, is explored by the simulation in `tests/coordinator`.

mod lease;
mod state;

pub(super) use self::state::Guard;
use self::state::{At, LONGEST_POLL, Lock, Own, SHORTEST_POLL};
use super::Coordinator;
use super::clock::Tick;
use super::jobs::Kind;
use super::output::{ClientEvent, Done, JobId, Op, StoreFault};
use super::rules::Rule;
use crate::access::Access;
use crate::action::guarded::Guarded;
use crate::error::SendFault;
use crate::http::RequestId;
use crate::input::Input;
use crate::intent::NextGrant;

impl Coordinator {
    /// Goes on, if anything it waits for has come about.
    pub(super) fn step_guard(&mut self) {
        match self.guard.at {
            At::Idle => self.enter_guard(),
            At::Waiting { until } if until <= self.now.mono => self.lock_or_load(),
            At::Claiming { change } if self.saving.has(change) => self.claimed(),
            At::Claiming { change } if self.saving.is_settled(change) => self.not_claimed(),
            At::Sent { .. } if !self.jobs.has_guards() => self.answered(),
            At::Sent { .. } if self.is_over() => self.stop_asking(),
            At::Storing { change } if self.saving.has(change) => self.leave_guard(),
            // The refresh token is as it was, and nobody waits for what could not be stored.
            At::Storing { change } if !self.rotates() && self.saving.is_settled(change) => self.leave_guard(),
            At::Locking(_)
            | At::Loading
            | At::Waiting { .. }
            | At::Claiming { .. }
            | At::Sent { .. }
            | At::Storing { .. } => {}
        }
    }

    fn is_wanted(&self) -> Option<NextGrant> {
        match self.session.next_grant(self.now.wall) {
            Some(next @ (NextGrant::Refresh | NextGrant::OtherRenewal)) if !self.is_closing() => Some(next),
            Some(_) | None => None,
        }
    }

    fn enter_guard(&mut self) {
        let may_begin = self.saving.is_stored() || self.options.store.is_none() || self.may_go_on_unsaved();
        if self.is_wanted().is_none() || !may_begin {
            return;
        }
        self.guard.poll = SHORTEST_POLL;
        if self.options.store.is_none() {
            self.send(None);
        } else {
            self.lock_or_load();
        }
    }

    /// The lock first, where there is one to be had.
    fn lock_or_load(&mut self) {
        let has_lock = self.options.store.as_ref().is_some_and(|store| store.lock_domain.is_some());
        if has_lock && matches!(self.guard.lock, Lock::Free | Lock::Busy { .. }) {
            let job = self.begin_job(Kind::TryLock, Op::TryLock, self.store_limit());
            self.guard.go(At::Locking(job));
        } else {
            self.load();
        }
    }

    fn load(&mut self) {
        self.look_for_guard();
        self.guard.go(At::Loading);
    }

    pub(super) fn guard_locked(&mut self, job: JobId) {
        self.guard.lock = Lock::Ours { since: self.now.mono };
        self.guard.lock_failed = false;
        // What was seen before does not count: its holder may have let go of the lock when it was done.
        self.guard.foreign = None;
        if self.guard.at == At::Locking(job) {
            self.load();
        }
    }

    pub(super) fn guard_not_locked(&mut self, job: JobId, result: Done) {
        self.guard.lock = match (result, self.guard.lock) {
            (Done::LockBusy, Lock::Busy { since }) => Lock::Busy { since },
            (Done::LockBusy, _) => Lock::Busy { since: self.now.mono },
            (result, _) => {
                self.lock_fails(result);
                Lock::Without
            }
        };
        if self.guard.at == At::Locking(job) {
            self.load();
        }
    }

    /// Told once, until it can be had again: waiting is longer without it.
    fn lock_fails(&mut self, result: Done) {
        if let Done::StoreFailed(fault) = result
            && !std::mem::replace(&mut self.guard.lock_failed, true)
        {
            self.tell(ClientEvent::StoreFailed(fault));
        }
    }

    /// A load has ended.
    pub(super) fn guard_loaded(&mut self, result: Result<(), StoreFault>) {
        if self.guard.at != At::Loading {
            return;
        }
        match result {
            Ok(()) => self.decide(),
            Err(_) if self.may_send_without_intent() => self.send(None),
            Err(fault) => {
                // Line 8: a failed look begins the count again.
                if self.obeys(Rule::UnbrokenObservation) {
                    self.guard.foreign = None;
                }
                self.guard.fault = Some(Box::new(fault));
                self.wait();
            }
        }
    }

    fn wait(&mut self) {
        let until = self.now.mono.plus(self.guard.poll);
        // Longer ones would break the observation that they are for.
        let longest = LONGEST_POLL.min(self.options.times.poll_gap / 2);
        self.guard.poll = self.guard.poll.saturating_mul(2).min(longest);
        self.guard.go(At::Waiting { until });
    }

    /// The store fails, and what it lacks is not needed by anybody else.
    fn may_go_on_unsaved(&self) -> bool {
        self.may_send_without_intent() && self.saving.failing().is_some() && self.saving.is_all_settled()
    }

    /// While a token lives nothing is spent whose successor could not be kept. When it has ended, and the refresh token stays
    /// what it is, nothing is lost by it.
    pub(super) fn may_send_without_intent(&self) -> bool {
        let lives = matches!(self.session.access(self.now.wall), Access::Ready { .. });
        !self.rotates() && !lives && !self.is_closing()
    }

    /// Whether what a renewal spends cannot be spent again.
    pub(super) fn rotates(&self) -> bool {
        self.options.rotates || self.session.has_seen_rotation()
    }

    fn send(&mut self, not_after: Option<Tick>) {
        self.guard.begun = self.guard.begun.saturating_add(1);
        self.guard.of = self.session.grant_id();
        self.guard.go(At::Sent { not_after });
        self.act(Guarded::BeginGrant, true);
    }

    /// The request did not leave.
    pub(super) fn guard_not_sent(&mut self, id: RequestId, fault: SendFault) {
        let is_late = self.guard.send_by().is_some_and(|limit| limit < self.now.mono);
        // Twice in a row it is more than an unlucky moment, and whoever waits is told.
        if is_late && !std::mem::replace(&mut self.guard.was_late, true) && !self.is_closing() {
            self.act(Guarded::Unbegin { id }, true);
            self.guard.undone = Some(self.guard.begun);
            self.guard.own = self.guard.own.map(|own| Own { sent: false, ..own });
            return self.lock_or_load();
        }
        // The intent under it is as good as new, and in everybody's way.
        if let Some(own) = self.guard.own.take() {
            self.act(Guarded::Withdraw { id: own.id }, true);
        }
        self.give_from(Input::SendFailed { id, fault }, true);
    }

    /// The session that the renewal is for is over, or another sign-in has taken its place.
    fn is_over(&self) -> bool {
        self.guard.of != self.session.grant_id()
    }

    /// A request that was sent is awaited; a question to the host is not, when its answer is nobody's.
    fn stop_asking(&mut self) {
        if let Some((job, id)) = self.jobs.guards_question() {
            self.stop_job(job);
            self.give_from(Input::HostFailed { id, reason: "nobody needs it any longer".to_owned() }, true);
            self.answered();
        }
    }

    /// The answer is taken in.
    fn answered(&mut self) {
        self.guard.was_late = false;
        let ended = self.guard.ended.as_ref().filter(|ended| ended.number == self.guard.begun);
        match ended.map(|ended| ended.failure.as_ref()) {
            Some(None) if self.may_have_one_on_its_way() => self.guard.renewed_at = Some(self.now.mono),
            Some(Some((fault, _))) if fault.send.is_some_and(|fault| !fault.is_unsent()) => {
                self.guard.lost_at = Some(self.now.mono);
            }
            Some(_) | None => {}
        }
        self.guard.go(At::Storing { change: self.saving.changes() });
    }

    pub(super) fn leave_guard(&mut self) {
        if matches!(self.guard.lock, Lock::Ours { .. }) {
            self.unlock();
        }
        self.guard.lock = Lock::Free;
        self.guard.foreign = None;
        self.guard.go(At::Idle);
        self.changed = true;
    }

    pub(super) fn unlock(&mut self) {
        self.begin_job(Kind::Unlock, Op::Unlock, self.options.farewell);
    }

    /// Closing: what was not sent is given up, without a failure. What was sent is awaited.
    pub(super) fn give_up_guard(&mut self) {
        match self.guard.at {
            At::Locking(job) => {
                self.stop_job(job);
                self.leave_unsent();
            }
            At::Loading | At::Waiting { .. } => self.leave_unsent(),
            At::Claiming { .. } => {
                if let Some(own) = self.guard.own {
                    self.withdraw(own);
                }
            }
            At::Idle | At::Sent { .. } | At::Storing { .. } => {}
        }
    }
}
