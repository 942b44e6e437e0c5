//! `POST /v1/access_token` and its idbroker twin: every grant that is asked for with a form.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Shared;
use serde_json::{Map, Value};

use crate::account::Account;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::client_auth::{authenticate, named};
use crate::ledger::Issued;
use crate::options::Options;
use crate::world::{State, World};
use crate::{codes, device, scope};

pub(crate) const SCOPE_REDUCTION: &str = "urn:cisco:oauth:grant-type:scope-reduction";
pub(crate) const DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) async fn access_token(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let now = state.now();
    let token = call.form.filled("refresh_token").or_else(|| call.form.filled("token"));
    let presented = token.map(|token| state.ledger.name(token, now));
    let answer = match grant(&mut state, &call, now) {
        Ok(issued) => token_answer(issued, now, &state.options),
        Err(refusal) => refusal.answer(&call, &state.options),
    };
    answer.presented(presented)
}

fn grant(state: &mut State, call: &Call, now: u64) -> Result<Issued, Refusal> {
    if let Some(name) = call.form.repeated() {
        return Err(Refusal::bad_request(format!("{name} is there twice.")));
    }
    match field(call, "grant_type")? {
        "authorization_code" => authorization_code(state, call, now),
        "refresh_token" => refresh_token(state, call, now),
        "client_credentials" => client_credentials(state, call, now),
        SCOPE_REDUCTION => scope_reduction(state, call, now),
        DEVICE_CODE => device::redeem(state, call, now),
        _ => Err(Refusal::new(400, "unsupported_grant_type", "The grant type is not supported.")),
    }
}

fn authorization_code(state: &mut State, call: &Call, now: u64) -> Result<Issued, Refusal> {
    let client = authenticate(call, &state.options)?;
    let family = codes::redeem(state, call, &client.id, now)?;
    let (client_id, account) = (family.client_id, family.account);
    sign_in(state, call, &client_id, account, &family.scope, Some(&family.code), now)
}

fn refresh_token(state: &mut State, call: &Call, now: u64) -> Result<Issued, Refusal> {
    let client = authenticate(call, &state.options)?;
    let token = field(call, "refresh_token")?;
    let account = state.ledger.family_of(token).map(|family| family.account.clone());
    let account = account.ok_or_else(|| Refusal::bad_grant("The refresh token is not known."))?;
    let expires_ms = now.saturating_add(state.options.access_lifetime_ms);
    let fresh = state.fresh(self_contained(call), &account, &client.id, expires_ms);
    state.ledger.refresh(token, &client.id, fresh, now, &state.options).map_err(Refusal::bad_grant)
}

fn client_credentials(state: &mut State, call: &Call, now: u64) -> Result<Issued, Refusal> {
    let client = authenticate(call, &state.options)?;
    if client.secret.is_none() {
        return Err(Refusal::new(400, "unauthorized_client", "A client without a secret has no credentials."));
    }
    let asked = asked_scope(call)?;
    if !scope::allowed(asked, &client) {
        return Err(Refusal::new(400, "invalid_scope", "The client may not ask for this scope."));
    }
    let account = Account::machine(&client.id, &client.name);
    let life = state.options.access_lifetime_ms;
    let fresh = state.fresh(self_contained(call), &account, &client.id, now.saturating_add(life));
    let family = state.ledger.open(&client.id, account, asked, now);
    issued_or_lost(state.ledger.issue(family, fresh, now, life, None))
}

/// A token with less scope. The token itself is the proof: there is no client authentication.
fn scope_reduction(state: &mut State, call: &Call, now: u64) -> Result<Issued, Refusal> {
    let client = named(call, &state.options)?;
    let token = field(call, "token")?;
    let bearer = state.ledger.bearer(token, now).map_err(|_| Refusal::bad_grant("The token is not accepted."))?;
    if bearer.client_id != client.id {
        return Err(Refusal::bad_grant("The token was issued to another client."));
    }
    let asked = asked_scope(call)?;
    if !scope::is_within(asked, &bearer.scope) {
        return Err(Refusal::new(400, "invalid_scope", "The token does not have this scope."));
    }
    let text = state.mint(self_contained(call), &bearer.account, &client.id, bearer.expires_ms);
    issued_or_lost(state.ledger.downscope(token, asked, text, now))
}

/// The first tokens of a person who signed in.
pub(crate) fn sign_in(
    state: &mut State,
    call: &Call,
    client_id: &str,
    account: Account,
    scope: &str,
    code: Option<&str>,
    now: u64,
) -> Result<Issued, Refusal> {
    let life = state.options.access_lifetime_ms;
    let refresh_until = now.saturating_add(state.options.refresh_lifetime_ms);
    let fresh = state.fresh(self_contained(call), &account, client_id, now.saturating_add(life));
    let family = state.ledger.open(client_id, account, scope, now);
    if let Some(code) = code.and_then(|code| state.codes.get_mut(code)) {
        code.family = Some(family);
    }
    issued_or_lost(state.ledger.issue(family, fresh, now, life, Some(refresh_until)))
}

/// A token answer as Webex writes it.
pub(crate) fn token_answer(issued: Issued, now: u64, options: &Options) -> Answer {
    let seconds = |until: u64| Value::from(until.saturating_sub(now) / 1000);
    let mut body = Map::new();
    body.insert("access_token".into(), issued.access.into());
    body.insert("expires_in".into(), seconds(issued.access_expires_ms));
    if let Some((token, until)) = issued.refresh {
        body.insert("refresh_token".into(), token.into());
        body.insert("refresh_token_expires_in".into(), seconds(until));
    }
    if !options.omit_token_type {
        body.insert("token_type".into(), "Bearer".into());
    }
    body.insert("scope".into(), issued.scope.into());
    Answer::json(200, &Value::Object(body)).issued(issued.refs)
}

/// A form field that has to be there.
pub(crate) fn field<'a>(call: &'a Call, name: &str) -> Result<&'a str, Refusal> {
    call.form.filled(name).ok_or_else(|| Refusal::bad_request(format!("{name} is missing.")))
}

pub(crate) fn asked_scope(call: &Call) -> Result<&str, Refusal> {
    call.form.filled("scope").ok_or_else(|| Refusal::new(400, "invalid_scope", "scope is missing."))
}

fn self_contained(call: &Call) -> bool {
    call.form.flag("self_contained_token") || call.query.flag("self_contained_token")
}

fn issued_or_lost(issued: Option<Issued>) -> Result<Issued, Refusal> {
    issued.ok_or_else(|| Refusal::new(500, "server_error", "The sign-in is gone."))
}
