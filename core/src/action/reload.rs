//! Another process wrote to the store: the newer of the two states wins.

use std::cmp::Ordering;

use super::sign_out::abandon_renewals;
use super::turn::Turn;
use crate::access::{ReturnTo, SignedOutReason};
use crate::event::{Event, StoreIgnored};
use crate::secret::Secret;
use crate::snapshot::{self, RestoreError};
use crate::state::{Before, Grant, Phase, SigningIn, State};

pub(crate) fn reload(turn: &mut Turn<'_>, state: &mut State, bytes: &Secret) {
    let theirs = match snapshot::read(turn.config, bytes.expose()) {
        Ok(theirs) => theirs,
        Err(error) => {
            let reason = match error {
                RestoreError::Unreadable => StoreIgnored::Unreadable,
                RestoreError::NewerVersion { .. } => StoreIgnored::NewerVersion,
                RestoreError::OtherConfig { .. } => StoreIgnored::OtherConfig,
            };
            return turn.notify(Event::StoreIgnored { reason });
        }
    };
    // A store that failed for a while lets ours run ahead in number, and theirs may be the newer one all the same.
    let news = compare(&theirs, state);
    let nothing_new = match theirs.revision.cmp(&state.revision) {
        Ordering::Less => news.is_le(),
        Ordering::Equal => news.is_eq(),
        Ordering::Greater => false,
    };
    if nothing_new {
        return;
    }
    state.revision = state.revision.max(theirs.revision);
    if news.is_ge() {
        adopt(turn, state, theirs);
    } else {
        // Ours is the newer one and did not get through: store it over theirs.
        turn.persist();
    }
}

/// The later sign-in or sign-out wins; within one sign-in the later answer. Generations do not tell: each process counts
/// its own.
fn compare(theirs: &State, ours: &State) -> Ordering {
    let by_arrival = || match (theirs.grant(), ours.grant()) {
        // One and the same; when it arrived moves with the clock.
        (Some(a), Some(b)) if has_same_tokens(a, b) => Ordering::Equal,
        (a, b) => {
            let arrival = |grant: &Grant| (grant.tokens.received_at, grant.generation);
            a.map(arrival).cmp(&b.map(arrival))
        }
    };
    theirs.changed_at.cmp(&ours.changed_at).then_with(by_arrival)
}

/// A refresh may leave the access token as it was and rotate the refresh token all the same.
fn has_same_tokens(a: &Grant, b: &Grant) -> bool {
    a.tokens.access_token == b.tokens.access_token && a.tokens.refresh_token == b.tokens.refresh_token
}

fn adopt(turn: &mut Turn<'_>, state: &mut State, mut theirs: State) {
    let was_signed_in = state.grant().is_some();
    let same_session = state.changed_at == theirs.changed_at;
    let token = |state: &State| state.grant().and_then(|grant| grant.tokens.access_token.clone());
    let changed = token(state) != token(&theirs);
    if changed {
        state.version = state.version.saturating_add(1);
        // Callers know tokens by their generation here: a token that is new to them needs a new one.
        state.generation = state.generation.saturating_add(1).max(theirs.generation);
        let generation = state.generation;
        if let Some(grant) = theirs.grant_mut() {
            grant.generation = generation;
        }
    } else if let (Some(own), Some(grant)) = (state.grant_mut(), theirs.grant_mut()) {
        // The user tokens are not stored; those of the same token go on.
        grant.children = std::mem::take(&mut own.children);
        grant.generation = own.generation;
        // Where the clock was set back in between, ours has moved along and theirs has not.
        if own.tokens.expires_at.is_some() && own.tokens.expires_at < grant.tokens.expires_at {
            (grant.tokens.received_at, grant.tokens.expires_at) = (own.tokens.received_at, own.tokens.expires_at);
        }
    }
    if same_session {
        if let (Some(own), Some(grant)) = (state.grant(), theirs.grant_mut()) {
            grant.from_request = own.from_request;
            grant.renew.wanted = own.renew.wanted && !changed;
        }
    } else {
        leave_session(state, &theirs);
    }
    state.changed_at = theirs.changed_at;
    state.extra = theirs.extra;
    let ours = std::mem::replace(&mut state.phase, Phase::SignedOut(SignedOutReason::NeverSignedIn));
    state.phase = theirs.phase;
    if let Phase::SigningIn(login) = ours
        && keeps_login(&login, &state.phase)
    {
        // The store does not have our login yet.
        turn.persist();
        let before = state.take_before();
        state.phase = Phase::SigningIn(Box::new(SigningIn { before, ..*login }));
    }
    let generation = state.generation;
    match (was_signed_in, state.grant().is_some(), changed) {
        (_, true, true) if same_session => {
            turn.notify(Event::TokensRefreshed { generation, unchanged: false, rotated: true });
        }
        (_, true, true) => {
            let scope = Default::default();
            let via = state.grant().map_or(crate::access::Via::Adopted, |grant| grant.via);
            turn.notify(Event::SignedIn { via, generation, scope, cleaned_url: None, state: None });
        }
        (true, false, _) => turn.notify(Event::SignedOut { reason: signed_out_reason(state), fault: None }),
        (_, _, _) => {}
    }
}

/// The session that our requests were made for is over, or another one has taken its place. Signed out elsewhere is
/// signed out here: what a refresh of ours still brings is revoked.
fn leave_session(state: &mut State, theirs: &State) {
    match theirs.grant().is_none().then(|| signed_out_reason(theirs)) {
        Some(SignedOutReason::ByUser | SignedOutReason::Embargoed) => abandon_renewals(state),
        Some(SignedOutReason::GrantEnded | SignedOutReason::NeverSignedIn) | None => {}
    }
    state.epoch = state.epoch.saturating_add(1);
}

/// A login of ours that is under way goes on over their session. Of two logins the one that has longer to go counts: it
/// was begun later, or its browser has come back already.
fn keeps_login(ours: &SigningIn, theirs: &Phase) -> bool {
    match theirs {
        Phase::SignedOut(_) | Phase::SignedIn(_) => true,
        Phase::SigningIn(theirs) => ours.expires_at > theirs.expires_at,
    }
}

fn signed_out_reason(state: &State) -> SignedOutReason {
    match &state.phase {
        Phase::SignedOut(reason) => *reason,
        Phase::SigningIn(login) => match login.before {
            Before::SignedOut(reason) => reason,
            Before::SignedIn(_) => SignedOutReason::ByUser,
        },
        Phase::SignedIn(_) => SignedOutReason::ByUser,
    }
}

/// For the public phase.
pub(crate) fn return_to(before: &Before) -> ReturnTo {
    match before {
        Before::SignedOut(_) => ReturnTo::SignedOut,
        Before::SignedIn(_) => ReturnTo::SignedIn,
    }
}
