//! Answers and failures of requests, matched to what they belong to.

use super::login;
use super::progress;
use super::refresh::{self, secrets_of};
use super::turn::{Done, Turn};
use super::{downscope, revoke, sign_in};
use crate::access::Via;
use crate::error::{Fault, FaultKind, SendFault};
use crate::event::Event;
use crate::http::{HttpResponse, RequestId};
use crate::logins::LoginMark;
use crate::protocol::answer::Context;
use crate::protocol::authorize::invalid;
use crate::protocol::device::{self, Poll};
use crate::protocol::scope::Scope;
use crate::protocol::{adopt, token};
use crate::schedule;
use crate::secret::Secret;
use crate::state::{DeviceLogin, Flight, FlightKind, Phase, RenewBy, SideKind, Stage, State};
use crate::tokens::{ReadTokens, TokenSet};

/// An answer came, to whatever it may belong to.
pub(crate) fn response(turn: &mut Turn<'_>, state: &mut State, id: RequestId, response: &HttpResponse) {
    if let Some(flight) = take_flight(state, id, By::Driver) {
        if flight.kind == FlightKind::DeviceStart {
            return device_started(turn, state, &flight, response);
        }
        let context = Context { scope: likely_scope(state, &flight), ..turn.context(&flight.carried) };
        match token::read(response, &context) {
            Ok(read) => flight_landed(turn, state, flight, read),
            Err(unusable) => {
                turn.lenient(token::error_deviations(response));
                flight_failed(turn, state, &flight, *unusable.fault);
                if let Some(rest) = unusable.rest {
                    refresh::keep_successor(turn, state, &flight, *rest);
                }
            }
        }
    } else if let Some(at) = state.side.iter().position(|side| side.id == id) {
        let side = state.side.remove(at);
        match side.kind {
            SideKind::Downscope { scope } => match token::read(response, &turn.context(&side.carried)) {
                Ok(read) => downscope::accept(turn, state, id, &scope, read),
                Err(unusable) => downscope::failed(turn, state, id.0, &scope, *unusable.fault),
            },
            SideKind::Unwanted => {
                if let Ok(read) = token::read(response, &turn.context(&side.carried)) {
                    revoke_unless_kept(turn, state, &read.tokens);
                }
                turn.notify(Event::StaleResponse { id });
            }
            SideKind::Revoke(revocation) => revoke::answered(turn, state, revocation, response, &side.carried),
            SideKind::Logout => revoke::logout_answered(turn, response, &side.carried),
        }
    } else {
        turn.notify(Event::StaleResponse { id });
    }
}

/// What was asked for, or granted before.
fn likely_scope<'a>(state: &'a State, flight: &'a Flight) -> Option<&'a Scope> {
    match &flight.kind {
        FlightKind::SignIn { requested, .. } | FlightKind::DevicePoll { requested } => requested.as_ref(),
        FlightKind::Renew { .. } => state.grant()?.tokens.scope.as_ref(),
        FlightKind::DeviceStart => None,
    }
}

/// A request failed below HTTP.
pub(crate) fn send_failed(turn: &mut Turn<'_>, state: &mut State, id: RequestId, send: SendFault) {
    let fault = Fault::network(send);
    let is_late = state.late.iter().any(|flight| flight.id == id);
    if let Some(flight) = take_flight(state, id, By::Driver) {
        // One that is late was taken for lost already: the same failure does not count twice.
        if !is_late {
            flight_failed(turn, state, &flight, fault);
        }
    } else if let Some(at) = state.side.iter().position(|side| side.id == id) {
        let side = state.side.remove(at);
        match side.kind {
            SideKind::Downscope { scope } => downscope::failed(turn, state, id.0, &scope, fault),
            SideKind::Unwanted => turn.notify(Event::StaleResponse { id }),
            SideKind::Revoke(revocation) => revoke::failed(turn, state, revocation, fault),
            SideKind::Logout => revoke::tell(turn, fault),
        }
    } else {
        turn.notify(Event::StaleResponse { id });
    }
}

/// The host delivered tokens that it was asked for.
pub(crate) fn provide_token(turn: &mut Turn<'_>, state: &mut State, id: RequestId, tokens: &Secret) {
    let Some(flight) = take_flight(state, id, By::Host) else {
        return turn.notify(Event::StaleResponse { id });
    };
    match adopt::read(tokens.expose(), turn.now) {
        Ok(read) if read.tokens.access_token.is_some() => flight_landed(turn, state, flight, read),
        Ok(_) => flight_failed(turn, state, &flight, Fault::described(FaultKind::Host, "it brought no access token")),
        Err(problem) => flight_failed(turn, state, &flight, Fault::described(FaultKind::Host, problem)),
    }
}

