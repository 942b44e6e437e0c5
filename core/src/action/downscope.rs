//! User tokens with less scope: requested beside the grant, kept by scope, renewed with it.

use std::sync::Arc;

use super::answer::revoke_unless_kept;
use super::revoke;
use super::turn::{Done, Turn};
use crate::error::{Fault, FaultKind, Misuse};
use crate::event::Event;
use crate::http::RequestId;
use crate::protocol::request;
use crate::protocol::scope::Scope;
use crate::schedule;
use crate::secret::AccessToken;
use crate::state::{Child, ChildState, SideKind, State};
use crate::tokens::ReadTokens;

/// So many scopes are kept.
const MOST: usize = 16;

pub(crate) fn demand(turn: &mut Turn<'_>, state: &mut State, scope: &Scope) -> Done {
    let (config, now) = (turn.config, turn.now);
    let Some(grant) = state.grant() else {
        return Err(Misuse::NotSignedIn { call: "downscope" });
    };
    let refuse = |problem| Err(Misuse::ScopeNotReducible { requested: scope.as_str().to_owned(), problem });
    if !config.provider().downscope {
        return Err(Misuse::NotConfigured { what: "scope reduction", needed_by: "downscope" });
    }
    if scope.is_empty() {
        return refuse("it is empty");
    }
    match &grant.tokens.scope {
        Some(granted) if scope == granted => return refuse("it is the whole granted scope"),
        Some(granted) if !scope.is_subset_of(granted) => {
            return refuse("it is not part of the granted scope");
        }
        Some(_) | None => {}
    }
    let usable = !grant.renew.rejected
        && grant.tokens.access_token.is_some()
        && schedule::must_at(config, &grant.tokens).is_none_or(|must| now < must);
    if !usable {
        // The token has to be fresh first; the caller asks again then.
        super::refresh::ensure_fresh(turn, state);
        return Ok(());
    }
    let pending = grant.children.iter().any(|child| {
        child.scope == *scope
            && match &child.state {
                ChildState::Asked { .. } => true,
                ChildState::Failed { retry_at, .. } => now < *retry_at,
                ChildState::Ready { received_at, expires_at, .. } => {
                    let tokens = crate::tokens::TokenSet {
                        received_at: *received_at,
                        expires_at: *expires_at,
                        ..Default::default()
                    };
                    schedule::must_at(config, &tokens).is_none_or(|must| now < must)
                }
            }
    });
    if !pending {
        ask(turn, state, scope);
    }
    Ok(())
}

fn ask(turn: &mut Turn<'_>, state: &mut State, scope: &Scope) {
    let id = state.new_id();
    let Some(grant) = state.grant_mut() else {
        return;
    };
    let Some(token) = grant.tokens.access_token.clone() else {
        return;
    };
    grant.children.retain(|child| child.scope != *scope);
    let dropped = (grant.children.len() >= MOST).then(|| grant.children.remove(least_of_use(&grant.children)));
    grant.children.push(Child { scope: scope.clone(), state: ChildState::Asked { id } });
    let request = request::downscope(turn.config, id, &token, scope.as_str());
    turn.send_beside(state, request, SideKind::Downscope { scope: scope.clone() });
    if let Some(Child { scope, state: ChildState::Ready { token, .. } }) = dropped {
        turn.notify(Event::UserTokenDropped { scope });
        if turn.config.policy().revoke_superseded == Some(true) {
            revoke::revoke(turn, state, token.expose(), "access_token");
        }
    }
}

/// The one to give up: first of all one that is not there, else the oldest.
fn least_of_use(children: &[Child]) -> usize {
    let place = |is: fn(&ChildState) -> bool| children.iter().position(|child| is(&child.state));
    let failed = place(|state| matches!(state, ChildState::Failed { .. }));
    failed.or(place(|state| matches!(state, ChildState::Ready { .. }))).unwrap_or(0)
}

