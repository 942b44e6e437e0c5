//! `/v1/authorize`: who asks, for what, what the person decides, and where the answer goes.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Shared;

use crate::account::Account;
use crate::answer::{Answer, Refusal};
use crate::call::{Call, Params};
use crate::codes::{Challenge, Code};
use crate::landing::{Landing, Mode, is_registered};
use crate::options::{Decision, ORG_ID, Options};
use crate::residents::Client;
use crate::token_ref::TokenRef;
use crate::world::{State, World};
use crate::{pages, scope};

/// The header that decides in place of a person: `accept` or `decline`.
pub(crate) const DECISION_HEADER: &str = "x-sim-decision";

/// A request that waits for a decision.
pub(crate) struct Ticket {
    request: Request,
    expires_ms: u64,
}

#[derive(Clone)]
struct Request {
    client_id: String,
    redirect_uri: Option<String>,
    landing: Landing,
    implicit: bool,
    scope: String,
    challenge: Option<Challenge>,
}

/// Why there is nothing to decide.
enum Fail {
    /// The redirect URI is not to be trusted: the person is told.
    Page(String),
    /// The client is told.
    Redirect(Landing),
}

/// How an authorization request ended.
pub(crate) enum End {
    Landed(Landing),
    Refused(String),
}

pub(crate) async fn page(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let nonce = state.dice.hex(32);
    let request = match validate(&call.query, &state.options, &world.base_url) {
        Ok(request) => request,
        Err(Fail::Page(why)) => {
            return pages::message(&nonce, 400, "This request cannot go on", &why).outcome("invalid_request");
        }
        Err(Fail::Redirect(landing)) => return landing.answer(&nonce),
    };
    let asked = call.query.get("auto").or_else(|| call.header(DECISION_HEADER));
    let person = call.query.filled("login_hint").map(Into::into);
    if let Some(decision) = asked.and_then(Decision::parse).or(state.options.auto_decision) {
        return settle(&mut state, &request, decision, person.as_deref(), &nonce);
    }
    let ticket = state.dice.hex(32);
    let expires_ms = state.now().saturating_add(state.options.code_lifetime_ms);
    let client = state.options.client(&request.client_id).map(|client| client.name.clone());
    let answer = pages::consent(&pages::Consent {
        nonce: &nonce,
        client: client.as_deref().unwrap_or(&request.client_id),
        scope: &request.scope,
        people: &state.options.people,
        chosen: person.and_then(|hint: String| state.options.person(&hint)).or(state.options.people.first()),
        decide: &format!("/v1/authorize/decision?ticket={ticket}&"),
        choose: &format!("{}?{}&", call.path, without_hint(&call.query)),
        note: "It asks to act for you in Webex.",
    });
    state.tickets.insert(ticket, Ticket { request, expires_ms });
    answer
}

/// The link behind Accept and Decline.
pub(crate) async fn decision(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let nonce = state.dice.hex(32);
    let now = state.now();
    let value = |name: &str| call.query.filled(name).or_else(|| call.form.filled(name));
    let chosen = value("decision").and_then(Decision::parse);
    let ticket = value("ticket").and_then(|ticket| state.tickets.remove(ticket));
    match (ticket.filter(|ticket| ticket.expires_ms > now), chosen) {
        (Some(ticket), Some(decision)) => {
            let person = value("person").or_else(|| value("login_hint"));
            settle(&mut state, &ticket.request, decision, person, &nonce)
        }
        _ => pages::message(
            &nonce,
            400,
            "Too late",
            "This page was already used, or it waited too long. Start the sign-in again.",
        ),
    }
}

/// Where the answer goes while there is no app yet: a page that shows it.
pub(crate) async fn callback(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    pages::landed(&world.state().dice.hex(32), &call.query.0)
}

/// Decides about an authorization URL without a browser.
pub(crate) fn visit(
    state: &mut State,
    query: &Params,
    base_url: &str,
    decision: Decision,
    person: Option<&str>,
) -> End {
    let request = match validate(query, &state.options, base_url) {
        Ok(request) => request,
        Err(Fail::Page(why)) => return End::Refused(why),
        Err(Fail::Redirect(landing)) => return End::Landed(landing),
    };
    let person = person.or_else(|| query.filled("login_hint"));
    match land(state, &request, decision, person) {
        Ok((landing, _)) => End::Landed(landing),
        Err(refusal) => End::Refused(refusal.why),
    }
}

fn settle(state: &mut State, request: &Request, decision: Decision, person: Option<&str>, nonce: &str) -> Answer {
    match land(state, request, decision, person) {
        Ok((landing, issued)) => {
            let answer = landing.answer(nonce).issued(issued);
            if landing.is_error() { answer } else { answer.outcome("ok") }
        }
        Err(refusal) => pages::message(nonce, refusal.status, "Nobody can sign in", &refusal.why),
    }
}

