//! The store holds something else than was known: it is taken in, and what is newer of the two goes on.

use crate::action::guarded::Guarded;
use crate::coordinator::Coordinator;
use crate::coordinator::output::{StoreFault, StoreFaultKind};
use crate::coordinator::rules::Rule;
use crate::coordinator::saving::grant_of;
use crate::effect::Effect;
use crate::input::Input;
use crate::intent::GrantId;
use crate::secret::Secret;
use crate::session::Session;
use crate::state::COUNT_BITS;
use crate::tokens::TokenSet;

impl Coordinator {
    /// The store holds something else: another process was faster, or an earlier try of this save got through.
    pub(in crate::coordinator) fn save_conflicts(&mut self, found: Option<Secret>) {
        let Some(save) = &self.saving.save else { return };
        if found.as_ref() == Some(&save.snapshot) {
            return self.saved();
        }
        match found {
            None if self.saving.stored == 0 => self.save_failed(contradiction()),
            None => {
                self.end_save();
                self.row_is_gone();
            }
            Some(found) => {
                let theirs = match self.read(&found) {
                    Err(fault) => return self.save_failed(fault),
                    // Taken for news it would be saved over for ever.
                    Ok(theirs) if theirs.revision() == self.saving.stored => return self.save_failed(contradiction()),
                    Ok(theirs) => theirs,
                };
                self.end_save();
                self.store_works();
                self.take_in(found, &theirs);
            }
        }
        self.guard_conflicted();
    }

    /// A load has ended: whether what it brought could be read.
    pub(in crate::coordinator) fn found(&mut self, found: Option<Secret>) -> Result<(), StoreFault> {
        match found {
            None if self.saving.stored > 0 => self.row_is_gone(),
            None => {}
            Some(found) => {
                let theirs = self.read(&found)?;
                if theirs.revision() != self.saving.stored {
                    self.take_in(found, &theirs);
                }
            }
        }
        Ok(())
    }

    /// What the store holds, where this session may take it in.
    fn read(&self, found: &Secret) -> Result<Session, StoreFault> {
        let theirs = Session::restore(self.session.config().clone(), found.expose());
        theirs.map_err(|error| unreadable(&error.to_string()))
    }

    /// Takes in what another process stored. Lines 13 and 14 of the protocol: what is newer of the same sign-in goes on and is
    /// stored over it; what a renewal brought for a sign-in that is over is revoked.
    fn take_in(&mut self, found: Secret, theirs: &Session) {
        let unsaved = self.unsaved_tokens();
        let (before, revision) = (self.session.place(), theirs.revision());
        let was_stored = self.ours_was_stored() && !self.is_put_back(revision, theirs.grant_id());
        if self.saving.stored > 0 && !self.has_number_of_this_row(revision) {
            self.end_the_rows_logins();
        }
        self.saving.holds_now(revision, theirs.place(), theirs.login_marks());
        let changes = self.saving.changes;
        if was_stored {
            // Another row: what it began with is not known.
            self.saving.row_began = revision;
            self.logins_meet(|this| this.act(Guarded::Yield { snapshot: found }, false));
        } else {
            self.logins_meet(|this| this.give(Input::Reload { snapshot: found }));
        }
        self.saw_renewals(before);
        if self.session.revision() <= self.saving.stored && self.saving.changes == changes {
            // Theirs has all that ours had.
            self.saving.kept = changes;
        } else if self.session.revision() > self.saving.stored && self.saving.is_stored() {
            // A store that was put back: ours is the newer one.
            self.saving.change();
        }
        self.revoke_what_is_nobodys(unsaved);
        self.drop_what_is_superseded();
        if self.saving.is_stored() {
            self.settled(self.saving.changes);
        }
        self.changed = true;
    }

    /// The sign-in or the sign-out that this session stands for has been in the store.
    fn ours_was_stored(&self) -> bool {
        let (grant, stored) = (self.session.grant_id(), grant_of(self.saving.stored_place));
        self.obeys(Rule::StoredYields) && (self.saving.is_stored() || grant.is_some() && grant == stored)
    }

