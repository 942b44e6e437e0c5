//! The store: what it holds as far as is known, one save at a time, and what a conflict or a failure means.
//!
//! Changes are counted. A save covers all changes up to its own beginning, and what follows from a change is held until a save
//! that covers it has ended, well or not.

mod conflict;

use std::collections::VecDeque;
use std::time::Duration;

use super::Coordinator;
use super::clock::Tick;
use super::effects::Tagged;
use super::jobs::Kind;
use super::output::{ClientEvent, JobId, Op, StoreFault};
use super::rules::Rule;
use crate::intent::GrantId;
use crate::logins::LoginMark;
use crate::secret::Secret;
use crate::session::Session;

/// So many sign-ins are remembered whose saves failed.
const MOST_TRIED: usize = 8;
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
/// Between two tries when a lease has passed since the first one.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Saving {
    /// The revision that the store holds, as far as is known; 0: nothing.
    stored: u64,
    /// The sign-in that it holds, and how many renewals that has had.
    stored_place: Option<(GrantId, u64)>,
    /// The logins that wait in it for their browser.
    stored_logins: Vec<LoginMark>,
    /// The first number of the row that it holds, as far as is known: numbers only grow until somebody empties the place.
    row_began: u64,
    /// Sign-ins of which a save failed, and may get through late: the last few.
    tried: VecDeque<GrantId>,
    changes: u64,
    /// Changes up to this number are stored.
    kept: u64,
    /// Changes up to this number are stored, or the store has said that it fails.
    told: u64,
    save: Option<Box<Save>>,
    /// The save before, which has taken longer than its limit; the one out counts, when there is one.
    late: Option<Box<Save>>,
    /// Saves that have begun.
    begun: u64,
    /// Counts saves that began and ended: what was read across one is of no use.
    mark: u64,
    failing: Option<Box<Failing>>,
    held: VecDeque<(u64, Tagged)>,
}

#[derive(Debug, Clone)]
struct Save {
    job: JobId,
    snapshot: Secret,
    revision: u64,
    covers: u64,
    place: Option<(GrantId, u64)>,
    logins: Vec<LoginMark>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Failing {
    fault: StoreFault,
    /// The number of the save that failed last.
    number: u64,
    since: Tick,
    pause: Duration,
    again_at: Tick,
}

impl Saving {
    pub(super) fn new(session: &Session, found: bool) -> Self {
        let place = session.place().filter(|_| found);
        let stored = if found { session.revision() } else { 0 };
        Self {
            stored,
            stored_place: place,
            stored_logins: if found { session.login_marks() } else { Vec::new() },
            row_began: 0,
            tried: VecDeque::new(),
            changes: 0,
            kept: 0,
            told: 0,
            save: None,
            late: None,
            begun: 0,
            mark: 0,
            failing: None,
            held: VecDeque::new(),
        }
    }

    fn holds_now(&mut self, revision: u64, place: Option<(GrantId, u64)>, logins: Vec<LoginMark>) {
        (self.stored, self.stored_place, self.stored_logins) = (revision, place, logins);
        self.late = None;
    }

    fn remember(&mut self, tried: GrantId) {
        self.tried.retain(|grant| *grant != tried);
        if self.tried.len() >= MOST_TRIED {
            self.tried.pop_front();
        }
        self.tried.push_back(tried);
    }

    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    pub(super) fn mark(&self) -> u64 {
        self.mark
    }

    pub(super) fn change(&mut self) {
        self.changes = self.changes.saturating_add(1);
    }

    pub(super) fn holds(&self) -> bool {
        !self.held.is_empty()
    }

    pub(super) fn hold(&mut self, tagged: Tagged) {
        self.held.push_back((self.changes, tagged));
    }

    pub(super) fn hold_again(&mut self, after: u64, tagged: Tagged) {
        self.held.push_back((after, tagged));
    }

    pub(super) fn take_held(&mut self) -> VecDeque<(u64, Tagged)> {
        std::mem::take(&mut self.held)
    }

    /// Without a store everything is as good as stored.
    pub(super) fn nothing_to_store(&mut self) {
        (self.kept, self.told) = (self.changes, self.changes);
    }

    /// The store has everything.
    pub(super) fn is_stored(&self) -> bool {
        self.kept == self.changes
    }

    /// The store has this change.
    pub(super) fn has(&self, change: u64) -> bool {
        self.kept >= change
    }

    /// The store has this change, or has said that it fails.
    pub(super) fn is_settled(&self, change: u64) -> bool {
        self.told >= change
    }

    pub(super) fn is_all_settled(&self) -> bool {
        self.told == self.changes
    }

    pub(super) fn is_saving(&self) -> bool {
        self.save.is_some()
    }

    pub(super) fn failing(&self) -> Option<&StoreFault> {
        self.failing.as_ref().map(|failing| &failing.fault)
    }

    pub(super) fn begun(&self) -> u64 {
        self.begun
    }

