//! Logins through a browser, and how logins of any kind end.

use std::sync::Arc;

use serde_json::Map;

use super::sign_in::{SignInFrom, accept, begin};
use super::turn::{Done, Turn};
use crate::config::Renewal;
use crate::error::{Fault, FaultKind, Misuse, SendFault};
use crate::event::{CallbackIgnored, Event};
use crate::logins::{LoginId, LoginMark, MOST_PENDING, WhichLogin};
use crate::protocol::authorize::{self, AuthorizeRequest, Flow, LoginOptions, invalid};
use crate::protocol::callback::{self, Callback, Expected, Incoming, Outcome};
use crate::protocol::pkce;
use crate::protocol::state_param::{self, LoginState};
use crate::schedule;
use crate::secret::{Entropy, Secret, is_same};
use crate::state::{BrowserLogin, FlightKind, HostFailed, Phase, Stage, State};

/// A request of a login is sent so often at most, and again only where the server cannot have acted upon it.
const MAX_TRIES: u32 = 3;

/// Why the oldest one ends.
pub(crate) const TOO_MANY: &str = "more logins were begun after it than may be pending";

pub(crate) fn begin_login(turn: &mut Turn<'_>, state: &mut State, options: &LoginOptions, entropy: &Entropy) -> Done {
    authorize::check_options(options)?;
    let config = turn.config;
    let redirect_uri = match &options.redirect_uri {
        Some(uri) => {
            crate::config::check_redirect_uri(uri).map_err(|error| invalid("redirect_uri", error.to_string()))?;
            uri
        }
        None => {
            config.redirect_uri().ok_or(Misuse::NotConfigured { what: "redirect_uri", needed_by: "begin_login" })?
        }
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
    let challenge = verifier.as_ref().map(|verifier| pkce::challenge(verifier.expose()));
    let request = AuthorizeRequest {
        endpoint: &config.provider().authorization_endpoint,
        client_id: config.client_id(),
        redirect_uri,
        scope: requested.as_str(),
        resources: &config.parts().resource,
        state: Some(state_value.expose()),
        code_challenge: challenge.as_deref(),
        email_hash: email_hash.as_deref(),
        options: Some(options),
    };
    let url = authorize::authorize_url(&request);
    // What a callback must not be longer than, and eight of which still fit into a store.
    if url.len() > callback::MAX_LEN {
        let problem =
            format!("make an address of {} bytes; no callback may have more than {}", url.len(), callback::MAX_LEN);
        return Err(invalid("options", problem));
    }
    // The challenge is a hash of what only this login has.
    let mark = match &challenge {
        Some(challenge) => LoginMark::read(challenge),
        None => BrowserLogin::mark_of(&state_value, None),
    };
    let login = BrowserLogin {
        id: LoginId::of_state(state_value.expose()),
        mark,
        flow: options.flow,
        state: state_value,
        verifier,
        redirect_uri: redirect_uri.into(),
        requested: Some(requested),
        since: turn.now,
        expires_at: turn.now.plus(config.parts().login_lifetime),
        caller_state,
        state_is_ours: matches!(options.state, LoginState::Json(_)),
        left_open: false,
        extra: Map::new(),
    };
    make_room(turn, state, &login);
    state.pending.push(login);
    turn.persist();
    turn.open_browser(Secret::new(url));
    Ok(())
}

/// A session remembers so many logins. And of two that have the same state, which a caller may have chosen, nobody could tell
/// whose a callback is.
fn make_room(turn: &mut Turn<'_>, state: &mut State, new: &BrowserLogin) {
    if let Some(at) = state.pending.iter().position(|login| login.state == new.state) {
        drop_pending(turn, state, at, "another login with the same state was begun");
    }
    while state.pending.len() >= MOST_PENDING {
        drop_pending(turn, state, 0, TOO_MANY);
    }
}

fn drop_pending(turn: &mut Turn<'_>, state: &mut State, at: usize, why: &str) {
    let login = state.pending.remove(at);
    state.end_pending(&login, turn.now);
    turn.notify(pending_failed(login, Fault::described(FaultKind::Expired, why)));
}

/// A login in a browser ended before that came back.
pub(crate) fn pending_failed(login: BrowserLogin, fault: Fault) -> Event {
    let (via, login, state) = (login.via(), login.id, login.caller_state);
    Event::LoginFailed { via, fault: Arc::new(fault), login, cleaned_url: None, state }
}

/// The browser came back.
pub(crate) fn complete_login(turn: &mut Turn<'_>, state: &mut State, callback: &Secret) {
    match match_callback(turn, state, callback.expose()) {
        Ok((at, callback)) => take_callback(turn, state, at, callback),
        Err(reason) => turn.notify(Event::CallbackIgnored { reason }),
    }
}

/// Whose callback it is, by its state, and what it says.
fn match_callback(turn: &Turn<'_>, state: &State, text: &str) -> Result<(usize, Callback), CallbackIgnored> {
    let incoming = Incoming::new(text)?;
    let their_state = incoming.state().unwrap_or_default();
    // Every candidate is looked at, and each in constant time.
    let mut found = None;
    let mut newest = None;
    for (at, login) in state.pending.iter().enumerate().filter(|(_, login)| turn.now < login.expires_at) {
        if is_same(login.state.expose(), their_state) {
            found = Some(at);
        }
        newest = Some(at);
    }
    if found.is_none() && state.has_completed(LoginId::of_state(their_state)) {
        return Err(CallbackIgnored::AlreadyCompleted);
    }
    // One that is nobody's is read as the newest one's, to say what is wrong with it.
    let at = found.or(newest).ok_or(CallbackIgnored::NoLoginPending)?;
    let login = state.pending.get(at).ok_or(CallbackIgnored::NoLoginPending)?;
    let provider = turn.config.provider();
    let expected = Expected {
        flow: login.flow,
        redirect_uri: &login.redirect_uri,
        state: login.state.expose(),
        issuer: provider.issuer.as_deref(),
        issuer_required: provider.issuer_required,
    };
    let caller_part = |state: &str| {
        if login.state_is_ours { login.caller_state.clone() } else { state_param::caller_part(state) }
    };
    incoming.read(&expected, caller_part, turn.now).map(|callback| (at, callback))
}

/// From here on the pending login is used up, whatever comes of it: the stored one as well.
fn take_callback(turn: &mut Turn<'_>, state: &mut State, at: usize, callback: Callback) {
    let browser = state.pending.remove(at);
    state.end_pending(&browser, turn.now);
    turn.persist();
    let (via, Callback { outcome, cleaned_url }) = (browser.via(), callback);
    match outcome {
        Outcome::Failed(fault) => {
            let (fault, login, state) = (Arc::new(fault), browser.id, browser.caller_state);
            turn.notify(Event::LoginFailed { via, fault, login, cleaned_url, state });
        }
        Outcome::Tokens(read) => {
            abandon_login(state);
            state.end_login(turn.now);
            let from = SignInFrom { via, login: browser.id, cleaned_url, caller_state: browser.caller_state };
            let id = state.next_id;
            accept(turn, state, from, browser.requested, *read, id);
        }
        Outcome::Code(code) => {
            let (verifier, redirect_uri) = (browser.verifier, Some(browser.redirect_uri));
            let stage = Stage::Redeem { code, verifier, redirect_uri };
            // The user has done their part: what is left is ours, and has its own time.
            begin(turn, state, via, stage, browser.requested);
            if let Phase::SigningIn(login) = &mut state.phase {
                (login.id, login.mark) = (browser.id, browser.mark);
                (login.cleaned_url, login.caller_state) = (cleaned_url, browser.caller_state);
            }
        }
    }
}

/// The user gave up.
pub(crate) fn cancel(turn: &mut Turn<'_>, state: &mut State, which: WhichLogin) {
    end_those(turn, state, |id, _, under_way| match which {
        WhichLogin::All => true,
        WhichLogin::Browser(of) => id == Some(of),
        WhichLogin::UnderWay => under_way,
    });
}

/// The same of those that are known by what the store had of them.
pub(crate) fn end_marked(turn: &mut Turn<'_>, state: &mut State, marks: &[LoginMark]) {
    end_those(turn, state, |_, mark, _| mark.is_some_and(|mark| marks.contains(&mark)));
}

fn end_those(
    turn: &mut Turn<'_>,
    state: &mut State,
    is_meant: impl Fn(Option<LoginId>, Option<LoginMark>, bool) -> bool,
) {
    for login in state.pending.extract_if(.., |login| is_meant(login.id, login.mark, false)).collect::<Vec<_>>() {
        state.end_pending(&login, turn.now);
        turn.persist();
    }
    if let Phase::SigningIn(login) = &state.phase
        && is_meant(login.id, login.mark, true)
    {
        abandon_login(state);
        state.end_login(turn.now);
        state.return_to_before();
        turn.persist();
    }
}

/// The answers to logins begun so far are wanted no longer.
pub(crate) fn abandon_login(state: &mut State) {
    state.attempt = state.attempt.saturating_add(1);
    let attempt = state.attempt;
    for flight in state.flight.as_deref_mut().into_iter().chain(&mut state.late) {
        if flight.attempt < attempt && !matches!(flight.kind, FlightKind::Renew { .. }) {
            flight.unwanted = true;
        }
    }
}

/// A login ends without tokens: back to where it came from.
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
        login: login.id,
        cleaned_url: login.cleaned_url.take(),
        state: login.caller_state.take(),
    };
    state.return_to_before();
    turn.persist();
    turn.notify(event);
}

/// A login's request failed: again, where the server cannot have acted upon it, or the login is over. A certificate that is not
/// trusted will not be another one in a moment: that is told at once.
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
        login.fault = Some(Arc::new(fault));
    } else {
        fail(turn, state, fault);
    }
}

/// Logins that are too old.
pub(crate) fn expire(turn: &mut Turn<'_>, state: &mut State) {
    let now = turn.now;
    while let Some(at) = state.pending.iter().position(|login| login.expires_at <= now) {
        let login = state.pending.remove(at);
        turn.notify(pending_failed(login, Fault::new(FaultKind::Expired)));
        turn.persist();
    }
    if let Phase::SigningIn(login) = &state.phase
        && login.expires_at <= now
    {
        abandon_login(state);
        fail(turn, state, Fault::new(FaultKind::Expired));
    }
}
