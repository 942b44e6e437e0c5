//! Signing out: at once and for good here, as well as it can be had elsewhere.

use super::login::abandon_login;
use super::turn::Turn;
use super::{downscope, revoke};
use crate::access::SignedOutReason;
use crate::event::Event;
use crate::input::{LogoutVia, SignOutOptions};
use crate::protocol::{logout, request};
use crate::secret::Secret;
use crate::state::{FlightKind, Grant, Phase, SideKind, State};

/// Forgets everything, then tells the server what it can of it. What is still under way is revoked on arrival.
pub(crate) fn sign_out(turn: &mut Turn<'_>, state: &mut State, options: &SignOutOptions) {
    if options.revoke {
        downscope::abandon(state);
    }
    // What has ended by itself needs nobody to end it.
    let living = state.grant().map(|grant| grant.living_tokens(turn.now)).unwrap_or_default();
    let tokens = forget(turn, state, SignedOutReason::ByUser);
    state.revokes = options.revoke;
    if options.revoke {
        state.spared.retain(|spared| !tokens.iter().any(|(token, _)| token == spared));
        revoke::revoke_or_tell(turn, state, &living);
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
            let (target, service) = (&turn.config.endpoints().logout, turn.config.provider().logout_service.as_deref());
            if let (Some(target), Some(service), Some(token)) = (target, service, token) {
                let id = state.new_id();
                turn.send_beside(state, request::logout(turn.config, id, target, service, token), SideKind::Logout);
            }
        }
    }
}

/// An API answered 451.
pub(crate) fn embargo(turn: &mut Turn<'_>, state: &mut State) {
    forget(turn, state, SignedOutReason::Embargoed);
}

/// The session is gone from its store.
pub(crate) fn deleted(turn: &mut Turn<'_>, state: &mut State) {
    if state.grant().is_some() || !matches!(state.phase, Phase::SignedOut(_)) {
        forget(turn, state, SignedOutReason::ByUser);
    }
}

/// The session goes on under another key of its store. Nobody signed out: what is still under way is not revoked when it comes.
pub(crate) fn left_behind(state: &State) -> Option<State> {
    state.grant()?;
    let mut left = state.clone();
    left.phase = Phase::SignedOut(SignedOutReason::NeverSignedIn);
    left.changed_at = left.changed_at.plus_millis(1);
    (left.intent, left.ended_after) = (None, None);
    left.count_revision();
    Some(left)
}

/// Returns what there was to revoke.
fn forget(turn: &mut Turn<'_>, state: &mut State, reason: SignedOutReason) -> Vec<(Secret, &'static str)> {
    abandon_login(state);
    state.end_login(turn.now);
    for login in std::mem::take(&mut state.pending) {
        state.end_pending(&login, turn.now);
    }
    abandon_renewals(state);
    let tokens = state.grant().map(Grant::all_tokens).unwrap_or_default();
    state.side.retain(|side| !matches!(side.kind, SideKind::Downscope { .. }));
    state.phase = Phase::SignedOut(reason);
    (state.intent, state.ended_after) = (None, None);
    state.mark_change(turn.now);
    turn.persist();
    turn.notify(Event::SignedOut { reason, fault: None });
    tokens
}

/// The tokens of refreshes that are under way are wanted no longer: they are revoked when they arrive. But for those that
/// the session has, should one of them come once more: only a sign-out that revokes is for these.
pub(crate) fn abandon_renewals(state: &mut State) {
    let tokens = state.grant().map(Grant::all_tokens).unwrap_or_default();
    state.spared.extend(tokens.into_iter().map(|(token, _)| token));
    state.spared.drain(..state.spared.len().saturating_sub(MOST_SPARED));
    for flight in state.flight.as_deref_mut().into_iter().chain(&mut state.late) {
        if matches!(flight.kind, FlightKind::Renew { .. }) {
            flight.unwanted = true;
        }
    }
}

/// Those of a session with as many user tokens as it may have, and of one before it.
const MOST_SPARED: usize = 32;
