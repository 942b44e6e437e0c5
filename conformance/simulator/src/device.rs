//! The device grant (RFC 8628) as Webex offers it: `/v1/device/authorize`, `/v1/device/token` and
//! the page where a person types the code.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Shared;
use serde_json::json;

use crate::account::Account;
use crate::answer::{Answer, Refusal, style};
use crate::call::Call;
use crate::client_auth::{authenticate, named};
use crate::ledger::Issued;
use crate::options::{Decision, ErrorStyle};
use crate::token_endpoint::{DEVICE_CODE, asked_scope, field, sign_in, token_answer};
use crate::world::{State, World};
use crate::{pages, scope};

pub(crate) struct Device {
    code: String,
    pub(crate) user_code: String,
    client_id: String,
    scope: String,
    expires_ms: u64,
    interval_ms: u64,
    next_poll_ms: u64,
    verdict: Option<(Decision, Account)>,
    redeemed: bool,
}

pub(crate) async fn authorize(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    begin(&mut state, &call, &world.base_url).unwrap_or_else(|refusal| refusal.answer(&call, &state.options))
}

fn begin(state: &mut State, call: &Call, base_url: &str) -> Result<Answer, Refusal> {
    let client = named(call, &state.options)?;
    let scope = asked_scope(call)?;
    if !scope::allowed(scope, &client) {
        return Err(Refusal::new(400, "invalid_scope", "The client may not ask for this scope."));
    }
    let now = state.now();
    let user_code = (0..32)
        .map(|_| state.dice.digits())
        .find(|code| state.devices.iter().all(|device| device.user_code != *code))
        .ok_or_else(|| Refusal::new(500, "server_error", "There are no user codes left."))?;
    let verdict = state.options.auto_decision.zip(state.options.people.first().map(Account::person));
    let device = Device {
        code: state.dice.hex(64),
        user_code,
        client_id: client.id,
        scope: scope.into(),
        expires_ms: now.saturating_add(state.options.device_lifetime_ms),
        interval_ms: state.options.device_interval_ms,
        next_poll_ms: now,
        verdict,
        redeemed: false,
    };
    let body = json!({
        "device_code": device.code,
        "user_code": device.user_code,
        "expires_in": state.options.device_lifetime_ms / 1000,
        "interval": device.interval_ms.div_ceil(1000),
        "verification_uri": format!("{base_url}/verify"),
        "verification_uri_complete": format!("{base_url}/verify?user_code={}", device.user_code),
    });
    state.devices.push(device);
    Ok(Answer::json(200, &body))
}

pub(crate) async fn token(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let now = state.now();
    let asked = field(&call, "grant_type").and_then(|grant| {
        if grant == DEVICE_CODE {
            redeem(&mut state, &call, now)
        } else {
            Err(Refusal::new(400, "unsupported_grant_type", "Only device codes are redeemed here."))
        }
    });
    match asked {
        Ok(issued) => token_answer(issued, now, &state.options),
        Err(refusal) => refusal.answer(&call, &state.options),
    }
}

/// One poll.
pub(crate) fn redeem(state: &mut State, call: &Call, now: u64) -> Result<Issued, Refusal> {
    let client = authenticate(call, &state.options)?;
    let code = field(call, "device_code")?;
    let pending = match style(call, &state.options) {
        ErrorStyle::Oauth => 400,
        _ => 428,
    };
    let device = state.devices.iter_mut().find(|device| device.code == code);
    let device = device.ok_or_else(|| Refusal::bad_grant("The device code is not known."))?;
    if device.client_id != client.id {
        return Err(Refusal::bad_grant("The device code was issued to another client."));
    }
    if device.redeemed {
        return Err(Refusal::bad_grant("The device code was used before."));
    }
    if device.expires_ms <= now {
        return Err(Refusal::new(400, "expired_token", "The device code is expired."));
    }
    if now < device.next_poll_ms {
        // RFC 8628, 3.5: from now on five seconds more.
        device.interval_ms = device.interval_ms.saturating_add(5_000);
        device.next_poll_ms = now.saturating_add(device.interval_ms);
        return Err(Refusal::new(400, "slow_down", "The device asks too often."));
    }
    device.next_poll_ms = now.saturating_add(device.interval_ms);
    let (account, scope) = match &device.verdict {
        None => {
            return Err(Refusal::new(pending, "authorization_pending", "Nobody has decided yet."));
        }
        Some((Decision::Decline, _)) => {
            return Err(Refusal::new(400, "access_denied", "The person declined."));
        }
        Some((Decision::Accept, account)) => (account.clone(), device.scope.clone()),
    };
    device.redeemed = true;
    sign_in(state, call, &client.id, account, &scope, None, now)
}

/// The person decides. Without a user code: about the device that asked last. Answers whether
/// there was one that waits.
pub(crate) fn decide(state: &mut State, user_code: Option<&str>, decision: Decision, person: Option<&str>) -> bool {
    let now = state.now();
    let options = &state.options;
    let person = person.and_then(|hint| options.person(hint)).or(options.people.first());
    let Some(account) = person.map(Account::person) else {
        return false;
    };
    let waiting = state.devices.iter_mut().rev().find(|device| {
        device.verdict.is_none() && device.expires_ms > now && user_code.is_none_or(|code| device.user_code == code)
    });
    if let Some(device) = waiting {
        device.verdict = Some((decision, account));
        return true;
    }
    false
}

/// `/verify`: asks for the code, then for the decision. `decision` or `auto` in the query decides.
pub(crate) async fn verify(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let mut state = world.state();
    let value = |name: &str| call.query.filled(name).or_else(|| call.form.filled(name));
    let nonce = state.dice.hex(32);
    let Some(user_code) = value("user_code") else {
        return pages::enter_code(&nonce);
    };
    let person = value("person").or_else(|| value("login_hint"));
    if let Some(decision) = value("decision").or_else(|| value("auto")).and_then(Decision::parse) {
        let (title, text) = if !decide(&mut state, Some(user_code), decision, person) {
            return pages::message(&nonce, 404, "No such code", "The code is wrong, expired or already used.");
        } else if decision == Decision::Accept {
            ("Device signed in", "You can close this page and go on at the device.")
        } else {
            ("Declined", "The device was told that you declined.")
        };
        return pages::message(&nonce, 200, title, text);
    }
    let now = state.now();
    let device = state
        .devices
        .iter()
        .find(|device| device.user_code == user_code && device.verdict.is_none() && device.expires_ms > now);
    let Some(device) = device else {
        return pages::message(&nonce, 404, "No such code", "The code is wrong, expired or already used.");
    };
    let client = state.options.client(&device.client_id);
    pages::consent(&pages::Consent {
        nonce: &nonce,
        client: client.map_or(device.client_id.as_str(), |client| &client.name),
        scope: &device.scope,
        people: &state.options.people,
        chosen: person.and_then(|hint| state.options.person(hint)).or(state.options.people.first()),
        decide: &format!("/verify?user_code={user_code}&"),
        choose: &format!("/verify?user_code={user_code}&"),
        note: "A device wants to sign in with this code.",
    })
}
