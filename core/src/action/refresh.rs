//! Renewing tokens: when asked, how it ends, what it leads to.

use std::sync::Arc;

use super::downscope;
use super::turn::{Done, Turn};
use crate::access::{SignInReason, SignedOutReason};
use crate::effect::TokenAsk;
use crate::error::{Fault, Misuse, SendFault};
use crate::event::Event;
use crate::protocol::request;
use crate::protocol::scope::ScopeDelta;
use crate::schedule;
use crate::secret::Secret;
use crate::state::{Before, Flight, FlightKind, Grant, Phase, RenewBy, State};
use crate::tokens::{ReadTokens, TokenSet};

/// Somebody needs a token: a refresh is wanted if the token is past either line.
pub(crate) fn ensure_fresh(turn: &Turn<'_>, state: &mut State) {
    let (config, now, seed) = (turn.config, turn.now, state.seed);
    let Some(grant) = state.grant_mut() else {
        return;
    };
    let past = |at: Option<crate::time::Timestamp>| at.is_some_and(|at| at <= now);
    let stale = grant.tokens.access_token.is_none()
        || grant.renew.rejected
        || past(schedule::must_at(config, &grant.tokens))
        || past(schedule::soon_at(config, seed, grant));
    if stale && schedule::renewal(config, grant, now).is_ok() {
        grant.renew.wanted = true;
    }
}

/// Time has passed: the background refresh.
pub(crate) fn tick(turn: &Turn<'_>, state: &mut State) {
    if turn.config.policy().proactive {
        let (config, now, seed) = (turn.config, turn.now, state.seed);
        let Some(grant) = state.grant_mut() else {
            return;
        };
        let soon = schedule::soon_at(config, seed, grant).is_some_and(|soon| soon <= now);
        if soon && schedule::renewal(config, grant, now).is_ok() {
            grant.renew.wanted = true;
        }
    }
}

/// The host insists.
pub(crate) fn demand(turn: &Turn<'_>, state: &mut State) -> Done {
    let Some(grant) = state.grant_mut() else {
        return Err(Misuse::NotSignedIn { call: "refresh" });
    };
    match schedule::renewal(turn.config, grant, turn.now) {
        Ok(_) => {
            grant.renew.wanted = true;
            grant.renew.forced = true;
            Ok(())
        }
        Err(SignInReason::RefreshTokenExpired) => Err(Misuse::CannotRefresh { why: "the refresh token has expired" }),
        Err(_) if grant.tokens.refresh_token.is_some() => Err(Misuse::CannotRefresh { why: "no client_secret" }),
        Err(_) => Err(Misuse::CannotRefresh { why: "no refresh token" }),
    }
}

/// An API answered 401. Only the current token's refusal counts: who comes late finds a newer one already.
pub(crate) fn token_rejected(turn: &mut Turn<'_>, state: &mut State, generation: u64) {
    let (config, now) = (turn.config, turn.now);
    downscope::forget(state, generation);
    let Some(grant) = state.grant_mut() else {
        return;
    };
    if generation != grant.generation || grant.tokens.access_token.is_none() || grant.renew.rejected {
        return;
    }
    if let Err(reason) = schedule::renewal(config, grant, now) {
        // Nothing to renew it with. The token stays: one API's 401 must not end a session.
        let reason = if reason == SignInReason::Expired { SignInReason::Rejected } else { reason };
        if !std::mem::replace(&mut grant.told_sign_in, true) {
            turn.notify(Event::SignInNeeded { reason });
        }
        return;
    }
    if schedule::counts_as_rejected(config, grant, now) {
        let fresh = grant.renew.last.is_some_and(|last| now < last.plus(config.policy().min_interval));
        grant.renew.rejections = if fresh { grant.renew.rejections.saturating_add(1) } else { 1 };
        grant.renew.rejected = true;
        grant.renew.wanted = true;
    }
}

/// Begins the refresh that is wanted, if nothing stands in its way.
pub(crate) fn begin(turn: &mut Turn<'_>, state: &mut State) {
    let (config, now) = (turn.config, turn.now);
    let Some(grant) = state.grant_mut().filter(|grant| grant.renew.wanted) else {
        return;
    };
    let Ok(by) = schedule::renewal(config, grant, now) else {
        grant.renew.wanted = false;
        return;
    };
    if schedule::may_renew_at(config, grant).is_some_and(|at| now < at) {
        return;
    }
    let refresh_token = grant.tokens.refresh_token.clone();
    let scope = grant.requested.clone().unwrap_or_default();
    let kind = FlightKind::Renew { by };
    match (by, refresh_token) {
        (RenewBy::RefreshToken, Some(refresh_token)) => {
            let id = state.new_id();
            turn.depart(state, request::refresh(config, id, &refresh_token), kind);
            if let Some(flight) = &mut state.flight {
                flight.spent = Some(refresh_token);
                flight.under = state.intent.as_ref().map(|intent| intent.id);
            }
        }
        (RenewBy::ClientCredentials, _) => {
            let id = state.new_id();
            turn.depart(state, request::client_credentials(config, id, scope.as_str()), kind);
        }
        (RenewBy::HostToken, refresh_token) => turn.ask_for_token(state, TokenAsk::Renew { refresh_token }, kind),
        (RenewBy::HostJwt, _) => turn.ask_for_jwt(state, kind),
        // `renewal` names the refresh token only where there is one.
        (RenewBy::RefreshToken, None) => grant_lost_its_token(state),
    }
}

