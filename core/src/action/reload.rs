//! Another process wrote to the store: the newer of the two states wins.

use std::cmp::Ordering;
use std::sync::Arc;

use super::login::{TOO_MANY, abandon_login, pending_failed};
use super::revoke::revoke_or_tell;
use super::sign_out::abandon_renewals;
use super::turn::Turn;
use crate::access::{ReturnTo, SignedOutReason};
use crate::error::{Fault, FaultKind};
use crate::event::{Event, StoreIgnored};
use crate::logins::{EndedLogins, LoginMark, MOST_PENDING};
use crate::secret::Secret;
use crate::snapshot::{self, RestoreError};
use crate::state::{Before, BrowserLogin, Grant, Phase, Renew, SigningIn, Stage, State};

/// What is known of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The clocks of the two sign-ins tell.
    Unknown,
    /// The store held it. Whatever other sign-in it holds now came later, or into a place that was emptied: ours is over.
    WasStored,
}

pub(crate) fn reload(turn: &mut Turn<'_>, state: &mut State, bytes: &Secret, standing: Standing) {
    let mut theirs = match snapshot::read(turn.config, bytes.expose()) {
        Ok(theirs) => theirs,
        Err(error) => {
            let reason = match error {
                RestoreError::Unreadable => StoreIgnored::Unreadable,
                RestoreError::NewerVersion { .. } => StoreIgnored::NewerVersion,
                RestoreError::OtherConfig { .. } => StoreIgnored::OtherConfig,
                RestoreError::Sealed { .. } => StoreIgnored::Sealed,
            };
            return turn.notify(Event::StoreIgnored { reason });
        }
    };
    // Their clock may be ahead of ours: a token's remaining life must not grow by that.
    theirs.observe(turn.now);
    // From now on it is the store's session, and counts on from its number.
    if theirs.seed != state.seed {
        (state.seed, state.revision) = (theirs.seed, theirs.revision);
    }
    // A store that failed for a while lets ours run ahead in number, and theirs may be the newer one all the same. And
    // two processes that changed the same state have the same number. So numbers do not tell: both are put together.
    let is_older = theirs.revision < state.revision;
    let is_over = standing == Standing::WasStored && !is_same_session(state, &theirs);
    let news = if is_over { Ordering::Greater } else { compare(&theirs, state) };
    state.revision = state.revision.max(theirs.revision);
    let logins = merge_logins(turn, state, &mut theirs);
    let mut lacks_ours = logins.lacks_ours;
    let mut signed_in = false;
    if news.is_ge() {
        lacks_ours |= keep_waiting(state, &mut theirs);
        signed_in = adopt(turn, state, theirs);
    } else {
        // Ours is the newer one and did not get through: store it over theirs.
        revoke_theirs(turn, state, &theirs);
        lacks_ours = true;
    }
    if let Some(login) = logins.going_on {
        state.resume_login(*login);
    }
    if lacks_ours && !is_older {
        turn.persist();
    }
    let lost = logins.lost.filter(|_| !signed_in);
    for event in lost.into_iter().chain(logins.pushed_out) {
        turn.notify(event);
    }
}

/// The later sign-in or sign-out wins; within one sign-in the later renewal. Generations do not tell: each process counts
/// its own. Clocks tell only where the count of renewals does not: an earlier version did not write it.
fn compare(theirs: &State, ours: &State) -> Ordering {
    let by_renewal = || match (theirs.grant(), ours.grant()) {
        // One and the same; when it arrived moves with the clock.
        (Some(a), Some(b)) if has_same_tokens(a, b) => a.renewals.cmp(&b.renewals),
        // Under intents, what is stored was the first to be: whoever comes second has nothing that counts.
        (Some(a), Some(b)) if ours.guarded => a.renewals.cmp(&b.renewals).then(Ordering::Greater),
        (Some(a), None) if ours.ended_after == Some(a.renewals) && is_own_intent(theirs, ours) => Ordering::Less,
        (None, Some(b)) if theirs.ended_after.is_some_and(|renewals| renewals >= b.renewals) => Ordering::Greater,
        (a, b) => {
            let order = |grant: &Grant| (grant.renewals, grant.tokens.received_at, grant.generation);
            a.map(order).cmp(&b.map(order))
        }
    };
    let ids = || match (theirs.grant(), ours.grant()) {
        // Two sign-ins in the same millisecond.
        (Some(a), Some(b)) => a.id(theirs).cmp(&b.id(ours)),
        (Some(_) | None, _) => Ordering::Equal,
    };
    theirs.changed_at.cmp(&ours.changed_at).then_with(ids).then_with(by_renewal)
}

/// The store still holds the intent under which the server called the session over.
fn is_own_intent(theirs: &State, ours: &State) -> bool {
    ours.ended_under.is_some() && theirs.intent.as_ref().map(|intent| intent.id) == ours.ended_under
}

/// A refresh may leave the access token as it was and rotate the refresh token all the same.
fn has_same_tokens(a: &Grant, b: &Grant) -> bool {
    a.tokens.access_token == b.tokens.access_token && a.tokens.refresh_token == b.tokens.refresh_token
}