    /// The fault, where a save has met it that began after so many.
    pub(super) fn failed_after(&self, begun: u64) -> Option<&StoreFault> {
        self.failing.as_ref().filter(|failing| failing.number > begun).map(|failing| &failing.fault)
    }

    pub(super) fn wake_at(&self) -> Option<Tick> {
        let idle = self.save.is_none() && !self.is_stored();
        self.failing.as_ref().filter(|_| idle).map(|failing| failing.again_at)
    }

    /// The last chance of a store that failed.
    pub(super) fn try_at_once(&mut self, now: Tick) {
        if let Some(failing) = &mut self.failing {
            failing.again_at = now;
        }
    }

    pub(super) fn restart(&mut self, now: Tick) {
        (self.save, self.late) = (None, None);
        self.mark = self.mark.saturating_add(1);
        self.try_at_once(now);
    }
}

fn grant_of(place: Option<(GrantId, u64)>) -> Option<GrantId> {
    place.map(|(grant, _)| grant)
}

impl Coordinator {
    /// Begins the save that is due: one at a time.
    pub(super) fn store_what_changed(&mut self) {
        let waits = self.saving.wake_at().is_some_and(|at| self.now.mono < at);
        if self.options.store.is_none() || self.saving.is_stored() || self.saving.is_saving() || waits {
            return;
        }
        let (snapshot, revision) = (self.session.snapshot(), self.session.revision());
        let (place, logins) = (self.session.place(), self.session.login_marks());
        let is_claiming = self.guard.is_claiming() && self.session.grant_id().is_some();
        let lease = is_claiming.then(|| self.now.wall.plus(self.options.times.lease()));
        let due_at = lease.or_else(|| self.session.due_at());
        let op = Op::Save { snapshot: snapshot.clone(), revision, replaces: self.saving.stored, due_at };
        let job = self.begin_job(Kind::Save, op, self.store_limit());
        let covers = self.saving.changes;
        self.saving.save = Some(Box::new(Save { job, snapshot, revision, covers, place, logins }));
        self.saving.late = None;
        self.saving.begun = self.saving.begun.saturating_add(1);
        self.saving.mark = self.saving.mark.saturating_add(1);
    }

    fn store_works(&mut self) {
        if self.saving.failing.take().is_some() {
            self.tell(ClientEvent::StoreRecovered);
        }
    }

    fn end_save(&mut self) -> Option<Box<Save>> {
        self.saving.mark = self.saving.mark.saturating_add(1);
        self.saving.save.take()
    }

    pub(super) fn saved(&mut self) {
        if let Some(save) = self.end_save() {
            self.is_kept(&save);
        }
    }

    /// No answer in time: it counts as failed, until it says that it was not.
    pub(super) fn save_is_late(&mut self, fault: StoreFault) {
        self.saving.late.clone_from(&self.saving.save);
        self.save_failed(fault);
    }

    /// It was stored after all. Where another save has begun meanwhile, that one finds out what the store holds.
    pub(super) fn saved_late(&mut self, job: JobId) {
        if let Some(save) = self.saving.late.take_if(|save| save.job == job) {
            self.saving.mark = self.saving.mark.saturating_add(1);
            self.is_kept(&save);
        }
    }

    fn is_kept(&mut self, save: &Save) {
        self.saving.holds_now(save.revision, save.place, save.logins.clone());
        self.saving.kept = self.saving.kept.max(save.covers);
        self.store_works();
        self.settled(save.covers);
    }

    /// Changes up to this number are stored, or the store fails: what follows from them is done.
    fn settled(&mut self, change: u64) {
        self.saving.told = self.saving.told.max(change);
        if self.saving.is_stored() {
            self.store_works();
        }
        while self.saving.held.front().is_some_and(|(after, _)| *after <= change) {
            if let Some((_, tagged)) = self.saving.held.pop_front() {
                self.release(tagged);
            }
        }
    }

    /// Nothing is lost: the session has it, and it is tried again.
    pub(super) fn save_failed(&mut self, fault: StoreFault) {
        let Some(save) = self.end_save() else { return };
        if let Some(grant) = grant_of(save.place) {
            self.saving.remember(grant);
        }
        let (now, times) = (self.now.mono, self.options.times);
        if self.saving.failing.is_none() {
            self.tell(ClientEvent::StoreFailed(fault.clone()));
        }
        let (since, pause) = match &self.saving.failing {
            None => (now, SHORTEST_PAUSE),
            Some(failing) if now.since(failing.since) >= times.lease() => (failing.since, LONGEST_PAUSE),
            Some(failing) => (failing.since, failing.pause.saturating_mul(2).min(times.resave)),
        };
        let (number, again_at) = (self.saving.begun, now.plus(pause));
        self.saving.failing = Some(Box::new(Failing { fault, number, since, pause, again_at }));
        if !self.obeys(Rule::ResultIsSavedAgain) {
            self.saving.kept = self.saving.changes;
        }
        self.settled(save.covers);
    }

    pub(super) fn begin_load(&mut self) -> JobId {
        self.begin_job(Kind::Load, Op::Load, self.store_limit())
    }
}
