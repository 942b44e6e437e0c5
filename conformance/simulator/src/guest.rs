//! Guests: the older `/v1/jwt/login` with a JWT of a guest issuer, and the newer
//! `/v1/guests/token` with the token of a service app.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Shared;
use axum::http::header;
use serde_json::{Value, json};

use crate::account::Account;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::ledger::Issued;
use crate::scope;
use crate::token_ref::TokenRef;
use crate::tokens;
use crate::world::{State, World};

pub(crate) async fn jwt_login(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let life = state.options.jwt_login_lifetime_ms;
    match login(&mut state, &call, life) {
        Ok(issued) => {
            let body = json!({"token": issued.access, "expiresIn": life / 1000});
            Answer::json(200, &body).issued(issued.refs)
        }
        Err(refusal) => refusal.answer(&call, &state.options),
    }
}

fn login(state: &mut State, call: &Call, life: u64) -> Result<Issued, Refusal> {
    let refused = |why: &str| Refusal::new(401, "unauthorized", why);
    // The header is `Bearer <jwt>` in the documentation and the bare JWT in one of the SDKs.
    let jwt = call
        .bearer()
        .or_else(|| call.header(header::AUTHORIZATION))
        .ok_or_else(|| refused("There is no JWT in the Authorization header."))?;
    let (head, claims) = tokens::peek(jwt).ok_or_else(|| refused("The Authorization header is not a JWT."))?;
    let claim = |name: &str| claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let issuer = claim("iss").unwrap_or_default();
    let known = state.options.guest_issuers.iter().find(|known| known.id == issuer);
    let known = known.ok_or_else(|| refused("The issuer is not known."))?;
    if head.get("alg").and_then(Value::as_str) != Some("HS256") || !tokens::verify(jwt, &known.secret) {
        return Err(refused("The signature is wrong."));
    }
    let subject = claim("sub").ok_or_else(|| refused("The JWT has no subject."))?;
    let now = state.now();
    if expiry(&claims).is_some_and(|seconds| seconds * 1000.0 <= now as f64) {
        return Err(refused("The JWT is expired."));
    }
    let account = Account::guest(subject, claim("name").unwrap_or(subject));
    issue(state, issuer, account, "spark:all", life)
}

/// `exp` as a number, or as the string that one of the SDKs signs. Anything else is long ago.
fn expiry(claims: &Value) -> Option<f64> {
    let exp = claims.get("exp")?;
    exp.as_f64().or_else(|| exp.as_str()?.parse().ok()).or(Some(0.0))
}

pub(crate) async fn guests_token(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let now = state.now();
    let bearer = match state.ledger.bearer(call.bearer().unwrap_or_default(), now) {
        Ok(bearer) => bearer,
        Err(token) => return Answer::unauthorized(&call).presented(shown(&call, token)),
    };
    let answer = if scope::is_within("guest-issuer:write", &bearer.scope) {
        invite(&mut state, &call, &bearer.client_id)
    } else {
        Err(Refusal::new(403, "insufficient_scope", "The token needs the scope guest-issuer:write."))
    };
    answer.unwrap_or_else(|refusal| refusal.answer(&call, &state.options)).presented(Some(bearer.token))
}

fn invite(state: &mut State, call: &Call, client_id: &str) -> Result<Answer, Refusal> {
    let body = call.json().unwrap_or_default();
    let text = |name: &str| {
        let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Refusal::bad_request(format!("{name} is missing.")))
    };
    let (subject, display_name) = (text("subject")?, text("displayName")?);
    let account = Account::guest(subject, display_name);
    let life = state.options.guest_lifetime_ms;
    let issued = issue(state, client_id, account.clone(), "spark:all", life)?;
    let body = json!({
        "id": account.id,
        "subject": subject,
        "displayName": display_name,
        "email": account.email,
        "accessToken": issued.access,
        "expiresIn": life / 1000,
    });
    Ok(Answer::json(200, &body).issued(issued.refs))
}

fn issue(state: &mut State, client_id: &str, account: Account, scope: &str, life: u64) -> Result<Issued, Refusal> {
    let now = state.now();
    // Guest tokens are self-contained: clients read `user_type` from them.
    let fresh = state.fresh(true, &account, client_id, now.saturating_add(life));
    let family = state.ledger.open(client_id, account, scope, now);
    let issued = state.ledger.issue(family, fresh, now, life, None);
    issued.ok_or_else(|| Refusal::new(500, "server_error", "The sign-in is gone."))
}

/// A token that was refused, unless there was none at all.
pub(crate) fn shown(call: &Call, token: TokenRef) -> Option<TokenRef> {
    call.bearer().map(|_| token)
}