fn is_same_session(ours: &State, theirs: &State) -> bool {
    let same_grant = match (ours.grant(), theirs.grant()) {
        (Some(own), Some(grant)) => own.id(ours) == grant.id(theirs),
        // What the server ended keeps its mark. Whoever was signed out otherwise in the same millisecond is another.
        (Some(_), None) => signed_out_reason(theirs) == SignedOutReason::GrantEnded,
        (None, Some(_)) => signed_out_reason(ours) == SignedOutReason::GrantEnded,
        (None, None) => true,
    };
    ours.changed_at == theirs.changed_at && same_grant
}

/// What the renewal of the same tokens has come to here and is not stored, or was not yet. Whether the store lacks it.
fn keep_waiting(state: &State, theirs: &mut State) -> bool {
    let same_session = is_same_session(state, theirs);
    let (Some(own), Some(grant)) = (state.grant(), theirs.grant_mut()) else {
        return false;
    };
    if !same_session || !has_same_tokens(own, grant) || own.renewals != grant.renewals {
        return false;
    }
    let renew = Renew {
        wanted: own.renew.wanted,
        forced: own.renew.forced,
        rejected: own.renew.rejected,
        rejections: own.renew.rejections,
        ..grant.renew.clone()
    };
    // A server's wait is for all who use its tokens.
    let is_longer = own.renew.retry_is_servers && own.renew.retry_at > grant.renew.retry_at;
    grant.renew = if is_longer { own.renew.clone() } else { renew };
    grant.told_sign_in = own.told_sign_in;
    grant.told_relogin |= own.told_relogin;
    is_longer
}

/// Takes their session in place of ours. Whether it is of another sign-in, and told so.
fn adopt(turn: &mut Turn<'_>, state: &mut State, mut theirs: State) -> bool {
    let was_signed_in = state.grant().is_some();
    let same_session = is_same_session(state, &theirs);
    let same_tokens = match (state.grant(), theirs.grant()) {
        (Some(own), Some(grant)) => has_same_tokens(own, grant),
        (own, grant) => own.is_none() && grant.is_none(),
    };
    if !same_tokens {
        state.version = state.version.saturating_add(1);
    }
    let token = |state: &State| state.grant().and_then(|grant| grant.tokens.access_token.clone());
    let changed = token(state) != token(&theirs);
    if changed {
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
        // Ours are reckoned with this clock, and have moved along with it.
        if same_tokens && own.renewals == grant.renewals {
            grant.tokens.received_at = own.tokens.received_at;
            grant.tokens.expires_at = own.tokens.expires_at;
            grant.tokens.refresh_token_expires_at = own.tokens.refresh_token_expires_at;
        }
    }
    if same_session {
        if let (Some(own), Some(grant)) = (state.grant(), theirs.grant_mut()) {
            grant.from_request = own.from_request;
        }
    } else {
        leave_session(state, &theirs);
    }
    state.changed_at = theirs.changed_at;
    (state.intent, state.ended_after) = (theirs.intent, theirs.ended_after);
    state.rotates |= theirs.rotates;
    state.extra = theirs.extra;
    state.phase = theirs.phase;
    let generation = state.generation;
    match (was_signed_in, state.grant().is_some(), changed) {
        (_, true, true) if same_session => {
            turn.notify(Event::TokensRefreshed { generation, unchanged: false, rotated: true });
        }
        (_, true, true) => {
            if let Some(grant) = state.grant() {
                let (via, scope, login) = (grant.via, grant.scope_delta(), grant.login);
                turn.notify(Event::SignedIn { via, generation, scope, login, cleaned_url: None, state: None });
            }
            return true;
        }
        (true, false, _) => turn.notify(Event::SignedOut { reason: signed_out_reason(state), fault: None }),
        (_, _, _) => {}
    }
    false
}

/// The session that our requests were made for is over, or another one has taken its place. Signed out elsewhere is
/// signed out here: what a refresh of ours still brings is revoked.
fn leave_session(state: &mut State, theirs: &State) {
    match theirs.grant().is_none().then(|| signed_out_reason(theirs)) {
        Some(SignedOutReason::ByUser | SignedOutReason::Embargoed) => abandon_renewals(state),
        // Another sign-in: what ours still brings is nobody's.
        None if state.guarded => abandon_renewals(state),
        Some(SignedOutReason::GrantEnded | SignedOutReason::NeverSignedIn) | None => {}
    }
    state.epoch = state.epoch.saturating_add(1);
}

/// The user signed out here and had the tokens revoked, while another process renewed them: these, too.
fn revoke_theirs(turn: &mut Turn<'_>, state: &mut State, theirs: &State) {
    if let (true, None, Some(grant)) = (state.revokes, state.grant(), theirs.grant()) {
        revoke_or_tell(turn, state, &grant.living_tokens(turn.now));
    }
}

