//! Signing out: at once and for good here, as well as it can be had elsewhere.

use super::login::abandon_login;
use super::turn::Turn;
use crate::access::SignedOutReason;
use crate::event::Event;
use crate::input::{LogoutVia, SignOutOptions};
use crate::protocol::{logout, request};
use crate::secret::Secret;
use crate::state::{ChildState, FlightKind, Grant, Phase, SideKind, State};

/// Forgets everything, then tells the server what it can of it. What is still under way is revoked on arrival.
pub(crate) fn sign_out(turn: &mut Turn<'_>, state: &mut State, options: &SignOutOptions) {
    let tokens = forget(turn, state, SignedOutReason::ByUser);
    state.revokes = options.revoke;
    if options.revoke {
        for (token, hint) in &tokens {
            revoke(turn, state, token.expose(), hint);
        }
    }
    let token = tokens.first().map(|(token, _)| token.expose());
    match options.logout {
        LogoutVia::Nothing => {}
        LogoutVia::Browser => {
            if let Some(url) = logout::logout_url(turn.config, token, options.goto.as_deref()) {
                turn.open_browser(url);
            }
        }
        LogoutVia::Post => {
            if let (Some(url), Some(token)) = (turn.config.provider().logout_endpoint.as_deref(), token) {
                let id = state.new_id();
                turn.send_beside(state, request::logout(turn.config, id, url, token), SideKind::Revoke);
            }
        }
    }
}

/// An API answered 451.
pub(crate) fn embargo(turn: &mut Turn<'_>, state: &mut State) {
    forget(turn, state, SignedOutReason::Embargoed);
}

/// Returns what there was to revoke.
fn forget(turn: &mut Turn<'_>, state: &mut State, reason: SignedOutReason) -> Vec<(Secret, &'static str)> {
    abandon_login(state);
    state.end_login(turn.now);
    abandon_renewals(state);
    let tokens = state.grant().map(tokens_of).unwrap_or_default();
    state.side.retain(|side| matches!(side.kind, SideKind::Revoke));
    state.phase = Phase::SignedOut(reason);
    state.mark_change(turn.now);
    turn.persist();
    turn.notify(Event::SignedOut { reason, fault: None });
    tokens
}

/// All tokens of a session: the refresh token first, it carries the others.
pub(crate) fn tokens_of(grant: &Grant) -> Vec<(Secret, &'static str)> {
    let mut tokens = Vec::new();
    tokens.extend(grant.tokens.refresh_token.clone().map(|token| (token, "refresh_token")));
    let children = grant.children.iter().filter_map(|child| match &child.state {
        ChildState::Ready { token, .. } => Some(token),
        ChildState::Asked { .. } | ChildState::Failed { .. } => None,
    });
    let access = grant.tokens.access_token.iter().chain(&grant.previous).chain(children);
    tokens.extend(access.map(|token| (token.expose().into(), "access_token")));
    tokens
}

/// The tokens of refreshes that are under way are wanted no longer: they are revoked when they arrive.
pub(crate) fn abandon_renewals(state: &mut State) {
    for flight in state.flight.iter_mut().chain(&mut state.late) {
        if matches!(flight.kind, FlightKind::Renew { .. }) {
            flight.unwanted = true;
        }
    }
}

/// Revokes a token, where the server has an endpoint for it and the client may use it. Nobody waits for the answer.
pub(crate) fn revoke(turn: &mut Turn<'_>, state: &mut State, token: &str, hint: &'static str) {
    let Some(url) = turn.config.provider().revocation_endpoint.as_deref() else {
        return;
    };
    if !turn.config.can_authenticate() {
        return;
    }
    let id = state.new_id();
    turn.send_beside(state, request::revoke(turn.config, id, url, token, hint), SideKind::Revoke);
}
