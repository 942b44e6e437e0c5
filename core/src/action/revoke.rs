//! Revoking tokens (RFC 7009): one after the other, since servers with a small database fail at two at once, and once more
//! where the server failed or did not answer. Nobody waits for it.

use std::sync::Arc;

use super::turn::Turn;
use crate::config::Config;
use crate::error::{Fault, FaultKind, SendFault};
use crate::event::{Event, NotRevoked};
use crate::http::HttpResponse;
use crate::protocol::answer;
use crate::protocol::request::{self, Carried};
use crate::secret::Secret;
use crate::state::{Revocation, SideKind, State};

/// So many tokens wait; those of a session with as many user tokens as it may have, and of one before it.
const MOST: usize = 64;

/// Revokes a token, where that is possible.
pub(crate) fn revoke(turn: &mut Turn<'_>, state: &mut State, token: &str, hint: &'static str) {
    if impossible(turn.config).is_some() {
        return;
    }
    if state.revocations.len() >= MOST {
        state.revocations.remove(0);
    }
    state.revocations.push(Revocation { token: Secret::new(token), hint, is_retry: false });
    next(turn, state);
}

/// Revokes what a user wants to be gone. Where that is impossible, it is told.
pub(crate) fn revoke_or_tell(turn: &mut Turn<'_>, state: &mut State, tokens: &[(Secret, &'static str)]) {
    match impossible(turn.config) {
        Some(why) if !tokens.is_empty() => turn.notify(Event::NotRevoked { why }),
        Some(_) | None => tokens.iter().for_each(|(token, hint)| revoke(turn, state, token.expose(), hint)),
    }
}

fn impossible(config: &Config) -> Option<NotRevoked> {
    if config.endpoints().revocation.is_none() {
        return Some(NotRevoked::NoEndpoint);
    }
    (!config.can_authenticate()).then_some(NotRevoked::NoSecret)
}

/// Sends the next one, if none is under way.
pub(crate) fn next(turn: &mut Turn<'_>, state: &mut State) {
    let Some(target) = &turn.config.endpoints().revocation else { return };
    let is_busy = state.side.iter().any(|side| matches!(side.kind, SideKind::Revoke(_)));
    if is_busy || state.revocations.is_empty() {
        return;
    }
    let revocation = state.revocations.remove(0);
    let id = state.new_id();
    let request = request::revoke(turn.config, id, target, revocation.token.expose(), revocation.hint);
    turn.send_beside(state, request, SideKind::Revoke(revocation));
}

pub(crate) fn answered(
    turn: &mut Turn<'_>,
    state: &mut State,
    revocation: Revocation,
    response: &HttpResponse,
    carried: &Carried,
) {
    match refusal(turn, response, carried) {
        Some(fault) => failed(turn, state, revocation, fault),
        None => next(turn, state),
    }
}

/// The identity broker answered to a sign-out.
pub(crate) fn logout_answered(turn: &mut Turn<'_>, response: &HttpResponse, carried: &Carried) {
    if let Some(fault) = refusal(turn, response, carried) {
        tell(turn, fault);
    }
}

fn refusal(turn: &Turn<'_>, response: &HttpResponse, carried: &Carried) -> Option<Fault> {
    let body = answer::object(response);
    answer::is_error(response.status, body.as_ref())
        .then(|| answer::fault(response, body.as_ref(), &turn.context(carried)))
}

/// Once more, where that may help and the server does not ask to wait.
pub(crate) fn failed(turn: &mut Turn<'_>, state: &mut State, revocation: Revocation, fault: Fault) {
    let may_help = match fault.kind {
        FaultKind::Network => !matches!(fault.send, Some(SendFault::TooLarge | SendFault::Untrusted)),
        FaultKind::Unavailable => fault.retry_after.is_none(),
        FaultKind::Refused
        | FaultKind::Unauthorized
        | FaultKind::RateLimited
        | FaultKind::Unexpected
        | FaultKind::Malformed
        | FaultKind::Expired
        | FaultKind::Host => false,
    };
    if may_help && !revocation.is_retry {
        state.revocations.insert(0, Revocation { is_retry: true, ..revocation });
    } else {
        tell(turn, fault);
    }
    next(turn, state);
}

pub(crate) fn tell(turn: &mut Turn<'_>, fault: Fault) {
    turn.notify(Event::RevokeFailed { fault: Arc::new(fault) });
}