    /// An earlier state of the row that is known, from a backup or a replica that lacks the last writes: the numbers of a row only
    /// grow. Or a save of ours that came late.
    fn is_put_back(&self, revision: u64, grant: Option<GrantId>) -> bool {
        let saving = &self.saving;
        let is_of_this_row = self.has_number_of_this_row(revision) && saving.row_began <= revision;
        is_of_this_row && revision < saving.stored || grant.is_some_and(|grant| saving.tried.contains(&grant))
    }

    /// Not so of a row that was begun after the known one was deleted.
    fn has_number_of_this_row(&self, revision: u64) -> bool {
        revision >> COUNT_BITS == self.saving.stored >> COUNT_BITS
    }

    /// Somebody deleted the session: it stays deleted. Only another sign-in than the one that was stored begins a new row.
    pub(super) fn row_is_gone(&mut self) {
        let grant = self.session.grant_id();
        // An earlier try may have got through, and be what was deleted.
        let is_known = self.saving.failing.is_none();
        let stored = grant_of(self.saving.stored_place);
        let is_another = grant != stored && grant.is_some();
        let unsaved = self.unsaved_tokens();
        self.end_the_rows_logins();
        let nobody_was_signed_in = grant.is_none() && stored.is_none() && self.session.has_logins();
        let is_new = is_known && !self.saving.is_stored() && (is_another || nobody_was_signed_in);
        let stays = self.obeys(Rule::DeletedStaysDeleted);
        self.saving.stored = 0;
        self.saving.stored_place = None;
        self.saving.late = None;
        // Line 2: no number of the row before may come again, whoever begins the next one.
        let by = self.random.next() >> 42;
        self.act(Guarded::SkipRevisions { by }, false);
        self.saving.row_began = self.session.revision();
        if is_new || !stays {
            return;
        }
        self.unpublish();
        let output = self.session.act(self.now.wall, &Guarded::Deleted);
        let effects: Vec<Effect> =
            output.effects.into_iter().filter(|effect| !matches!(effect, Effect::Persist { .. })).collect();
        self.take_effects(effects, false);
        self.saving.kept = self.saving.changes;
        self.revoke_what_is_nobodys(unsaved);
        self.saving.kept = self.saving.changes;
        self.drop_what_is_superseded();
        self.settled(self.saving.changes);
        self.changed = true;
    }

    /// Logins that waited in a row that was deleted are over with it, also for whoever still remembers them.
    fn end_the_rows_logins(&mut self) {
        let mut marks = std::mem::take(&mut self.saving.stored_logins);
        let own = self.session.login_marks();
        marks.retain(|mark| own.contains(mark));
        if !marks.is_empty() {
            self.give_up_logins_of(marks);
        }
    }

    /// What a renewal brought and the store does not have.
    pub(super) fn unsaved_tokens(&self) -> Option<(GrantId, TokenSet)> {
        let place = self.session.place().filter(|_| !self.saving.is_stored());
        let (grant, _) = place.filter(|_| place != self.saving.stored_place)?;
        self.session.tokens().cloned().map(|tokens| (grant, tokens))
    }

    /// Of the same sign-in it is only dropped: the server may end all of it with any token of it.
    pub(super) fn revoke_what_is_nobodys(&mut self, unsaved: Option<(GrantId, TokenSet)>) {
        let grant = self.session.grant_id();
        if let Some((_, tokens)) = unsaved.filter(|(own, _)| grant != Some(*own)) {
            self.act(Guarded::RevokeUnlessKept { tokens: Box::new(tokens) }, false);
        }
    }
}

fn contradiction() -> StoreFault {
    unreadable("it says that it holds something else than was to be replaced, and that it holds just that")
}

fn unreadable(problem: &str) -> StoreFault {
    StoreFault { kind: StoreFaultKind::Damaged, problem: problem.to_owned() }
}
