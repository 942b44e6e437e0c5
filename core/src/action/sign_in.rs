//! Signing in without a browser: what begins it, and what tokens of any sign-in lead to.

use std::sync::Arc;

use serde_json::Map;

use super::login::abandon_login;
use super::turn::{Done, Turn};
use crate::access::{SignedOutReason, Via};
use crate::config::Renewal;
use crate::error::Misuse;
use crate::event::Event;
use crate::intent::GrantId;
use crate::logins::LoginId;
use crate::protocol::authorize::invalid;
use crate::protocol::scope::Scope;
use crate::protocol::token::is_header_text;
use crate::schedule;
use crate::secret::Secret;
use crate::state::{Grant, Phase, Renew, SigningIn, Stage, State};
use crate::tokens::ReadTokens;

/// Starts a login. One that is under way is superseded: its answer, should one still come, is nobody's.
pub(crate) fn begin(turn: &Turn<'_>, state: &mut State, via: Via, stage: Stage, requested: Option<Scope>) {
    abandon_login(state);
    state.end_login(turn.now);
    let before = state.take_before();
    state.phase = Phase::SigningIn(Box::new(SigningIn {
        via,
        stage,
        mark: None,
        id: None,
        since: turn.now,
        for_token: false,
        requested,
        expires_at: turn.now.plus(turn.config.parts().login_lifetime),
        tries: 0,
        fault: None,
        send_at: turn.now,
        cleaned_url: None,
        caller_state: None,
        before,
        extra: Map::new(),
    }));
}

/// A sign-in that needs a request and nobody else. The same one again joins the first.
pub(crate) fn begin_request(turn: &Turn<'_>, state: &mut State, via: Via, stage: Stage, requested: Option<Scope>) {
    if let Phase::SigningIn(login) = &state.phase
        && login.stage == stage
        && login.requested == requested
    {
        return;
    }
    begin(turn, state, via, stage, requested);
}

pub(crate) fn redeem_code(turn: &Turn<'_>, state: &mut State, code: &Secret, verifier: Option<&Secret>) -> Done {
    if code.expose().trim().is_empty() {
        return Err(invalid("code", "is empty".to_owned()));
    }
    needs_secret(turn, "redeem_code")?;
    let redirect_uri = turn.config.redirect_uri().map(Arc::from);
    let requested = Some(turn.config.scope().clone()).filter(|scope| !scope.is_empty());
    let stage = Stage::Redeem { code: code.clone(), verifier: verifier.cloned(), redirect_uri };
    begin_request(turn, state, Via::Code, stage, requested);
    Ok(())
}

pub(crate) fn begin_device(turn: &Turn<'_>, state: &mut State, scope: Option<&Scope>) -> Done {
    if turn.config.provider().device_authorization_endpoint.is_none() {
        return Err(Misuse::NotConfigured { what: "device_authorization_endpoint", needed_by: "begin_device_login" });
    }
    needs_secret(turn, "begin_device_login")?;
    let requested = scope.unwrap_or_else(|| turn.config.scope()).clone();
    begin(turn, state, Via::Device, Stage::DeviceStart, Some(requested));
    Ok(())
}

pub(crate) fn sign_in_with_jwt(turn: &Turn<'_>, state: &mut State, jwt: &Secret) -> Done {
    if turn.config.provider().jwt_login_endpoint.is_none() {
        return Err(Misuse::NotConfigured { what: "jwt_login_endpoint", needed_by: "sign_in_with_jwt" });
    }
    let jwt = usable_jwt(jwt)?;
    begin_request(turn, state, Via::Jwt, Stage::Jwt { jwt }, None);
    Ok(())
}

pub(crate) fn sign_in_as_guest(
    turn: &Turn<'_>,
    state: &mut State,
    service_token: &Secret,
    subject: &str,
    display_name: &str,
) -> Done {
    if turn.config.provider().guest_token_endpoint.is_none() {
        return Err(Misuse::NotConfigured { what: "guest_token_endpoint", needed_by: "sign_in_as_guest" });
    }
    if !is_header_text(service_token.expose()) {
        return Err(invalid("service_token", "is not a token".to_owned()));
    }
    for (argument, text) in [("subject", subject), ("display_name", display_name)] {
        if text.trim().is_empty() {
            return Err(invalid(argument, "is empty".to_owned()));
        }
    }
    let (subject, display_name) = (subject.to_owned(), display_name.to_owned());
    let stage = Stage::Guest { service_token: service_token.clone(), subject, display_name };
    begin_request(turn, state, Via::Guest, stage, None);
    Ok(())
}

pub(crate) fn sign_in_with_client_credentials(turn: &Turn<'_>, state: &mut State, scope: Option<&Scope>) -> Done {
    if turn.config.client_secret().is_none() {
        return Err(Misuse::NotConfigured { what: "client_secret", needed_by: "sign_in_with_client_credentials" });
    }
    let requested = scope.unwrap_or_else(|| turn.config.scope()).clone();
    begin_request(turn, state, Via::ClientCredentials, Stage::ClientCredentials, Some(requested));
    Ok(())
}