/// The host delivered a JWT that it was asked for: it goes on to `jwt/login`.
pub(crate) fn provide_jwt(turn: &mut Turn<'_>, state: &mut State, id: RequestId, jwt: &Secret) -> Done {
    if turn.config.provider().jwt_login_endpoint.is_none() {
        return Err(crate::error::Misuse::NotConfigured { what: "jwt_login_endpoint", needed_by: "provide_jwt" });
    }
    let Some(flight) = take_flight(state, id, By::Host) else {
        turn.notify(Event::StaleResponse { id });
        return Ok(());
    };
    let usable = sign_in::usable_jwt(jwt);
    match (usable, &flight.kind) {
        (Err(_), _) => {
            flight_failed(turn, state, &flight, Fault::described(FaultKind::Host, "it brought no JWT"));
        }
        (Ok(jwt), FlightKind::Renew { by }) => {
            let kind = FlightKind::Renew { by: *by };
            // A late one finds another request out, and one at a time is the rule: the host will be asked again.
            if state.flight.is_some() {
                turn.notify(Event::StaleResponse { id });
            } else if flight.version == state.version && flight.epoch == state.epoch {
                progress::send_jwt(turn, state, kind, &jwt);
            }
        }
        (Ok(jwt), FlightKind::SignIn { .. }) => {
            if let Phase::SigningIn(login) = &mut state.phase
                && login.stage == Stage::AskJwt
                && flight.attempt == state.attempt
            {
                login.stage = Stage::Jwt { jwt };
                login.send_at = turn.now;
            }
        }
        (Ok(_), FlightKind::DeviceStart | FlightKind::DevicePoll { .. }) => {}
    }
    Ok(())
}

pub(crate) fn host_failed(turn: &mut Turn<'_>, state: &mut State, id: RequestId, reason: &str) -> Done {
    if reason.len() > 1000 {
        return Err(invalid("reason", "is longer than 1000 bytes".to_owned()));
    }
    match take_flight(state, id, By::Host) {
        None => turn.notify(Event::StaleResponse { id }),
        Some(flight) => {
            let secrets = secrets(turn, state);
            let secrets: Vec<&str> = secrets.iter().map(Secret::expose).collect();
            let reason = crate::protocol::clean::clean(reason, &secrets);
            flight_failed(turn, state, &flight, Fault::described(FaultKind::Host, &reason));
        }
    }
    Ok(())
}

/// Who answers: a request is not answered by the host, and a question not by the driver.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Driver,
    Host,
}

fn take_flight(state: &mut State, id: RequestId, by: By) -> Option<Flight> {
    let is_meant = |flight: &Flight| flight.id == id && flight.asks_host == (by == By::Host);
    if let Some(flight) = state.flight.take_if(|flight| is_meant(flight)) {
        return Some(*flight);
    }
    let at = state.late.iter().position(is_meant)?;
    Some(state.late.remove(at))
}

/// Tokens arrived. Stale means superseded, not late.
fn flight_landed(turn: &mut Turn<'_>, state: &mut State, flight: Flight, read: ReadTokens) {
    let is_this_login = !flight.unwanted && flight.attempt == state.attempt;
    match flight.kind {
        FlightKind::SignIn { via, requested } if is_this_login => {
            sign_in::accept_login(turn, state, via, requested, read, flight.id.0);
        }
        FlightKind::DevicePoll { requested } if is_this_login => {
            sign_in::accept_login(turn, state, Via::Device, requested, read, flight.id.0);
        }
        FlightKind::Renew { .. } if refresh::is_current(state, &flight) => {
            refresh::accept(turn, state, read, flight.id.0);
        }
        FlightKind::Renew { .. } if !flight.unwanted && flight.epoch == state.epoch && refresh::is_over(state) => {
            refresh::revive(turn, state, read, flight.id.0);
        }
        FlightKind::SignIn { .. }
        | FlightKind::DevicePoll { .. }
        | FlightKind::DeviceStart
        | FlightKind::Renew { .. } => discard(turn, state, &flight, &read),
    }
}

/// Tokens that nobody wants any longer: revoked, so that they do not live on unseen. Not so those that live on.
fn discard(turn: &mut Turn<'_>, state: &mut State, flight: &Flight, read: &ReadTokens) {
    let tokens = &read.tokens;
    let grant_lives_on = match &tokens.refresh_token {
        Some(token) => state.keeps(token.expose()),
        // RFC 6749 section 6: the one that was sent goes on.
        None if flight.kind == (FlightKind::Renew { by: RenewBy::RefreshToken }) => {
            flight.carried.secrets().iter().any(|sent| state.keeps(sent))
        }
        None => false,
    };
    // A server may end the refresh token along with its access token (RFC 7009 section 2.1).
    if flight.unwanted && !grant_lives_on {
        let unkept = unkept(state, tokens);
        revoke::revoke_or_tell(turn, state, &unkept);
    }
    turn.notify(Event::StaleResponse { id: flight.id });
}

/// Tokens that a renewal brought for a session that is over: see line 14 of the [intent](crate::intent)'s rules.
pub(crate) fn revoke_unless_kept(turn: &mut Turn<'_>, state: &mut State, tokens: &TokenSet) {
    let unkept = unkept(state, tokens);
    revoke::revoke_or_tell(turn, state, &unkept);
}