fn grant_lost_its_token(state: &mut State) {
    if let Some(grant) = state.grant_mut() {
        grant.renew.wanted = false;
    }
}

/// New tokens for the session that is there.
pub(crate) fn accept(turn: &mut Turn<'_>, state: &mut State, read: ReadTokens, from_request: u64) {
    let (config, now) = (turn.config, turn.now);
    let generation = state.generation;
    let Some(grant) = state.grant_mut() else {
        return;
    };
    let ReadTokens { mut tokens, deviations } = read;
    tokens.keep_from(&grant.tokens);
    let unchanged = tokens.access_token == grant.tokens.access_token;
    let rotated = tokens.refresh_token != grant.tokens.refresh_token;
    let first = grant.tokens.access_token.is_none();
    let scope = (tokens.scope != grant.tokens.scope).then(|| {
        let before = grant.tokens.scope.clone().unwrap_or_default();
        ScopeDelta::between(&before, &tokens.scope.clone().unwrap_or_default())
    });
    let old = std::mem::replace(&mut grant.tokens, tokens);
    let replaced = rotated && old.refresh_token.is_some();
    grant.renewals = grant.renewals.saturating_add(1);
    grant.renew.wanted = false;
    grant.renew.forced = false;
    grant.renew.rejected = false;
    grant.renew.last = Some(now);
    grant.renew.failures = 0;
    grant.renew.retry_at = None;
    grant.renew.retry_is_servers = false;
    grant.renew.fault = None;
    grant.told_sign_in = false;
    grant.told_relogin =
        grant.told_relogin && !rotated && old.refresh_token_expires_at == grant.tokens.refresh_token_expires_at;
    grant.from_request = from_request;
    let mut superseded = None;
    if !unchanged {
        grant.generation = generation.saturating_add(1);
        if config.policy().revoke_superseded == Some(true) {
            superseded = std::mem::replace(&mut grant.previous, old.access_token);
        }
    }
    let (generation, via, login) = (grant.generation, grant.via, grant.login);
    state.generation = state.generation.max(generation);
    state.rotates |= replaced;
    state.intent = None;
    state.version = state.version.saturating_add(1);
    turn.persist();
    turn.lenient(deviations);
    if first {
        let scope = state.grant().map(Grant::scope_delta).unwrap_or_default();
        turn.notify(Event::SignedIn { via, generation, scope, login, cleaned_url: None, state: None });
    } else {
        turn.notify(Event::TokensRefreshed { generation, unchanged, rotated });
        if let Some(scope) = scope {
            turn.notify(Event::ScopeChanged { scope });
        }
    }
    // A host may go back to the token before.
    if let Some(token) = superseded.filter(|token| !state.keeps(token.expose())) {
        super::revoke::revoke(turn, state, token.expose(), "access_token");
    }
    if !unchanged {
        downscope::renew_all(turn, state);
    }
}

/// A renewal failed. Only a word about the grant itself ends the session.
pub(crate) fn failed(turn: &mut Turn<'_>, state: &mut State, flight: &Flight, by: RenewBy, fault: Fault) {
    let (config, now, seed) = (turn.config, turn.now, state.seed);
    // What was refused has been replaced since: by a late answer, by another process, by a new login.
    if flight.version != state.version || flight.epoch != state.epoch {
        return;
    }
    let state_intent = state.intent.as_ref().map(|intent| intent.id);
    if fault.status.is_some() && state_intent == flight.under && !fault.ends_grant() {
        // The server has answered, and has not spent it.
        state.intent = None;
    }
    let Some(grant) = state.grant_mut() else {
        return;
    };
    if flight.under.is_some() && state_intent != flight.under && fault.ends_grant() {
        // Somebody else has taken over: their request may have been first. What the store holds decides.
        return;
    }
    if by == RenewBy::RefreshToken && fault.ends_grant() {
        state.ended_under = flight.under;
        return end_grant(turn, state, fault);
    }
    let renew = &mut grant.renew;
    // What was not sent is not a failure: a moment's pause, and nothing of it is stored.
    let not_sent = fault.send.is_some_and(SendFault::is_unsent);
    if !not_sent {
        renew.failures = renew.failures.saturating_add(1);
    }
    renew.forced = false;
    let retry_at = now.plus_millis(schedule::backoff(config, seed, renew.failures, &fault));
    let fault = Arc::new(fault);
    renew.retry_at = Some(retry_at);
    renew.retry_is_servers = fault.retry_after.is_some();
    renew.fault = Some(Arc::clone(&fault));
    if !not_sent {
        turn.persist();
    }
    turn.notify(Event::RefreshFailed { fault, retry_at });
}

