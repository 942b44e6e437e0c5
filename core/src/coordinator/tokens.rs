//! Tokens and renewals: what a caller is told, and when it is told "no".

use super::Coordinator;
use super::call::Of;
use super::looks::Seen;
use super::output::Failure;
use super::rules::Rule;
use crate::access::{Access, SignInReason};
use crate::error::Misuse;
use crate::input::Input;
use crate::intent::GrantId;
use crate::secret::AccessToken;
use crate::time::Timestamp;

/// A token, its generation and its end.
pub(super) type Ready = (AccessToken, u64, Option<Timestamp>);

/// A caller that wants new tokens.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Asked {
    /// Renewals that had begun before.
    after: u64,
    place: Option<(GrantId, u64)>,
    /// The session was told.
    told: bool,
    looked: Seen,
}

impl Coordinator {
    /// May the caller have a token now? `None`: not yet.
    pub(super) fn token(&mut self, of: &Of, looked: Seen) -> Option<Result<Ready, Failure>> {
        if !self.saving.is_all_settled() && self.obeys(Rule::StoredBeforeUsed) {
            // What is new is on its way to the store. The token before it is as good as it was.
            return self.published_token().filter(|_| *of == Of::Session).map(Ok);
        }
        let scope = match of {
            Of::Session => None,
            Of::User(scope) => Some(scope.clone()),
            Of::UserDefault => self.session.user_scope(),
        };
        let access = match &scope {
            None => self.session.access(self.now.wall),
            Some(scope) => self.session.access_for(self.now.wall, scope),
        };
        match access {
            Access::Ready { .. } if *of == Of::UserDefault && scope.is_none() && self.obeys(Rule::UserScopeIsKnown) => {
                Some(Err(Failure::ScopeUnknown))
            }
            Access::Ready { token, generation, expires_at, refresh_soon } => {
                if refresh_soon && !self.is_closing() {
                    self.give(Input::EnsureFresh);
                }
                Some(Ok((token, generation, expires_at)))
            }
            Access::Refreshing { .. } => None,
            Access::Stale { .. } => {
                let input = match scope {
                    Some(scope) if self.session.tokens().is_some() && !self.session.is_stale(self.now.wall) => {
                        Input::Downscope { scope }
                    }
                    Some(_) | None => Input::EnsureFresh,
                };
                if let Err(misuse) = self.try_give(input, false) {
                    return Some(Err(Failure::Misuse(misuse)));
                }
                // A clock that was set back makes a token good again that had seemed to be over.
                self.changed |= matches!(self.session.access(self.now.wall), Access::Ready { .. });
                // The renewal that would help cannot begin: its result could not be kept.
                self.guard_fault(looked).map(Err)
            }
            Access::BackingOff { fault, retry_at } => {
                self.has_looked(looked).map(|_| Err(Failure::Unavailable { fault, retry_at }))
            }
            Access::SignInRequired { reason } => self.has_looked(looked).map(|look| Err(refusal(look, reason))),
        }
    }

    /// The token that was published, as long as it lives.
    fn published_token(&self) -> Option<Ready> {
        let fresh = self.published.as_ref()?;
        // A clock that was set back has moved it along.
        let expires_at = match self.session.access(self.now.wall) {
            Access::Ready { generation, expires_at, .. } if generation == fresh.generation => expires_at,
            _ => fresh.expires_at,
        };
        let lives = expires_at.is_none_or(|end| self.now.wall < end);
        lives.then(|| (fresh.token.clone(), fresh.generation, expires_at))
    }

    /// Why a renewal cannot begin, as of a try that began after the call.
    fn guard_fault(&mut self, looked: Seen) -> Option<Failure> {
        if self.may_send_without_intent() {
            return None;
        }
        if self.saving.failing().is_some() && !self.saving.is_stored() {
            return self.has_tried_to_save(looked).map(Failure::Store);
        }
        self.guard.fault()?;
        self.has_looked(looked)?.err().map(Failure::Store)
    }

    pub(super) fn ask_for_renewal(&self, looked: Seen) -> Asked {
        let after = if self.obeys(Rule::RefreshWaitsForItsOwn) { self.guard.begun() } else { 0 };
        Asked { after, place: self.session.place(), told: false, looked }
    }

    /// Rule 5: the first renewal that begins at or after the call ends it, whatever is out now. So does a sign-in that
    /// replaces the session, and a renewal that another process has stored meanwhile.
    pub(super) fn renewal(&mut self, asked: &mut Asked) -> Option<Result<(), Failure>> {
        let (place, had) = (self.session.place(), asked.place);
        let is_same_grant = place.map(|(grant, _)| grant) == had.map(|(grant, _)| grant);
        if self.guard.is_under_way() && self.guard.begun() == asked.after && is_same_grant {
            // What was out at the call is not what the caller waits for, whatever it brings.
            asked.place = place;
        }
        if !self.saving.is_all_settled() && self.obeys(Rule::StoredBeforeUsed) {
            return None;
        }
        let is_news = place != asked.place && !self.guard.is_under_way() && !self.guard.has_begun_since(asked.after);
        if place.is_some() && (is_news || had.is_some() && !is_same_grant) {
            return Some(Ok(()));
        }
        let ended = self.guard.ended().filter(|ended| ended.number > asked.after);
        // Of what it brought, nothing is left where somebody has ended the session meanwhile.
        if let Some(ended) = ended.filter(|ended| ended.failure.is_some() || place.is_some()) {
            return Some(match &ended.failure {
                None => Ok(()),
                Some((fault, retry_at)) => Err(Failure::Unavailable { fault: fault.clone(), retry_at: *retry_at }),
            });
        }
        if self.jobs.has_grant() {
            return None;
        }
        if self.guard.is_storing() {
            // The next one begins when what this one brought is stored.
            return self.guard_fault(asked.looked).map(Err);
        }
        if self.guard.is_under_way() {
            return None;
        }
        // It may have been told, and something else have ended the session meanwhile.
        if !asked.told || self.session.tokens().is_none() {
            match self.try_give(Input::Refresh, false) {
                Ok(()) => asked.told = true,
                Err(misuse) => {
                    return self.has_looked(asked.looked).map(|look| Err(self.cannot_renew(look, misuse)));
                }
            }
        }
        if let Some(failure) = self.guard_fault(asked.looked) {
            return Some(Err(failure));
        }
        if let Some((fault, retry_at)) = self.session.pause(self.now.wall).filter(|_| self.guard.is_idle()) {
            return self.has_looked(asked.looked).map(|_| Err(Failure::Unavailable { fault, retry_at }));
        }
        None
    }

    fn cannot_renew(&self, look: Result<(), super::StoreFault>, misuse: Misuse) -> Failure {
        match (misuse, self.session.access(self.now.wall)) {
            (Misuse::NotSignedIn { .. }, Access::SignInRequired { reason }) => refusal(look, reason),
            (misuse, _) => Failure::Misuse(misuse),
        }
    }
}

/// Nobody knows better, or it cannot be known whether somebody does.
fn refusal(look: Result<(), super::StoreFault>, reason: SignInReason) -> Failure {
    look.map_or_else(Failure::Store, |()| Failure::SignInRequired { reason })
}
