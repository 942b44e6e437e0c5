//! Signing out: at once and for good here, as well as it can be had elsewhere.

use super::login::abandon_login;
use super::turn::Turn;
use crate::access::SignedOutReason;
use crate::event::Event;
use crate::input::{LogoutVia, SignOutOptions};
use crate::protocol::{logout, request};
use crate::state::{ChildState, FlightKind, Phase, SideKind, State};

/// Forgets everything, then tells the server what it can of it. What is still under way is revoked on arrival.
pub(crate) fn sign_out(turn: &mut Turn<'_>, state: &mut State, options: &SignOutOptions) {
    let tokens = forget(turn, state, SignedOutReason::ByUser);
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
            let provider = turn.config.provider();
            let (url, service) = (provider.logout_endpoint.as_deref(), provider.logout_service.as_deref());
            if let (Some(url), Some(service), Some(token)) = (url, service, token) {
                let id = state.new_id();
                turn.send_beside(state, request::logout(turn.config, id, url, service, token), SideKind::Revoke);
            }
        }
    }
}

/// An API answered 451.
pub(crate) fn embargo(turn: &mut Turn<'_>, state: &mut State) {
    forget(turn, state, SignedOutReason::Embargoed);
}

/// Returns what there was to revoke: the refresh token first, it carries the others.
fn forget(
    turn: &mut Turn<'_>,
    state: &mut State,
    reason: SignedOutReason,
) -> Vec<(crate::secret::Secret, &'static str)> {
    abandon_login(state);
    abandon_renewals(state);
    let mut tokens = Vec::new();
    if let Some(grant) = state.grant() {
        tokens.extend(grant.tokens.refresh_token.clone().map(|token| (token, "refresh_token")));
        let children = grant.children.iter().filter_map(|child| match &child.state {
            ChildState::Ready { token, .. } => Some(token),
            ChildState::Asked { .. } | ChildState::Failed { .. } => None,
        });
        let access = grant.tokens.access_token.iter().chain(&grant.previous).chain(children);
        tokens.extend(access.map(|token| (token.expose().into(), "access_token")));
    }
    state.side.retain(|side| matches!(side.kind, SideKind::Revoke));
    state.phase = Phase::SignedOut(reason);
    state.mark_change(turn.now);
    turn.persist();
    turn.notify(Event::SignedOut { reason, fault: None });
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
