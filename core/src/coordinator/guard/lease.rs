//! The intent as a lease: who may claim it, who honours it, and when it is nobody's any longer. The lines are those of the
//! protocol:
//!
//! - 5: the holder sends only within the send window of the moment at which the save of its intent began;
//! - 6: an own intent whose save had an unknown outcome counts from that moment, too;
//! - 7: an intent for another sign-in, or another number of renewals, than the row's is no lease (`Session::lease`);
//! - 8: somebody else's intent is abandoned when looks without a break have shown it for a whole lease;
//! - 10: no wall clock decides;
//! - 11: with the lock of which its holder has let go, a request's limit and the margin are enough;
//! - 18: no renewal within a lease of the last stored one, whose refresh token may be on its way once more: a server that answers
//!   that with the same successor does so only until the successor is used. All of ours were answered unless one was lost; what
//!   others have sent is not known.

use super::state::{At, Foreign, Lock, Own, SHORTEST_POLL};
use crate::action::guarded::Guarded;
use crate::coordinator::Coordinator;
use crate::coordinator::clock::Tick;
use crate::coordinator::rules::Rule;
use crate::intent::{GrantId, NextGrant};

impl Coordinator {
    /// The state of the store is known: who may go on?
    pub(super) fn decide(&mut self) {
        self.guard.fault = None;
        let Some(next) = self.is_wanted() else {
            return self.leave_unsent();
        };
        if next == NextGrant::OtherRenewal {
            return self.send(None);
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
            Some(own) if own.id == id && !own.sent && self.now.mono.since(own.since) <= window => {
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
    pub(super) fn is_abandoned(&mut self, id: u64, domain: Option<&str>) -> bool {
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
                !self.rotates() || now.since(since) >= times.request.saturating_add(times.margin)
            }
            Lock::Ours { .. } | Lock::Free | Lock::Busy { .. } | Lock::Without => false,
        };
        holder_is_gone || now.since(foreign.since) >= times.lease()
    }

    /// Line 18: a request that nobody answered may still reach the server.
    pub(super) fn may_have_one_on_its_way(&self) -> bool {
        self.guard.lost_at.is_some_and(|at| self.now.mono.since(at) < self.options.times.lease())
    }

    /// Line 18: half of the tokens' life is always enough.
    pub(super) fn space_ends_at(&self) -> Option<Tick> {
        let lease = self.options.times.lease();
        let space = self.session.lifetime().map_or(lease, |lifetime| lease.min(lifetime / 2));
        let until = self.guard.renewed_at?.plus(space);
        let applies = self.rotates() && self.obeys(Rule::RenewalsAreSpaced);
        (applies && self.now.mono < until).then_some(until)
    }

    /// New tokens of the same sign-in are in the store, whoever put them there.
    pub(in crate::coordinator) fn saw_renewals(&mut self, before: Option<(GrantId, u64)>) {
        if let (Some((old, had)), Some((new, has))) = (before, self.session.place())
            && old == new
            && has > had
        {
            self.guard.renewed_at = Some(self.now.mono);
        }
    }

    /// Line 4: the intent is for the refresh token of the snapshot that its swap replaces, so nothing else is unsaved.
    pub(super) fn claim(&mut self) {
        if !self.obeys(Rule::IntentBeforeSend) {
            return self.send(None);
        }
        if !self.saving.is_stored() {
            return if self.may_go_on_unsaved() { self.send(None) } else { self.wait() };
        }
        let id = self.random.next();
        // Only who holds the lock may be taken for gone when the lock is free.
        let holds_lock = matches!(self.guard.lock, Lock::Ours { .. });
        let store = self.options.store.as_ref().filter(|_| holds_lock);
        let domain = store.and_then(|store| store.lock_domain.clone());
        self.guard.own = Some(Own { id, since: self.now.mono, sent: false });
        self.act(Guarded::Claim { id, domain }, true);
        self.guard.go(At::Claiming { change: self.saving.changes() });
    }

    /// Somebody else was faster, or an earlier save had got through: what the store holds is known now.
    pub(in crate::coordinator) fn guard_conflicted(&mut self) {
        if self.guard.is_claiming() {
            self.guard.go(At::Loading);
            self.decide();
        }
    }

    /// The intent is stored: the last look, and out with it.
    pub(super) fn claimed(&mut self) {
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
            return self.lock_or_load();
        }
        self.guard.own = Some(Own { sent: true, ..own });
        self.send(Some(own.since.plus(self.options.times.send_window())));
    }

    /// Line 19: the store did not take the intent. It is tried again; whoever waits is told.
    pub(super) fn not_claimed(&mut self) {
        self.guard.fault = self.saving.failing().cloned().map(Box::new);
        if self.may_send_without_intent() {
            self.send(None);
        } else if self.is_wanted().is_none()
            && let Some(own) = self.guard.own
        {
            self.withdraw(own);
        }
    }

    /// Nothing is wanted any longer: an intent of ours that is in the store holds up everybody else, unless something was sent.
    pub(super) fn leave_unsent(&mut self) {
        let lease = self.session.lease().map(|intent| intent.id);
        match self.guard.own.filter(|own| !own.sent && Some(own.id) == lease) {
            Some(own) => self.withdraw(own),
            None => self.leave_guard(),
        }
    }

    /// Nothing was sent under this intent: others need not wait for it.
    pub(super) fn withdraw(&mut self, own: Own) {
        self.act(Guarded::Withdraw { id: own.id }, true);
        self.guard.own = None;
        self.guard.go(At::Storing { change: self.saving.changes() });
    }
}
