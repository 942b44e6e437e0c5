//! Logins through a browser, and how logins of any kind end.

use std::sync::Arc;

use super::sign_in::{accept, begin};
use super::turn::{Done, Turn};
use crate::access::Via;
use crate::config::Renewal;
use crate::error::{Fault, FaultKind, Misuse, SendFault};
use crate::event::{CallbackIgnored, Event};
use crate::logins::LoginMark;
use crate::protocol::authorize::{self, AuthorizeRequest, Flow, LoginOptions, invalid};
use crate::protocol::callback::{self, Callback, Expected, Outcome};
use crate::protocol::pkce::{self, Challenge};
use crate::protocol::state_param::{self, LoginState};
use crate::schedule;
use crate::secret::{Entropy, Secret};
use crate::state::{BrowserLogin, FlightKind, HostFailed, Phase, Stage, State};

/// A request of a login is sent so often at most, and again only where the server cannot have acted upon it.
const MAX_TRIES: u32 = 3;

pub(crate) fn begin_login(turn: &mut Turn<'_>, state: &mut State, options: &LoginOptions, entropy: &Entropy) -> Done {
    authorize::check_options(options)?;
    let config = turn.config;
    let redirect_uri = match &options.redirect_uri {
        Some(uri) => {
            crate::config::check_redirect_uri(uri).map_err(|error| invalid("redirect_uri", error.to_string()))?;
            uri.as_str().into()
        }
        None => Arc::clone(
            config.redirect_uri().ok_or(Misuse::NotConfigured { what: "redirect_uri", needed_by: "begin_login" })?,
        ),
    };
    if config.provider().authorization_endpoint.is_empty() {
        return Err(Misuse::NotConfigured { what: "authorization_endpoint", needed_by: "begin_login" });
    }
    let by_code = options.flow == Flow::Code;
    if by_code && !config.can_authenticate() && config.parts().renewal != Renewal::HostToken {
        return Err(Misuse::NotConfigured { what: "client_secret", needed_by: "the code flow of this provider" });
    }
    let email_hash = options.email.as_deref().map(authorize::email_hash);
    let (state_value, caller_state) = match &options.state {
        LoginState::Json(json) => state_param::for_login(json, email_hash.as_deref(), entropy)
            .map_err(|problem| invalid("state", problem.to_owned()))?,
        LoginState::Opaque(text) => (text.clone(), None),
    };
    let requested = options.scope.clone().unwrap_or_else(|| config.scope().clone());
    let verifier = by_code.then(|| pkce::verifier(entropy));
    let challenge = verifier.as_ref().map(|verifier| Challenge::of(verifier.expose()));
    let code_challenge = challenge.as_ref().map(Challenge::as_str);
    let request = AuthorizeRequest {
        endpoint: &config.provider().authorization_endpoint,
        client_id: config.client_id(),
        redirect_uri: &redirect_uri,
        scope: requested.as_str(),
        state: Some(state_value.expose()),
        code_challenge,
        email_hash: email_hash.as_deref(),
        options: Some(options),
    };
    let url = match config.login_parameters() {
        Some(client) if options.redirect_uri.is_none() && options.scope.is_none() => {
            authorize::with_client(&request, client)
        }
        _ => {
            let scope = requested.as_str();
            let client = authorize::client_parameters(config.client_id(), &redirect_uri, scope, config.resources());
            authorize::with_client(&request, &client)
        }
    };
    let state_is_ours = matches!(options.state, LoginState::Json(_));
    let browser =
        BrowserLogin { flow: options.flow, caller_state, state: state_value, verifier, redirect_uri, state_is_ours };
    let via = if by_code { Via::Code } else { Via::Implicit };
    // The challenge is a hash of what only this login has.
    let mark = code_challenge.map_or_else(|| LoginMark::of(browser.state.expose()), LoginMark::read);
    begin(turn, state, via, Stage::Browser(browser), Some(requested));
    if let Phase::SigningIn(login) = &mut state.phase {
        login.mark = mark;
    }
    turn.persist();
    turn.open_browser(Secret::new(url));
    Ok(())
}