/// The same of a session that is over and was not stored, also where it was left without that.
pub(crate) fn revoke_unstored(turn: &mut Turn<'_>, state: &mut State, tokens: &TokenSet) {
    let of_them = tokens.refresh_token.iter().map(Secret::expose);
    let of_them: Vec<_> = of_them.chain(tokens.access_token.as_ref().map(|token| token.expose())).collect();
    state.spared.retain(|spared| !of_them.contains(&spared.expose()));
    revoke_unless_kept(turn, state, tokens);
}

/// Those that do not live on, and how RFC 7009 section 2.1 calls them.
fn unkept(state: &State, tokens: &TokenSet) -> Vec<(Secret, &'static str)> {
    let refresh = tokens.refresh_token.clone().map(|token| (token, "refresh_token"));
    let access = tokens.access_token.as_ref().map(|token| (token.expose().into(), "access_token"));
    refresh.into_iter().chain(access).filter(|(token, _)| !state.keeps(token.expose())).collect()
}

/// A grant request failed.
pub(crate) fn flight_failed(turn: &mut Turn<'_>, state: &mut State, flight: &Flight, fault: Fault) {
    let is_this_login = !flight.unwanted && flight.attempt == state.attempt;
    match &flight.kind {
        FlightKind::Renew { by } if !flight.unwanted => refresh::failed(turn, state, flight, *by, fault),
        FlightKind::SignIn { .. } | FlightKind::DeviceStart if is_this_login => {
            login::request_failed(turn, state, fault);
        }
        FlightKind::DevicePoll { .. } if is_this_login => poll_failed(turn, state, fault),
        FlightKind::SignIn { .. }
        | FlightKind::DevicePoll { .. }
        | FlightKind::DeviceStart
        | FlightKind::Renew { .. } => {}
    }
}

fn device_started(turn: &mut Turn<'_>, state: &mut State, flight: &Flight, response: &HttpResponse) {
    let authorization = match device::read_authorization(response, &turn.context(&flight.carried)) {
        Ok((authorization, deviations)) => {
            turn.lenient(deviations);
            authorization
        }
        Err(fault) => {
            turn.lenient(token::error_deviations(response));
            return flight_failed(turn, state, flight, fault);
        }
    };
    if flight.unwanted || flight.attempt != state.attempt {
        return turn.notify(Event::StaleResponse { id: flight.id });
    }
    let Phase::SigningIn(login) = &mut state.phase else {
        return;
    };
    let interval = crate::time::millis(authorization.prompt.interval);
    login.tries = 0;
    login.expires_at = authorization.prompt.expires_at;
    login.send_at = turn.now.plus_millis(interval);
    login.mark = LoginMark::of(authorization.device_code.expose());
    login.stage = Stage::Device(DeviceLogin { device_code: authorization.device_code, interval });
    turn.persist();
    turn.show_device_code(authorization.prompt);
}

fn poll_failed(turn: &mut Turn<'_>, state: &mut State, fault: Fault) {
    let (now, slow_down) = (turn.now, crate::time::millis(device::SLOW_DOWN));
    let Phase::SigningIn(login) = &mut state.phase else {
        return;
    };
    let Stage::Device(device) = &mut login.stage else {
        return;
    };
    let wait = match device::judge_poll(&fault) {
        Poll::Pending => {
            login.tries = 0;
            device.interval
        }
        Poll::SlowDown => {
            login.tries = 0;
            device.interval = device.interval.saturating_add(slow_down);
            turn.persist();
            device.interval
        }
        // RFC 8628 section 3.5: from the first failure on the next poll comes later, ever more so with each in a row.
        Poll::Again => {
            let wait = schedule::backoff(turn.config, state.seed, login.tries, &fault);
            if fault.retry_after.is_some() { device.interval.max(wait) } else { device.interval.saturating_add(wait) }
        }
        Poll::Over => return login::fail(turn, state, fault),
    };
    login.send_at = now.plus_millis(wait);
    let next_poll_at = login.send_at;
    turn.notify(Event::DevicePending { next_poll_at });
}

/// What a host may know: it may quote it, an error must not.
fn secrets(turn: &Turn<'_>, state: &State) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = turn.config.client_secret().cloned().into_iter().collect();
    if let Phase::SigningIn(login) = &state.phase {
        match &login.stage {
            Stage::Redeem { code, verifier, .. } => {
                secrets.push(code.clone());
                secrets.extend(verifier.clone());
            }
            Stage::Device(device) => secrets.push(device.device_code.clone()),
            Stage::Jwt { jwt } => secrets.push(jwt.clone()),
            Stage::Guest { service_token, .. } => secrets.push(service_token.clone()),
            Stage::DeviceStart | Stage::ClientCredentials | Stage::AskJwt | Stage::AskToken => {}
        }
    }
    for login in &state.pending {
        secrets.push(login.state.clone());
        secrets.extend(login.verifier.clone());
    }
    secrets.extend(secrets_of(state));
    secrets
}
