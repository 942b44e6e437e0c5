//! What the tokens are for: a few calls of the Webex API, and an echo that tells which token came.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderValue, header};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::guest::shown;
use crate::ledger::{Bearer, Family};
use crate::pages::escape;
use crate::world::{State, World};

/// The caller, or the 401 that Webex answers.
pub(crate) fn caller(state: &State, call: &Call) -> Result<Bearer, Answer> {
    let token = call.bearer().unwrap_or_default();
    if let Some(bot) = state.options.bots.iter().find(|bot| bot.token == token) {
        return Ok(Bearer::bot(bot));
    }
    state.ledger.bearer(token, state.now()).map_err(|token| Answer::unauthorized(call).presented(shown(call, token)))
}

pub(crate) async fn people_me(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    match caller(&world.state(), &call) {
        Ok(bearer) => {
            let body = bearer.account.profile(&world.base_url);
            Answer::json(200, &body).presented(Some(bearer.token))
        }
        Err(answer) => answer,
    }
}

pub(crate) async fn echo(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let bearer = match caller(&world.state(), &call) {
        Ok(bearer) => bearer,
        Err(answer) => return answer,
    };
    let pairs = |params: &crate::call::Params| -> Value {
        params
            .0
            .iter()
            .map(|(name, value)| (name.clone(), value.clone().into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let body = json!({
        "method": call.method.as_str(),
        "path": call.path,
        "query": pairs(&call.query),
        "content_type": call.header(header::CONTENT_TYPE),
        "body": String::from_utf8_lossy(&call.body),
        "token": {
            "generation": bearer.token.generation,
            "family": bearer.token.family,
            "fingerprint": bearer.token.fingerprint,
            "kind": bearer.token.kind,
            "scope": bearer.scope,
            "client_id": bearer.client_id,
        },
        "person": bearer.account.id,
    });
    Answer::json(200, &body).presented(Some(bearer.token))
}

pub(crate) async fn authorizations(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let state = world.state();
    let bearer = match caller(&state, &call) {
        Ok(bearer) => bearer,
        Err(answer) => return answer,
    };
    let now = state.now();
    let mine = state.ledger.live_families(now).into_iter().filter(|family| family.account.id == bearer.account.id);
    let items: Vec<Value> = mine.map(|family| item(family, &state)).collect();
    Answer::json(200, &json!({"items": items})).presented(Some(bearer.token))
}

fn item(family: &Family, state: &State) -> Value {
    let client = state.options.client(&family.client_id);
    json!({
        "id": authorization_id(family.id),
        "applicationId": family.client_id,
        "applicationName": client.map_or(family.client_id.as_str(), |client| &client.name),
        "clientId": family.client_id,
        "scopes": family.scope.split_ascii_whitespace().collect::<Vec<_>>(),
        "created": written(family.created_ms),
        "type": "refresh",
    })
}

/// A moment as the API writes it.
pub(crate) fn written(at_ms: u64) -> Option<String> {
    let nanos = i128::from(at_ms) * 1_000_000;
    OffsetDateTime::from_unix_timestamp_nanos(nanos).ok().and_then(|moment| moment.format(&Rfc3339).ok())
}

fn authorization_id(family: u64) -> String {
    format!("authorization-{family}")
}

pub(crate) async fn token_expiry(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    match caller(&world.state(), &call) {
        Ok(bearer) => Answer::json(200, &json!({"exp": bearer.expires_ms})).presented(Some(bearer.token)),
        Err(answer) => answer,
    }
}

pub(crate) async fn delete_authorization(
    Shared(world): Shared<Arc<World>>,
    Extension(call): Extension<Arc<Call>>,
    Path(id): Path<String>,
) -> Answer {
    end_sign_ins(&world, &call, |family| authorization_id(family.id) == id)
}

pub(crate) async fn delete_authorizations(
    Shared(world): Shared<Arc<World>>,
    Extension(call): Extension<Arc<Call>>,
) -> Answer {
    let client_id = call.query.filled("clientId");
    end_sign_ins(&world, &call, |family| client_id == Some(&family.client_id))
}

fn end_sign_ins(world: &World, call: &Call, which: impl Fn(&Family) -> bool) -> Answer {
    let mut state = world.state();
    let bearer = match caller(&state, call) {
        Ok(bearer) => bearer,
        Err(answer) => return answer,
    };
    let now = state.now();
    let ended: Vec<u64> = state
        .ledger
        .live_families(now)
        .into_iter()
        .filter(|family| family.account.id == bearer.account.id && which(family))
        .map(|family| family.id)
        .collect();
    for family in &ended {
        state.ledger.revoke_family(*family, now);
    }
    let answer = if ended.is_empty() {
        Refusal::new(404, "not_found", "There is no such authorization.").answer(call, &state.options)
    } else {
        Answer::empty(204)
    };
    answer.presented(Some(bearer.token))
}

pub(crate) async fn avatar(Path(initials): Path<String>) -> Answer {
    let initials: String = initials.chars().take(2).collect();
    let image = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 96 96\"><rect width=\"96\" height=\"96\" \
         rx=\"48\" fill=\"#0a6e4e\"/><text x=\"48\" y=\"62\" font-family=\"sans-serif\" font-size=\"40\" \
         text-anchor=\"middle\" fill=\"#fff\">{}</text></svg>",
        escape(&initials)
    );
    let mut answer = Answer::empty(200);
    *answer.response.body_mut() = image.into();
    let kind = HeaderValue::from_static("image/svg+xml");
    answer.response.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

pub(crate) async fn unknown(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    Refusal::new(404, "not_found", "There is nothing here.").answer(&call, &world.state().options)
}

pub(crate) async fn wrong_method(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    Refusal::new(405, "method_not_allowed", "The method is not allowed here.").answer(&call, &world.state().options)
}