/// The browser came back.
pub(crate) fn complete_login(turn: &mut Turn<'_>, state: &mut State, callback: &Secret) {
    let Phase::SigningIn(login) = &mut state.phase else {
        return ignore_callback(turn, CallbackIgnored::NoLoginPending);
    };
    let Stage::Browser(browser) = &mut login.stage else {
        return ignore_callback(turn, CallbackIgnored::NoLoginPending);
    };
    if turn.now >= login.expires_at {
        return ignore_callback(turn, CallbackIgnored::NoLoginPending);
    }
    let provider = turn.config.provider();
    let expected = Expected {
        flow: browser.flow,
        redirect_uri: &browser.redirect_uri,
        state: browser.state.expose(),
        issuer: provider.issuer.as_deref(),
        issuer_required: provider.issuer_required,
    };
    let caller_part = |state: &str| {
        if browser.state_is_ours { browser.caller_state.clone() } else { state_param::caller_part(state) }
    };
    let Callback { outcome, cleaned_url } =
        match callback::read_login(callback.expose(), &expected, caller_part, turn.now) {
            Ok(callback) => callback,
            Err(reason) => return ignore_callback(turn, reason),
        };
    login.cleaned_url = cleaned_url;
    login.caller_state = browser.caller_state.take();
    // From here on the pending login is used up, whatever comes of it: the stored one as well.
    if let Some(mark) = login.mark {
        state.ended_logins.end(mark, turn.now);
    }
    turn.persist();
    match outcome {
        Outcome::Failed(fault) => fail(turn, state, fault),
        Outcome::Tokens(read) => {
            let (via, requested, id) = (login.via, login.requested.clone(), state.next_id);
            accept(turn, state, via, requested, *read, id);
        }
        Outcome::Code(code) => {
            login.stage = Stage::Redeem {
                code,
                verifier: browser.verifier.take(),
                redirect_uri: Some(Arc::clone(&browser.redirect_uri)),
            };
            login.send_at = turn.now;
            login.since = turn.now;
            // The user has done their part: what is left is ours, and has its own time.
            login.expires_at = turn.now.plus(turn.config.parts().login_lifetime);
        }
    }
}

#[cold]
pub(crate) fn ignore_callback(turn: &mut Turn<'_>, reason: CallbackIgnored) {
    turn.notify(Event::CallbackIgnored { reason });
}

/// The user gave up.
#[cold]
pub(crate) fn cancel(turn: &mut Turn<'_>, state: &mut State) {
    abandon_login(state);
    state.end_login(turn.now);
    state.return_to_before();
    turn.persist();
}

/// The answers to logins begun so far are wanted no longer.
pub(crate) fn abandon_login(state: &mut State) {
    state.attempt = state.attempt.saturating_add(1);
    let attempt = state.attempt;
    for flight in state.flight.iter_mut().chain(&mut state.late) {
        if flight.attempt < attempt && !matches!(flight.kind, FlightKind::Renew { .. }) {
            flight.unwanted = true;
        }
    }
}

/// A login ends without tokens: back to where it came from.
#[cold]
pub(crate) fn fail(turn: &mut Turn<'_>, state: &mut State, fault: Fault) {
    state.end_login(turn.now);
    let Phase::SigningIn(login) = &mut state.phase else {
        return;
    };
    let fault = Arc::new(fault);
    if login.for_token {
        let failures = state.host_failed.as_ref().map_or(0, |failed| failed.failures).saturating_add(1);
        let retry_at = turn.now.plus_millis(schedule::backoff(turn.config, state.seed, failures, &fault));
        state.host_failed = Some(HostFailed { failures, retry_at, fault: Arc::clone(&fault) });
    }
    let event = Event::LoginFailed {
        via: login.via,
        fault,
        cleaned_url: login.cleaned_url.take(),
        state: login.caller_state.take(),
    };
    state.return_to_before();
    turn.persist();
    turn.notify(event);
}

/// A login's request failed: again, where the server cannot have acted upon it, or the login is over.
#[cold]
pub(crate) fn request_failed(turn: &mut Turn<'_>, state: &mut State, fault: Fault) {
    let (config, seed, now) = (turn.config, state.seed, turn.now);
    let Phase::SigningIn(login) = &mut state.phase else {
        return;
    };
    let untouched = fault.send == Some(SendFault::NotSent)
        || fault.kind == FaultKind::RateLimited
        || fault.status == Some(503) && fault.kind == FaultKind::Unavailable;
    let send_at = now.plus_millis(schedule::backoff(config, seed, login.tries, &fault));
    if untouched && login.tries < MAX_TRIES && send_at < login.expires_at {
        login.send_at = send_at;
    } else {
        fail(turn, state, fault);
    }
}

/// A login is too old.
#[cold]
pub(crate) fn expire(turn: &mut Turn<'_>, state: &mut State) {
    abandon_login(state);
    fail(turn, state, Fault::new(FaultKind::Expired));
}
