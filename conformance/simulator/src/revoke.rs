//! Taking tokens back: RFC 7009 revocation and the logout of the idbroker.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Shared;
use axum::http::Method;
use serde_json::Value;
use url::Url;

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::client_auth::authenticate;
use crate::landing::{is_loopback, is_registered};
use crate::pages;
use crate::token_endpoint::field;
use crate::world::{State, World};

pub(crate) async fn revoke(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let now = state.now();
    let presented = call.form.filled("token").map(|token| state.ledger.name(token, now));
    let answer = match take_back(&mut state, &call, now) {
        Ok(()) => Answer::empty(200),
        Err(refusal) => refusal.answer(&call, &state.options),
    };
    answer.presented(presented)
}

fn take_back(state: &mut State, call: &Call, now: u64) -> Result<(), Refusal> {
    let client = authenticate(call, &state.options)?;
    let token = field(call, "token")?;
    match state.ledger.family_of(token) {
        Some(family) if family.client_id != client.id => {
            Err(Refusal::bad_grant("The token was issued to another client."))
        }
        // A token that is not known is as good as revoked (RFC 7009, 2.2).
        _ => {
            state.ledger.revoke(token, now);
            Ok(())
        }
    }
}

/// A browser comes with GET and is sent on to `goto`; a server posts a form or JSON.
pub(crate) async fn logout(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let now = state.now();
    let json = call.json().unwrap_or_default();
    let value = |name: &str| {
        let posted = call.form.filled(name).or_else(|| json.get(name).and_then(Value::as_str));
        call.query.filled(name).or(posted)
    };
    let presented = value("token").map(|token| state.ledger.name(token, now));
    if let Some(token) = &presented {
        state.ledger.revoke_family(token.family, now);
    }
    let answer = match value("goto") {
        Some(goto) if may_go(goto, &state) => Answer::redirect(goto),
        _ if call.method == Method::POST => Answer::empty(204),
        Some(_) => pages::message(&state.dice.hex(32), 400, "Signed out", "The place to go to next is not registered."),
        None => pages::message(&state.dice.hex(32), 200, "Signed out", "You can close this page."),
    };
    answer.presented(presented)
}

fn may_go(goto: &str, state: &State) -> bool {
    let options = &state.options;
    let local = Url::parse(goto).is_ok_and(|url| is_loopback(&url));
    local
        || options
            .clients
            .iter()
            .any(|client| is_registered(goto, &client.redirect_uris, options.allow_any_redirect_uri))
}