/// A success without an access token to use, but with a refresh token: the one that was sent is spent, and this is what
/// the next attempt is made with.
pub(crate) fn keep_successor(turn: &mut Turn<'_>, state: &mut State, flight: &Flight, rest: TokenSet) {
    let renews = flight.kind == (FlightKind::Renew { by: RenewBy::RefreshToken });
    let Some(successor) = rest.refresh_token.filter(|_| renews && is_current(state, flight)) else {
        return;
    };
    if let Some(grant) = state.grant_mut() {
        grant.tokens.refresh_token = Some(successor);
        grant.tokens.refresh_token_expires_at = rest.refresh_token_expires_at;
        grant.from_request = flight.id.0;
        state.version = state.version.saturating_add(1);
        turn.persist();
    }
}

/// The server says that the grant is over.
fn end_grant(turn: &mut Turn<'_>, state: &mut State, fault: Fault) {
    let reason = SignedOutReason::GrantEnded;
    state.ended_after = state.grant().map(|grant| grant.renewals).filter(|_| state.guarded);
    state.intent = None;
    match &mut state.phase {
        Phase::SigningIn(login) => login.before = Before::SignedOut(reason),
        Phase::SignedIn(_) | Phase::SignedOut(_) => state.phase = Phase::SignedOut(reason),
    }
    // The sign-in stays the same one: a success that is still under way for it, here or in another process, revives it.
    state.version = state.version.saturating_add(1);
    turn.persist();
    turn.notify(Event::SignedOut { reason, fault: Some(Arc::new(fault)) });
}

/// A success for a session that the server has meanwhile called over: another request of the same sign-in had won.
pub(crate) fn revive(turn: &mut Turn<'_>, state: &mut State, read: ReadTokens, from_request: u64) {
    let via = crate::access::Via::Adopted;
    let requested = read.tokens.scope.clone();
    // Logins that were begun meanwhile are not this one: they go on, and their answers are still awaited.
    let (login, attempt) = (state.take_login(), state.attempt);
    let pending = std::mem::take(&mut state.pending);
    super::sign_in::accept_login(turn, state, via, requested, read, from_request);
    state.pending = pending;
    if let Some(login) = login {
        state.attempt = attempt;
        state.resume_login(*login);
    }
}

/// The server called the session over, and nothing has taken its place.
pub(crate) fn is_over(state: &State) -> bool {
    let over = SignedOutReason::GrantEnded;
    match &state.phase {
        Phase::SignedOut(reason) => *reason == over,
        Phase::SigningIn(login) => login.before == Before::SignedOut(over),
        Phase::SignedIn(_) => false,
    }
}

/// Tells once what the user has to know: that a sign-in is needed, or will be soon.
pub(crate) fn warn(turn: &mut Turn<'_>, state: &mut State) {
    let (config, now) = (turn.config, turn.now);
    let Some(grant) = state.grant_mut() else {
        return;
    };
    if let Some(at) = grant.tokens.refresh_token_expires_at {
        let due = schedule::relogin_warning_at(config, grant).is_some_and(|warning| warning <= now);
        if due && !grant.told_relogin {
            grant.told_relogin = true;
            turn.notify(Event::RefreshTokenExpiresSoon { at });
        }
    }
    let over =
        grant.tokens.access_token.is_none() || schedule::must_at(config, &grant.tokens).is_some_and(|must| must <= now);
    if let (true, Err(reason)) = (over && !grant.told_sign_in, schedule::renewal(config, grant, now)) {
        grant.told_sign_in = true;
        turn.notify(Event::SignInNeeded { reason });
    }
}

/// True where the answer of `flight` may still be applied to the session.
pub(crate) fn is_current(state: &State, flight: &Flight) -> bool {
    let newer = |grant: &Grant| flight.id.0 > grant.from_request;
    !flight.unwanted && flight.epoch == state.epoch && state.still_holds(flight) && state.grant().is_some_and(newer)
}

/// The tokens of a session, so that no error quotes them.
pub(crate) fn secrets_of(state: &State) -> Vec<Secret> {
    let Some(grant) = state.grant() else {
        return Vec::new();
    };
    let access = grant.tokens.access_token.as_ref().map(|token| Secret::new(token.expose()));
    access.into_iter().chain(grant.tokens.refresh_token.clone()).collect()
}
