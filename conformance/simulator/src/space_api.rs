//! `/v1/rooms`, `/v1/memberships` and `/v1/messages`: as much of them as a space that is shown in a page needs.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State as Shared};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::api::{caller, written};
use crate::call::Call;
use crate::ledger::Bearer;
use crate::options::ORG_ID;
use crate::residents::Space;
use crate::scope;
use crate::spaces::{Membership, Message, account};
use crate::world::{State, World};

/// Webex answers no more at once, and takes no longer text.
const MOST: usize = 1_000;
const LONGEST: usize = 7_439;

type Sim = Shared<Arc<World>>;
type Caller = Extension<Arc<Call>>;

pub(crate) async fn rooms(Shared(world): Sim, Extension(call): Caller) -> Answer {
    with_scope(&world, &call, "spark:rooms_read", |state, bearer| {
        let mine = state.options.spaces.iter().filter(|space| state.spaces.is_in(&space.id, &bearer.account));
        Ok(json!({"items": mine.map(room_json).collect::<Vec<_>>()}))
    })
}

pub(crate) async fn room(Shared(world): Sim, Extension(call): Caller, Path(id): Path<String>) -> Answer {
    with_scope(&world, &call, "spark:rooms_read", |state, bearer| Ok(room_json(entered(state, bearer, &id)?)))
}

pub(crate) async fn memberships(Shared(world): Sim, Extension(call): Caller) -> Answer {
    with_scope(&world, &call, "spark:memberships_read", |state, bearer| {
        let space = entered(state, bearer, room_id(&call)?)?.id.clone();
        let there = state.spaces.memberships.iter().filter(|member| member.space == space);
        Ok(json!({"items": there.map(membership_json).collect::<Vec<_>>()}))
    })
}

pub(crate) async fn add_member(Shared(world): Sim, Extension(call): Caller) -> Answer {
    with_scope(&world, &call, "spark:memberships_write", |state, bearer| {
        let body = call.json().unwrap_or_default();
        let space = entered(state, bearer, text(&body, "roomId")?)?.id.clone();
        let hint = text(&body, "personId").or_else(|_| text(&body, "personEmail"))?;
        let who = account(&state.options, hint);
        let who = who.ok_or_else(|| Refusal::new(404, "not_found", "There is no such person."))?;
        if state.spaces.is_in(&space, &who) {
            return Err(Refusal::new(409, "conflict", "The person is already in the space."));
        }
        let now = state.now();
        Ok(membership_json(&state.spaces.add(&space, who, now)))
    })
}

/// The newest first.
pub(crate) async fn messages(Shared(world): Sim, Extension(call): Caller) -> Answer {
    with_scope(&world, &call, "spark:messages_read", |state, bearer| {
        let space = entered(state, bearer, room_id(&call)?)?.id.clone();
        let most = call.query.get("max").map_or(Ok(50), str::parse);
        let most = most.map_err(|_| Refusal::bad_request("max is not a number."))?.min(MOST);
        let said = state.spaces.messages.iter().rev().filter(|message| message.space == space);
        Ok(json!({"items": said.take(most).map(message_json).collect::<Vec<_>>()}))
    })
}

pub(crate) async fn post_message(Shared(world): Sim, Extension(call): Caller) -> Answer {
    with_scope(&world, &call, "spark:messages_write", |state, bearer| {
        let body = call.json().unwrap_or_default();
        let space = entered(state, bearer, text(&body, "roomId")?)?.id.clone();
        let said = text(&body, "text")?;
        if said.len() > LONGEST {
            return Err(Refusal::bad_request("text is longer than 7439 bytes."));
        }
        let now = state.now();
        Ok(message_json(&state.spaces.say(&space, bearer.account.clone(), said, now)))
    })
}

/// What a caller gets whose token has the scope, or `spark:all`.
fn with_scope(
    world: &World,
    call: &Call,
    scope: &str,
    run: impl FnOnce(&mut State, &Bearer) -> Result<Value, Refusal>,
) -> Answer {
    let mut state = world.state();
    let bearer = match caller(&state, call) {
        Ok(bearer) => bearer,
        Err(answer) => return answer,
    };
    let may = [scope, "spark:all"].iter().any(|scope| scope::is_within(scope, &bearer.scope));
    let got = if may {
        run(&mut state, &bearer)
    } else {
        Err(Refusal::new(403, "insufficient_scope", format!("The token has neither {scope} nor spark:all.")))
    };
    let answer = match got {
        Ok(body) => Answer::json(200, &body),
        Err(refusal) => refusal.answer(call, &state.options),
    };
    answer.presented(Some(bearer.token))
}

/// A space that the caller is in. Others are not even known to be there.
fn entered<'a>(state: &'a State, bearer: &Bearer, id: &str) -> Result<&'a Space, Refusal> {
    let space = state.options.spaces.iter().find(|space| space.id == id);
    let space = space.filter(|space| state.spaces.is_in(&space.id, &bearer.account));
    space.ok_or_else(|| Refusal::new(404, "not_found", "There is no such space, or the caller is not in it."))
}

fn room_id(call: &Call) -> Result<&str, Refusal> {
    call.query.filled("roomId").ok_or_else(|| Refusal::bad_request("roomId is missing."))
}

fn text<'a>(body: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    let text = body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::bad_request(format!("{name} is missing.")))
}

fn room_json(space: &Space) -> Value {
    json!({"id": space.id, "title": space.title, "type": "group", "created": written(0)})
}

fn membership_json(member: &Membership) -> Value {
    json!({
        "id": member.id,
        "roomId": member.space,
        "personId": member.account.id,
        "personEmail": member.account.email,
        "personDisplayName": member.account.display_name,
        "personOrgId": ORG_ID,
        "isModerator": false,
        "created": written(member.created_ms),
    })
}

fn message_json(message: &Message) -> Value {
    json!({
        "id": message.id,
        "roomId": message.space,
        "roomType": "group",
        "text": message.text,
        "personId": message.account.id,
        "personEmail": message.account.email,
        "created": written(message.created_ms),
    })
}
