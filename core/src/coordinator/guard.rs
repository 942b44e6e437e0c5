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

use std::sync::Arc;
use std::time::Duration;

use super::Coordinator;
use super::clock::{Tick, Times};
use super::jobs::Kind;
use super::output::{Done, JobId, Op, StoreFault};
use super::rules::Rule;
use crate::error::Fault;
use crate::intent::{GrantId, NextGrant};
use crate::time::Timestamp;

/// Between two looks at somebody else's intent; doubles.
const SHORTEST_POLL: Duration = Duration::from_millis(50);
const LONGEST_POLL: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Guard {
    at: At,
    lock: Lock,
    /// The intent that this coordinator has put into the store, or tried to.
    own: Option<Own>,
    /// Somebody else's intent, and since when it has been seen without a break.
    foreign: Option<Foreign>,
    /// When the store was last seen with new tokens of a renewal.
    renewed_at: Option<Tick>,
    poll: Duration,
    steps: u64,
    /// Renewals that began here, and how the last one ended.
    begun: u64,
    ended: Option<Ended>,
    /// The store could not be read, or did not take the intent.
    fault: Option<StoreFault>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum At {
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
    Sent,
    Storing {
        change: u64,
    },
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Lock {
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
struct Own {
    id: u64,
    /// When its save began, or earlier.
    since: Tick,
    /// A request was sent under it: it is used up.
    used: bool,
}

#[derive(Debug, Clone, Copy)]
struct Foreign {
    id: u64,
    /// The end of the first load that showed it.
    since: Tick,
    /// The end of the last one.
    last: Tick,
}

/// How a renewal that began here ended.
#[derive(Debug, Clone)]
pub(super) struct Ended {
    pub(super) number: u64,
    /// `None`: new tokens came.
    pub(super) failure: Option<(Arc<Fault>, Timestamp)>,
}

impl Guard {
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn wake_at(&self) -> Option<Tick> {
        if let At::Waiting { until } = self.at { Some(until) } else { None }
    }

    pub(super) fn is_claiming(&self) -> bool {
        matches!(self.at, At::Claiming { .. })
    }

    /// A renewal has begun here and is not over.
    pub(super) fn is_under_way(&self) -> bool {
        matches!(self.at, At::Sent | At::Storing { .. })
    }

    pub(super) fn is_idle(&self) -> bool {
        self.at == At::Idle
    }

    /// How many renewals have begun here.
    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    pub(super) fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    pub(super) fn fault(&self) -> Option<&StoreFault> {
        self.fault.as_ref()
    }

    pub(super) fn renewed(&mut self) {
        if self.at == At::Sent {
            self.ended = Some(Ended { number: self.begun, failure: None });
        }
    }

    pub(super) fn failed(&mut self, fault: Arc<Fault>, retry_at: Timestamp) {
        if self.at == At::Sent {
            self.ended = Some(Ended { number: self.begun, failure: Some((fault, retry_at)) });
        }
    }

    /// Line 5: later than this nothing is sent under the own intent.
    pub(super) fn send_by(&self, times: &Times) -> Option<Tick> {
        self.own.map(|own| own.since.plus(times.send_window()))
    }

    fn go(&mut self, at: At) {
        self.at = at;
        self.steps = self.steps.saturating_add(1);
    }
}

impl Coordinator {
    /// Goes on, if anything it waits for has come about.
    pub(super) fn step_guard(&mut self) {
        match self.guard.at {
            At::Idle => self.enter_guard(),
            At::Waiting { until } if until <= self.now.mono => self.lock_or_load(),
            At::Claiming { change } if self.saving.has(change) => self.claimed(),
            At::Claiming { change } if self.saving.is_settled(change) => self.not_claimed(),
            At::Sent if !self.jobs.has_guards() => self.answered(),
            At::Storing { change } if self.saving.has(change) => self.leave_guard(),
            At::Locking(_) | At::Loading | At::Waiting { .. } | At::Claiming { .. } | At::Sent | At::Storing { .. } => {
            }
        }
    }

    fn is_wanted(&self) -> Option<NextGrant> {
        match self.session.next_grant(self.now.wall) {
            Some(next @ (NextGrant::Refresh | NextGrant::OtherRenewal)) if !self.is_closing() => Some(next),
            Some(_) | None => None,
        }
    }

    fn enter_guard(&mut self) {
        if self.is_wanted().is_none() || !self.saving.is_stored() && self.options.store.is_some() {
            return;
        }
        self.guard.poll = SHORTEST_POLL;
        if self.options.store.is_none() {
            self.send();
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
            (_, _) => Lock::Without,
        };
        if self.guard.at == At::Locking(job) {
            self.load();
        }
    }

    /// A load has ended.
    pub(super) fn guard_loaded(&mut self, result: Result<(), StoreFault>) {
        if self.guard.at != At::Loading {
            return;
        }
        match result {
            Ok(()) => self.decide(),
            Err(_) if self.may_send_without_intent() => self.send(),
            Err(fault) => {
                // Line 8: a failed look begins the count again.
                if self.obeys(Rule::UnbrokenObservation) {
                    self.guard.foreign = None;
                }
                self.guard.fault = Some(fault);
                self.wait();
            }
        }
    }

    /// The state of the store is known: who may go on?
    fn decide(&mut self) {
        self.guard.fault = None;
        let Some(next) = self.is_wanted() else {
            return self.leave_guard();
        };
        if next == NextGrant::OtherRenewal {
            return self.send();
        }
        if let Some(until) = self.space_ends_at() {
            if matches!(self.guard.lock, Lock::Ours { .. }) {
                self.unlock();
                self.guard.lock = Lock::Free;
            }
            return self.guard.go(At::Waiting { until });
        }
        let is_free = match self.guard.lock {
            // A lock that is held for a whole lease is nobody's who lives.
            Lock::Busy { since } => self.now.mono.since(since) >= self.options.times.lease(),
            Lock::Free | Lock::Ours { .. } | Lock::Without => true,
        };
        let lease = self.session.lease().map(|intent| (intent.id, intent.domain.clone()));
        let Some((id, domain)) = lease.filter(|_| self.obeys(Rule::ForeignIntentIsHonoured)) else {
            return if is_free { self.claim() } else { self.wait() };
        };
        let window = self.options.times.send_window();
        match self.guard.own {
            // Line 6: a save whose outcome was unknown. It counts from its own beginning.
            Some(own) if own.id == id && !own.used && self.now.mono.since(own.since) <= window => {
                self.claimed();
            }
            Some(own) if own.id == id => self.claim(),
            Some(_) | None => {
                if self.is_abandoned(id, domain.as_deref()) {
                    self.claim();
                } else {
                    self.wait();
                }
            }
        }
    }

    /// Lines 8, 10 and 11: whether somebody else's intent is nobody's any longer.
    fn is_abandoned(&mut self, id: u64, domain: Option<&str>) -> bool {
        let (now, times) = (self.now.mono, self.options.times);
        let unbroken = |foreign: &Foreign| foreign.id == id && now.since(foreign.last) <= times.poll_gap;
        let is_strict = self.obeys(Rule::UnbrokenObservation);
        let foreign = match self.guard.foreign.filter(|foreign| unbroken(foreign) || !is_strict && foreign.id == id) {
            Some(foreign) => Foreign { last: now, ..foreign },
            None => {
                self.guard.poll = SHORTEST_POLL;
                Foreign { id, since: now, last: now }
            }
        };
        self.guard.foreign = Some(foreign);
        let own_domain = self.options.store.as_ref().and_then(|store| store.lock_domain.as_deref());
        let holder_is_gone = match self.guard.lock {
            // Its holder had this lock, and does not have it any longer; what it sent may still be under way.
            Lock::Ours { since } if domain.is_some() && domain == own_domain => {
                !self.options.rotates || now.since(since) >= times.request.saturating_add(times.margin)
            }
            Lock::Ours { .. } | Lock::Free | Lock::Busy { .. } | Lock::Without => false,
        };
        holder_is_gone || now.since(foreign.since) >= times.lease()
    }

    fn wait(&mut self) {
        let until = self.now.mono.plus(self.guard.poll);
        self.guard.poll = self.guard.poll.saturating_mul(2).min(LONGEST_POLL);
        self.guard.go(At::Waiting { until });
    }

    /// Line 18: no renewal within a lease of the last stored one; half of the tokens' life is always enough.
    fn space_ends_at(&self) -> Option<Tick> {
        let lease = self.options.times.lease();
        let space = self.session.lifetime().map_or(lease, |lifetime| lease.min(lifetime / 2));
        let until = self.guard.renewed_at?.plus(space);
        let applies = self.options.rotates && self.obeys(Rule::RenewalsAreSpaced);
        (applies && self.now.mono < until).then_some(until)
    }

    /// New tokens of the same sign-in are in the store, whoever put them there.
    pub(super) fn saw_renewals(&mut self, before: Option<(GrantId, u64)>) {
        if let (Some((old, had)), Some((new, has))) = (before, self.session.place())
            && old == new
            && has > had
        {
            self.guard.renewed_at = Some(self.now.mono);
        }
    }

    /// Line 4: the intent is for the refresh token of the snapshot that its swap replaces, so nothing else is unsaved.
    fn claim(&mut self) {
        if !self.obeys(Rule::IntentBeforeSend) {
            return self.send();
        }
        if !self.saving.is_stored() {
            return self.wait();
        }
        let id = self.random.next();
        // Only who holds the lock may be taken for gone when the lock is free.
        let holds_lock = matches!(self.guard.lock, Lock::Ours { .. });
        let store = self.options.store.as_ref().filter(|_| holds_lock);
        let domain = store.and_then(|store| store.lock_domain.clone());
        self.guard.own = Some(Own { id, since: self.now.mono, used: false });
        let output = self.session.claim(self.now.wall, id, domain);
        self.take_effects(output.effects, true);
        self.guard.go(At::Claiming { change: self.saving.changes() });
    }

    /// Somebody else was faster, or an earlier save had got through: what the store holds is known now.
    pub(super) fn guard_conflicted(&mut self) {
        if self.guard.is_claiming() {
            self.guard.go(At::Loading);
            self.decide();
        }
    }

    /// The intent is stored: the last look, and out with it.
    fn claimed(&mut self) {
        let own = self.guard.own.filter(|own| self.session.lease().is_some_and(|lease| lease.id == own.id));
        let Some(own) = own else {
            // A change that came in between has taken its place.
            return self.lock_or_load();
        };
        if self.is_wanted() != Some(NextGrant::Refresh) {
            return self.withdraw(own);
        }
        let late = self.now.mono.since(own.since) > self.options.times.send_window();
        if late && self.obeys(Rule::SendWindow) {
            // Line 5: load again, new id, new time.
            self.guard.own = Some(Own { used: true, ..own });
            return self.lock_or_load();
        }
        self.guard.own = Some(Own { used: true, ..own });
        self.send();
    }

    /// Line 19: the store did not take the intent. It is tried again; whoever waits is told.
    fn not_claimed(&mut self) {
        self.guard.fault = self.saving.failing().cloned();
        if self.may_send_without_intent() {
            self.send();
        } else if self.is_wanted().is_none()
            && let Some(own) = self.guard.own
        {
            self.withdraw(own);
        }
    }

    fn may_send_without_intent(&self) -> bool {
        !self.options.rotates && !self.is_closing()
    }

    fn send(&mut self) {
        self.guard.begun = self.guard.begun.saturating_add(1);
        self.guard.go(At::Sent);
        let output = self.session.begin_grant(self.now.wall);
        self.take_effects(output.effects, true);
    }

    /// Nothing was sent under this intent: others need not wait for it.
    fn withdraw(&mut self, own: Own) {
        let output = self.session.withdraw(self.now.wall, own.id);
        self.take_effects(output.effects, true);
        self.guard.own = None;
        self.guard.go(At::Storing { change: self.saving.changes() });
    }

    /// The request could not be sent: the intent under it is as good as new, and in everybody's way.
    pub(super) fn guard_not_sent(&mut self) {
        if let Some(own) = self.guard.own.take() {
            let output = self.session.withdraw(self.now.wall, own.id);
            self.take_effects(output.effects, true);
        }
    }

    /// The answer is taken in.
    fn answered(&mut self) {
        if self.guard.ended.as_ref().is_some_and(|ended| ended.number == self.guard.begun && ended.failure.is_none()) {
            self.guard.renewed_at = Some(self.now.mono);
        }
        self.guard.go(At::Storing { change: self.saving.changes() });
    }

    fn leave_guard(&mut self) {
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
                self.leave_guard();
            }
            At::Loading | At::Waiting { .. } => self.leave_guard(),
            At::Claiming { .. } => {
                if let Some(own) = self.guard.own {
                    self.withdraw(own);
                }
            }
            At::Idle | At::Sent | At::Storing { .. } => {}
        }
    }
}