/// Without tokens, the host's callback is where they come from. One that failed is left alone for a while.
pub(crate) fn ask_host(turn: &Turn<'_>, state: &mut State, reason: SignedOutReason) {
    let waits = state.host_failed.as_ref().is_some_and(|failed| turn.now < failed.retry_at);
    if waits || !schedule::can_ask_host(turn.config, reason) {
        return;
    }
    let (via, stage) = match turn.config.parts().renewal {
        Renewal::Grant => return,
        Renewal::HostToken => (Via::Host, Stage::AskToken),
        Renewal::HostJwt => (Via::Jwt, Stage::AskJwt),
    };
    begin(turn, state, via, stage, None);
    if let Phase::SigningIn(login) = &mut state.phase {
        login.for_token = true;
    }
}

pub(crate) fn adopt(turn: &mut Turn<'_>, state: &mut State, tokens: &Secret) -> Done {
    let read = crate::protocol::adopt::read(tokens.expose(), turn.now)
        .map_err(|problem| invalid("tokens", problem.to_owned()))?;
    if read.tokens.access_token.is_none()
        && !turn.config.can_authenticate()
        && turn.config.parts().renewal == Renewal::Grant
    {
        return Err(Misuse::NotConfigured { what: "client_secret", needed_by: "a refresh token without access token" });
    }
    abandon_login(state);
    let requested = read.tokens.scope.clone();
    let id = state.next_id;
    // Not what a login under way has brought, if there is one: that is over.
    state.end_login(turn.now);
    let from = SignInFrom { via: Via::Adopted, login: None, cleaned_url: None, caller_state: None };
    accept(turn, state, from, requested, read, id);
    Ok(())
}

/// How a sign-in came about, for the event that tells of it.
pub(crate) struct SignInFrom {
    pub(crate) via: Via,
    /// The login in a browser that it ends.
    pub(crate) login: Option<LoginId>,
    pub(crate) cleaned_url: Option<String>,
    pub(crate) caller_state: Option<String>,
}

/// Tokens for the login under way.
pub(crate) fn accept_login(
    turn: &mut Turn<'_>,
    state: &mut State,
    via: Via,
    requested: Option<Scope>,
    read: ReadTokens,
    from_request: u64,
) {
    let mut from = SignInFrom { via, login: None, cleaned_url: None, caller_state: None };
    state.end_login(turn.now);
    if let Phase::SigningIn(login) = &mut state.phase {
        from.login = login.id;
        from.cleaned_url = login.cleaned_url.take();
        from.caller_state = login.caller_state.take();
    }
    accept(turn, state, from, requested, read, from_request);
}

/// Tokens from a sign-in of any kind: a new session, whatever there was before. Logins that wait for their browser wait on: who
/// completes one later signs in anew.
pub(crate) fn accept(
    turn: &mut Turn<'_>,
    state: &mut State,
    from: SignInFrom,
    requested: Option<Scope>,
    read: ReadTokens,
    from_request: u64,
) {
    let SignInFrom { via, login, cleaned_url, caller_state } = from;
    let ReadTokens { mut tokens, deviations } = read;
    let requested = requested.filter(|scope| !scope.is_empty());
    // RFC 6749 section 5.1: a scope that is not told is the one that was asked for.
    if tokens.scope.is_none() {
        tokens.scope.clone_from(&requested);
    }
    if tokens.access_token.is_some() {
        state.generation = state.generation.saturating_add(1);
    }
    let has_access = tokens.access_token.is_some();
    state.attempt = state.attempt.saturating_add(1);
    state.mark_change(turn.now);
    state.revokes = false;
    state.host_failed = None;
    (state.intent, state.ended_after) = (None, None);
    let grant = Box::new(Grant {
        via,
        grant_id: if state.guarded { GrantId::of(&tokens) } else { None },
        tokens,
        requested,
        generation: state.generation,
        login,
        renewals: 0,
        from_request,
        previous: None,
        // A bare refresh token has its first use at once.
        renew: Renew { wanted: !has_access, ..Renew::default() },
        children: Vec::new(),
        told_sign_in: false,
        told_relogin: false,
        extra: Map::new(),
    });
    for pending in &mut state.pending {
        pending.left_open = true;
    }
    let scope = grant.scope_delta();
    state.phase = Phase::SignedIn(grant);
    turn.persist();
    turn.lenient(deviations);
    if has_access {
        let generation = state.generation;
        turn.notify(Event::SignedIn { via, generation, scope, login, cleaned_url, state: caller_state });
    }
}

/// A JWT for `jwt/login`: three parts, fit for a header. Surrounding space and `Bearer ` are tolerated.
pub(crate) fn usable_jwt(jwt: &Secret) -> Result<Secret, Misuse> {
    let text = jwt.expose().trim();
    let text = text.strip_prefix("Bearer ").map_or(text, str::trim);
    if is_header_text(text) && text.split('.').count() == 3 {
        return Ok(if text.len() == jwt.expose().len() { jwt.clone() } else { Secret::new(text) });
    }
    Err(invalid("jwt", "is not a JWT".to_owned()))
}

fn needs_secret(turn: &Turn<'_>, needed_by: &'static str) -> Done {
    if turn.config.can_authenticate() {
        return Ok(());
    }
    Err(Misuse::NotConfigured { what: "client_secret", needed_by })
}