struct Logins {
    /// The one under way that goes on.
    going_on: Option<Box<SigningIn>>,
    /// What whoever waits for ours is told.
    lost: Option<Event>,
    /// The same of those that were pending here, and are too many together with theirs.
    pushed_out: Vec<Event>,
    /// The store has to learn what became of them.
    lacks_ours: bool,
}

/// Puts together the logins of both, less those that are over, here or there: completed, given up, or superseded. All that
/// wait for their browser go on; of two that are under way the later one.
fn merge_logins(turn: &Turn<'_>, state: &mut State, theirs: &mut State) -> Logins {
    let ended_here = std::mem::replace(&mut state.ended_logins, theirs.ended_logins.clone());
    let lacks_ended = state.ended_logins.add_all(&ended_here);
    let own: Vec<_> = state.pending.iter().map(|login| login.mark).collect();
    let (lacks_pending, too_many) = merge_pending(turn, state, theirs, &ended_here);
    let mut logins = merge_under_way(turn, state, theirs, &ended_here);
    logins.lacks_ours |= lacks_ended || lacks_pending;
    let ours = too_many.into_iter().filter(|login| own.contains(&login.mark));
    logins.pushed_out =
        ours.map(|login| pending_failed(login, Fault::described(FaultKind::Expired, TOO_MANY))).collect();
    logins
}

/// Whether the store lacks one of ours, or has one that is over; and those that are too many.
fn merge_pending(
    turn: &Turn<'_>,
    state: &mut State,
    theirs: &mut State,
    ended_here: &EndedLogins,
) -> (bool, Vec<BrowserLogin>) {
    let is_in = |logins: &[BrowserLogin], mark: Option<LoginMark>| logins.iter().any(|login| login.mark == mark);
    let ended_there = &theirs.ended_logins;
    state.pending.retain(|login| login.mark.is_none_or(|mark| ended_there.of(mark).is_none()));
    let lacks_ours = state.pending.iter().any(|login| !is_in(&theirs.pending, login.mark));
    let mut has_ended = false;
    for login in std::mem::take(&mut theirs.pending) {
        let is_over = login.mark.is_some_and(|mark| ended_here.of(mark).is_some());
        has_ended |= is_over;
        match state.pending.iter_mut().find(|own| own.mark == login.mark) {
            Some(own) => own.left_open |= login.left_open,
            None if is_over || login.expires_at <= turn.now => {}
            None => state.pending.push(login),
        }
    }
    state.pending.sort_by_key(|login| login.since);
    let too_many: Vec<_> = state.pending.drain(..state.pending.len().saturating_sub(MOST_PENDING)).collect();
    too_many.iter().for_each(|login| state.end_pending(login, turn.now));
    (lacks_ours || has_ended, too_many)
}

/// Of two the later one, and none that is over.
fn merge_under_way(turn: &Turn<'_>, state: &mut State, theirs: &mut State, ended_here: &EndedLogins) -> Logins {
    let (own, stored) = (state.take_login(), theirs.take_login());
    // One that we ended ourselves is one that they read of.
    let over_there = |mark| theirs.ended_logins.of(mark).is_some_and(|end| ended_here.of(mark) != Some(end));
    let is_over_there = mark_of(own.as_deref()).is_some_and(over_there);
    let is_over_here = mark_of(stored.as_deref()).is_some_and(|mark| ended_here.of(mark).is_some());
    let was_stored = stored.is_some();
    let other = stored.filter(|_| !is_over_here);

    let mut lacks_ours = is_over_here;
    // One that did not get into the store yet was begun after all that is in there, whatever the clocks say.
    let is_new = state.login_is_new;
    let is_later = |own: &SigningIn, other: &SigningIn| own.mark != other.mark && (is_new || own.since > other.since);
    let own_goes_on =
        own.as_deref().is_some_and(|own| !is_over_there && other.as_deref().is_none_or(|other| is_later(own, other)));
    if own_goes_on {
        lacks_ours |= was_stored || own.as_deref().is_some_and(|own| matches!(own.stage, Stage::Device(_)));
        if let Some(mark) = mark_of(other.as_deref()) {
            state.end_mark(mark, turn.now);
        }
        return Logins { going_on: own, lost: None, pushed_out: Vec::new(), lacks_ours };
    }
    let lost = own.filter(|own| own.mark.is_none() || own.mark != mark_of(other.as_deref()));
    if let Some(own) = lost.as_deref() {
        if let Some(mark) = own.mark {
            state.end_mark(mark, turn.now);
        }
        abandon_login(state);
    }
    Logins { going_on: other, lost: lost.map(|own| lost_login(*own)), pushed_out: Vec::new(), lacks_ours }
}

fn mark_of(login: Option<&SigningIn>) -> Option<LoginMark> {
    login.and_then(|login| login.mark)
}

fn lost_login(login: SigningIn) -> Event {
    let fault = Fault::described(FaultKind::Expired, "another process ended it or began another one");
    Event::LoginFailed {
        via: login.via,
        fault: Arc::new(fault),
        login: login.id,
        cleaned_url: login.cleaned_url,
        state: login.caller_state,
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
