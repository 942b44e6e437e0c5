//! What moves on by itself after every input: deadlines that have passed, requests whose turn has come.

use super::turn::Turn;
use super::{downscope, login, refresh, revoke};
use crate::config::Renewal;
use crate::effect::TokenAsk;
use crate::error::{Fault, SendFault};
use crate::http::RequestId;
use crate::protocol::request;
use crate::schedule;
use crate::secret::Secret;
use crate::state::{Flight, FlightKind, Phase, SideKind, SigningIn, Stage, State};

/// So many requests beyond their deadline are remembered.
const MOST_LATE: usize = 8;

pub(crate) fn progress(turn: &mut Turn<'_>, state: &mut State) {
    expire_flight(turn, state);
    expire_side(turn, state);
    login::expire(turn, state);
    yield_to_login(turn, state);
    if !state.guarded {
        begin_grant(turn, state);
    }
    refresh::warn(turn, state);
    revoke::next(turn, state);
    if state.flight.is_none() && state.late.is_empty() {
        state.spared = Vec::new();
    }
}

/// One grant request at a time: a login's goes before a refresh.
pub(crate) fn begin_grant(turn: &mut Turn<'_>, state: &mut State) {
    if state.flight.is_none() {
        send_login(turn, state);
    }
    if state.flight.is_none() {
        refresh::begin(turn, state);
    }
}

/// A question to the host does not hold up a login; its answer may still come.
fn yield_to_login(turn: &Turn<'_>, state: &mut State) {
    let ready = schedule::login_is_due(state, turn.now);
    let gives_way = |flight: &mut Box<Flight>| {
        flight.asks_host && (flight.unwanted || ready && matches!(flight.kind, FlightKind::Renew { .. }))
    };
    if let Some(flight) = state.flight.take_if(gives_way) {
        remember_late(state, *flight);
    }
}

fn remember_late(state: &mut State, flight: Flight) {
    if state.late.len() >= MOST_LATE {
        state.late.remove(0);
    }
    state.late.push(flight);
}

/// No answer in time: the outcome is unknown. It is treated as a lost answer, and applied should it still come.
fn expire_flight(turn: &mut Turn<'_>, state: &mut State) {
    if let Some(flight) = state.flight.take_if(|flight| flight.deadline <= turn.now) {
        lose(turn, state, *flight);
    }
}

/// The same, before the deadline: a driver's limit has passed.
pub(crate) fn lose_request(turn: &mut Turn<'_>, state: &mut State, id: RequestId) {
    if let Some(flight) = state.flight.take_if(|flight| flight.id == id) {
        lose(turn, state, *flight);
    } else if let Some(side) = state.side.iter_mut().find(|side| side.id == id) {
        side.deadline = turn.now;
    }
}

fn lose(turn: &mut Turn<'_>, state: &mut State, flight: Flight) {
    remember_late(state, flight.clone());
    super::answer::flight_failed(turn, state, &flight, Fault::network(SendFault::Lost));
}

fn expire_side(turn: &mut Turn<'_>, state: &mut State) {
    let now = turn.now;
    while let Some(at) = state.side.iter().position(|side| side.deadline <= now) {
        let side = state.side.remove(at);
        match side.kind {
            SideKind::Downscope { scope } => {
                downscope::failed(turn, state, side.id.0, &scope, Fault::network(SendFault::Lost));
            }
            SideKind::Revoke(revocation) => revoke::failed(turn, state, revocation, Fault::network(SendFault::Lost)),
            SideKind::Logout => revoke::tell(turn, Fault::network(SendFault::Lost)),
            SideKind::Unwanted => {}
        }
    }
}

/// Sends the request of the login, if it is its turn.
fn send_login(turn: &mut Turn<'_>, state: &mut State) {
    let id = crate::http::RequestId(state.next_id.saturating_add(1));
    let (config, now) = (turn.config, turn.now);
    let Phase::SigningIn(login) = &mut state.phase else {
        return;
    };
    if now < login.send_at {
        return;
    }
    let SigningIn { via, requested, stage, tries, .. } = &mut **login;
    let kind = FlightKind::SignIn { via: *via, requested: requested.clone() };
    let scope = requested.as_ref().map_or("", |scope| scope.as_str());
    // `begin` has seen to it that the endpoint of its login is there.
    let endpoints = config.endpoints();
    let (request, kind) = match stage {
        Stage::Redeem { code, verifier: Some(verifier), redirect_uri: Some(redirect_uri) }
            if config.parts().renewal == Renewal::HostToken && !config.can_authenticate() =>
        {
            // The client secret is at the host's backend: so is the exchange.
            let ask = TokenAsk::Redeem {
                code: code.clone(),
                verifier: verifier.clone(),
                redirect_uri: redirect_uri.to_string(),
            };
            return turn.ask_for_token(state, ask, kind);
        }
        Stage::Redeem { code, verifier, redirect_uri } => {
            (request::redeem_code(config, id, code, redirect_uri.as_deref(), verifier.as_ref()), kind)
        }
        Stage::DeviceStart => {
            let Some(target) = &endpoints.device_authorization else { return };
            (request::device_authorization(config, id, target, scope), FlightKind::DeviceStart)
        }
        Stage::Device(device) => {
            let kind = FlightKind::DevicePoll { requested: requested.clone() };
            (request::device_token(config, id, &device.device_code), kind)
        }
        Stage::Jwt { jwt } => {
            let Some(target) = &endpoints.jwt_login else { return };
            (request::jwt_login(config, id, target, jwt), kind)
        }
        Stage::Guest { service_token, subject, display_name } => {
            let Some(target) = &endpoints.guest_token else { return };
            (request::guest_token(config, id, target, service_token, subject, display_name), kind)
        }
        Stage::ClientCredentials => (request::client_credentials(config, id, scope), kind),
        Stage::AskJwt => return turn.ask_for_jwt(state, kind),
        Stage::AskToken => {
            return turn.ask_for_token(state, TokenAsk::Renew { refresh_token: None }, kind);
        }
    };
    *tries = tries.saturating_add(1);
    state.next_id = id.0;
    turn.depart(state, request, kind);
}

/// The JWT that the host was asked for goes to `jwt/login`, in place of the question.
pub(crate) fn send_jwt(turn: &mut Turn<'_>, state: &mut State, kind: FlightKind, jwt: &Secret) {
    let Some(target) = &turn.config.endpoints().jwt_login else { return };
    let id = state.new_id();
    let request = request::jwt_login(turn.config, id, target, jwt);
    turn.depart(state, request, kind);
}