fn land(
    state: &mut State,
    request: &Request,
    decision: Decision,
    person: Option<&str>,
) -> Result<(Landing, Vec<TokenRef>), Refusal> {
    let mut landing = request.landing.clone();
    if decision == Decision::Decline {
        landing.fail("access_denied", "The person declined.");
        return Ok((landing, Vec::new()));
    }
    let options = &state.options;
    let person = person.and_then(|hint| options.person(hint)).or(options.people.first());
    let account = person
        .map(Account::person)
        .ok_or_else(|| Refusal::new(500, "server_error", "There are no people in the simulator."))?;
    let now = state.now();
    let mut issued = Vec::new();
    if request.implicit {
        let life = state.options.access_lifetime_ms;
        let fresh = state.fresh(false, &account, &request.client_id, now.saturating_add(life));
        let family = state.ledger.open(&request.client_id, account, &request.scope, now);
        if let Some(tokens) = state.ledger.issue(family, fresh, now, life, None) {
            landing.add("access_token", &tokens.access);
            if !state.options.omit_token_type {
                landing.add("token_type", "Bearer");
            }
            landing.add("expires_in", &(life / 1000).to_string());
            landing.add("scope", &tokens.scope);
            issued = tokens.refs;
        }
    } else {
        let text = state.dice.opaque(ORG_ID);
        let code = Code {
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            account,
            scope: request.scope.clone(),
            challenge: request.challenge.clone(),
            expires_ms: now.saturating_add(state.options.code_lifetime_ms),
            family: None,
        };
        landing.add("code", &text);
        state.codes.insert(text, code);
    }
    landing.finish();
    Ok((landing, issued))
}

/// The order is that of RFC 6749, 4.1.2.1: nothing is sent to a URI that is not registered.
fn validate(query: &Params, options: &Options, base_url: &str) -> Result<Request, Fail> {
    let page = |why: &str| Fail::Page(why.into());
    if let Some(name) = query.repeated() {
        return Err(Fail::Page(format!("The parameter {name} is there twice.")));
    }
    let id = query.filled("client_id").ok_or_else(|| page("client_id is missing."))?;
    let client = options.client(id).ok_or_else(|| page("No integration has this client_id."))?;
    let target = target(query, client, options)?;
    let response_type = query.get("response_type").unwrap_or_default();
    let mode = match query.get("response_mode") {
        Some("form_post") => Mode::FormPost,
        Some("fragment") => Mode::Fragment,
        Some("query") => Mode::Query,
        _ if response_type == "token" => Mode::Fragment,
        _ => Mode::Query,
    };
    let issuer = options.send_issuer.then(|| base_url.to_owned());
    let landing = Landing::new(target, mode, query.get("state"), issuer);
    let fail = |code: &str, why: &str| {
        let mut landing = landing.clone();
        landing.fail(code, why);
        Fail::Redirect(landing)
    };
    if !["code", "token"].contains(&response_type) {
        return Err(fail("unsupported_response_type", "response_type has to be code or token."));
    }
    if mode == Mode::Query && response_type == "token" {
        return Err(fail("invalid_request", "A token is not answered in the query."));
    }
    let scope = query
        .filled("scope")
        .filter(|asked| scope::allowed(asked, client))
        .ok_or_else(|| fail("invalid_scope", "The scope is missing, or the integration may not ask for it."))?;
    let challenge = challenge(query).map_err(|why| fail("invalid_request", why))?;
    if challenge.is_none() && options.require_pkce && response_type == "code" {
        return Err(fail("invalid_request", "code_challenge is missing."));
    }
    if query.get("prompt") == Some("none") {
        return Err(fail("login_required", "Nobody is signed in."));
    }
    Ok(Request {
        client_id: client.id.clone(),
        redirect_uri: query.filled("redirect_uri").map(Into::into),
        implicit: response_type == "token",
        scope: scope.into(),
        challenge,
        landing,
    })
}

fn target(query: &Params, client: &Client, options: &Options) -> Result<String, Fail> {
    match (query.filled("redirect_uri"), client.redirect_uris.as_slice()) {
        (Some(uri), registered) if is_registered(uri, registered, options.allow_any_redirect_uri) => Ok(uri.into()),
        (Some(_), _) => Err(Fail::Page("redirect_uri is not registered for this integration.".into())),
        (None, [only]) => Ok(only.clone()),
        (None, _) => Err(Fail::Page("redirect_uri is missing.".into())),
    }
}

fn challenge(query: &Params) -> Result<Option<Challenge>, &'static str> {
    let Some(value) = query.filled("code_challenge") else {
        return Ok(None);
    };
    match query.get("code_challenge_method") {
        Some("S256") => Ok(Some(Challenge::S256(value.into()))),
        Some("plain") | None => Ok(Some(Challenge::Plain(value.into()))),
        Some(_) => Err("code_challenge_method has to be S256 or plain."),
    }
}

fn without_hint(query: &Params) -> String {
    let kept = query.0.iter().filter(|(name, _)| name != "login_hint");
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
}