pub(crate) fn accept(turn: &mut Turn<'_>, state: &mut State, id: RequestId, scope: &Scope, read: ReadTokens) {
    let ReadTokens { tokens, deviations } = read;
    if child_asked(state, id.0, scope).is_none() {
        // Given up meanwhile: it must not live on unseen.
        if turn.config.policy().revoke_superseded == Some(true) {
            revoke_unless_kept(turn, state, &tokens);
        }
        return turn.notify(Event::StaleResponse { id });
    }
    let Some(token) = tokens.access_token else {
        return;
    };
    if let Some(problem) = too_much(state, scope, &token, tokens.scope.as_ref()) {
        return failed(turn, state, id.0, scope, Fault::described(FaultKind::Malformed, problem));
    }
    let generation = state.generation.saturating_add(1);
    let Some(child) = child_asked(state, id.0, scope) else {
        return;
    };
    // Filed under what was asked for: what a server says it granted does not rename a request.
    child.state =
        ChildState::Ready { token, generation, received_at: tokens.received_at, expires_at: tokens.expires_at };
    state.generation = generation;
    turn.lenient(deviations);
    turn.notify(Event::Downscoped { scope: scope.clone() });
}

/// Why a token that the server calls reduced is not: it must not be handed out as one that may do less. Words of the
/// server's own, which were never granted, tell nothing.
fn too_much(state: &State, scope: &Scope, token: &AccessToken, answered: Option<&Scope>) -> Option<&'static str> {
    let parent = &state.grant()?.tokens;
    if parent.access_token.as_ref() == Some(token) {
        return Some("the server returned the token that was to be reduced");
    }
    let answered = answered?;
    let more = answered.minus(scope).intersection(parent.scope.as_ref().unwrap_or(answered));
    (!more.is_empty()).then_some("the token may do more than was asked for")
}

pub(crate) fn failed(turn: &mut Turn<'_>, state: &mut State, id: u64, scope: &Scope, fault: Fault) {
    let retry_at = turn.now.plus_millis(schedule::backoff(turn.config, state.seed, 5, &fault));
    let Some(child) = child_asked(state, id, scope) else {
        return;
    };
    let fault = Arc::new(fault);
    child.state = ChildState::Failed { fault: Arc::clone(&fault), retry_at };
    turn.notify(Event::DownscopeFailed { scope: scope.clone(), fault });
}

fn child_asked<'a>(state: &'a mut State, id: u64, scope: &Scope) -> Option<&'a mut Child> {
    let waits = |child: &&mut Child| {
        child.scope == *scope && matches!(&child.state, ChildState::Asked { id: own } if own.0 == id)
    };
    state.grant_mut()?.children.iter_mut().find(waits)
}

/// The token behind the user tokens is a new one: each is asked for again, less what was not granted this time, and the
/// old ones are revoked.
pub(crate) fn renew_all(turn: &mut Turn<'_>, state: &mut State) {
    let Some(grant) = state.grant_mut() else {
        return;
    };
    let children = std::mem::take(&mut grant.children);
    let granted = grant.tokens.scope.clone();
    for child in children {
        let scope = granted.as_ref().map_or_else(|| child.scope.clone(), |granted| child.scope.intersection(granted));
        let reducible = !scope.is_empty() && granted.as_ref() != Some(&scope);
        let known = state.grant().is_some_and(|grant| grant.children.iter().any(|other| other.scope == scope));
        if reducible && !known && turn.config.provider().downscope {
            ask(turn, state, &scope);
        }
        if let (ChildState::Ready { token, .. }, Some(true)) = (child.state, turn.config.policy().revoke_superseded) {
            revoke::revoke(turn, state, token.expose(), "access_token");
        }
    }
}

/// The user tokens that are under way are wanted no longer: they are revoked when they arrive.
pub(crate) fn abandon(state: &mut State) {
    for side in &mut state.side {
        if matches!(side.kind, SideKind::Downscope { .. }) {
            side.kind = SideKind::Unwanted;
        }
    }
}

/// An API refused the user token of this generation.
pub(crate) fn forget(state: &mut State, generation: u64) {
    if let Some(grant) = state.grant_mut() {
        grant
            .children
            .retain(|child| !matches!(&child.state, ChildState::Ready { generation: own, .. } if *own == generation));
    }
}
