//! Rules that the simulation can switch off, one at a time, to show that it would see a coordinator without them.

use super::Coordinator;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Nothing is sent after `Close`, and what is out is awaited (B1).
    CloseGivesUpWhatWasNotSent,
    CloseAwaitsWhatWasSent,
    /// A user token without a named scope waits until the granted scope is known (B2).
    UserScopeIsKnown,
    /// No "no" on stale knowledge (B3, B10, L4).
    LookBeforeNo,
    /// Adopting supersedes the login under way (B4).
    AdoptSupersedes,
    /// A late lock is given back (B6).
    LateLockIsGivenBack,
    /// Events are told after the lock is free (B7).
    UnlockBeforeTelling,
    /// Every job has a limit (B8, C13).
    JobsHaveLimits,
    /// Waits end at closing (B11).
    ClosingEndsWaits,
    /// The same sign-in joins (B12).
    SameSignInJoins,
    /// `Refresh` waits for a renewal that begins after it (B13, C22).
    RefreshWaitsForItsOwn,
    /// The second 401 is the API's answer (C6).
    OneReplay,
    /// Cancelling a login cancels no other (C21).
    CancelIsForOne,
    /// A refresh token is spent only under an intent that is stored.
    IntentBeforeSend,
    /// The holder sends only within its window.
    SendWindow,
    /// A foreign intent is honoured for a lease.
    ForeignIntentIsHonoured,
    /// A failed poll begins the count again.
    UnbrokenObservation,
    /// Tokens are resolved when they are stored.
    StoredBeforeUsed,
    /// What was deleted stays deleted.
    DeletedStaysDeleted,
    /// What was stored here yields to another sign-in that the store holds, whichever signed in later.
    StoredYields,
    /// A success is saved again until it is stored.
    ResultIsSavedAgain,
    /// No renewal within a lease of the last one.
    RenewalsAreSpaced,
}

impl Coordinator {
    /// True, but in the simulation for the one rule that was switched off.
    pub(super) fn obeys(&self, rule: Rule) -> bool {
        #[cfg(test)]
        {
            self.broken != Some(rule)
        }
        #[cfg(not(test))]
        {
            let _ = rule;
            true
        }
    }
}
