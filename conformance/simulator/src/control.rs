//! The control API below `/_sim`: what [`Simulator`](crate::Simulator) offers in Rust, for other
//! processes. It goes on while the simulator is down, and it is not for web pages.

use std::sync::Arc;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::call::Params;
use crate::device;
use crate::faults::Fault;
use crate::options::{Decision, Options};
use crate::world::World;

type Sim = Shared<Arc<World>>;
type Reply = Result<Answer, Answer>;

const BODY_LIMIT: usize = 1024 * 1024;

pub(crate) fn routes() -> Router<Arc<World>> {
    Router::new()
        .route("/", get(about))
        .route("/log", get(log).delete(clear_log))
        .route("/counters", get(counters))
        .route("/tokens", get(tokens))
        .route("/options", get(options).patch(set_options).post(set_options))
        .route("/faults", get(faults).post(add_faults).delete(clear_faults))
        .route("/release", post(release))
        .route("/down", post(down))
        .route("/reset", post(reset))
        .route("/clock", get(clock).post(advance))
        .route("/expire", post(expire))
        .route("/revoke", post(revoke))
        .route("/authorize", post(authorize))
        .route("/device", post(decide_device))
        .route("/issue", post(issue))
        .layer(from_fn(no_web_pages))
}

/// Browsers say where a request comes from. A page elsewhere has no business here.
pub(crate) async fn no_web_pages(request: Request, next: Next) -> Response {
    let headers: &HeaderMap = request.headers();
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    if headers.contains_key(header::ORIGIN) || !["127.0.0.1", "localhost"].contains(&name) {
        return problem(403, "The control API is for programs on this machine.").into_response();
    }
    next.run(request).await
}

async fn about(Shared(world): Sim) -> Answer {
    let state = world.state();
    Answer::json(
        200,
        &json!({
            "base_url": world.base_url,
            "clients": state.options.clients,
            "people": state.options.people,
            "guest_issuers": state.options.guest_issuers,
            "spaces": state.options.spaces,
            "down": state.down,
            "now_ms": state.now(),
            "version": env!("CARGO_PKG_VERSION"),
        }),
    )
}

async fn log(Shared(world): Sim, request: Request) -> Answer {
    let query = Params::parse(request.uri().query().unwrap_or_default().as_bytes());
    let after = query.get("after").and_then(|after| after.parse().ok()).unwrap_or(0_u64);
    let state = world.state();
    let entries: Vec<_> = state.log.entries.iter().filter(|entry| entry.seq > after).collect();
    Answer::json(200, &json!({"entries": entries, "counters": state.counters(), "now_ms": state.now()}))
}

async fn clear_log(Shared(world): Sim) -> Answer {
    world.state().clear_log();
    done()
}

async fn counters(Shared(world): Sim) -> Answer {
    Answer::json(200, &json!(world.state().counters()))
}

async fn tokens(Shared(world): Sim) -> Answer {
    let state = world.state();
    Answer::json(200, &json!({"live": state.ledger.live(state.now())}))
}

async fn options(Shared(world): Sim) -> Answer {
    Answer::json(200, &json!(world.state().options))
}

/// The members of the body replace those of the options; the others stay.
async fn set_options(Shared(world): Sim, request: Request) -> Reply {
    let changes: serde_json::Map<String, Value> = read(request).await?;
    let mut state = world.state();
    let mut merged = serde_json::to_value(&state.options).unwrap_or_default();
    if let Some(members) = merged.as_object_mut() {
        members.extend(changes);
    }
    let options: Options = serde_json::from_value(merged).map_err(|error| problem(400, &error.to_string()))?;
    state.options = options;
    Ok(Answer::json(200, &json!(state.options)))
}

async fn faults(Shared(world): Sim) -> Answer {
    Answer::json(200, &json!({"faults": world.state().faults}))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    More(Vec<Value>),
    One(Value),
}

async fn add_faults(Shared(world): Sim, request: Request) -> Reply {
    let values = match read(request).await? {
        OneOrMore::More(values) => values,
        OneOrMore::One(value) => vec![value],
    };
    let faults: Result<Vec<Fault>, _> = values.into_iter().map(serde_json::from_value).collect();
    let faults = faults.map_err(|error| problem(400, &error.to_string()))?;
    let mut state = world.state();
    state.faults.extend(faults);
    Ok(Answer::json(200, &json!({"faults": state.faults})))
}

async fn clear_faults(Shared(world): Sim) -> Answer {
    world.state().faults.clear();
    done()
}

async fn release(Shared(world): Sim) -> Answer {
    world.release();
    done()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Down {
    down: bool,
}

async fn down(Shared(world): Sim, request: Request) -> Reply {
    let Down { down } = read(request).await?;
    world.state().down = down;
    Ok(done())
}

async fn reset(Shared(world): Sim) -> Answer {
    world.reset();
    done()
}

async fn clock(Shared(world): Sim) -> Answer {
    Answer::json(200, &json!({"now_ms": world.state().now()}))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_ms: u64,
}

async fn advance(Shared(world): Sim, request: Request) -> Reply {
    let Advance { advance_ms } = read(request).await?;
    let mut state = world.state();
    state.advance(advance_ms);
    Ok(Answer::json(200, &json!({"now_ms": state.now()})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    #[serde(default)]
    access: bool,
    #[serde(default)]
    refresh: bool,
}

async fn expire(Shared(world): Sim, request: Request) -> Reply {
    let Expire { access, refresh } = read(request).await?;
    Ok(Answer::json(200, &json!({"expired": world.expire(access, refresh)})))
}

/// Exactly one of them.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Revoke {
    Token(String),
    Fingerprint(String),
    Family(u64),
    All(bool),
}

async fn revoke(Shared(world): Sim, request: Request) -> Reply {
    let what = read(request).await?;
    let mut state = world.state();
    let now = state.now();
    let ledger = &mut state.ledger;
    let revoked = match what {
        Revoke::Token(token) => ledger.revoke(&token, now),
        Revoke::Fingerprint(name) => ledger.revoke_named(&name, now),
        Revoke::Family(family) => ledger.revoke_family(family, now),
        Revoke::All(true) => ledger.revoke_all(now),
        Revoke::All(false) => 0,
    };
    Ok(Answer::json(200, &json!({"revoked": revoked})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Visit {
    url: String,
    #[serde(default = "accept")]
    decision: Decision,
    person: Option<String>,
}

fn accept() -> Decision {
    Decision::Accept
}

async fn authorize(Shared(world): Sim, request: Request) -> Reply {
    let visit: Visit = read(request).await?;
    match world.visit(&visit.url, visit.decision, visit.person.as_deref()) {
        Ok(redirect) => Ok(Answer::json(200, &json!({"redirect": redirect}))),
        Err(why) => Err(problem(400, &why)),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecideDevice {
    user_code: Option<String>,
    #[serde(default = "accept")]
    decision: Decision,
    person: Option<String>,
}

async fn decide_device(Shared(world): Sim, request: Request) -> Reply {
    let wanted: DecideDevice = read(request).await?;
    let mut state = world.state();
    let code = wanted.user_code.as_deref();
    if device::decide(&mut state, code, wanted.decision, wanted.person.as_deref()) {
        Ok(done())
    } else {
        Err(problem(404, "No device waits with this code."))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Issue {
    client_id: String,
    scope: String,
    person: Option<String>,
}

async fn issue(Shared(world): Sim, request: Request) -> Reply {
    let wanted: Issue = read(request).await?;
    let issued = world.issue(&wanted.client_id, &wanted.scope, wanted.person.as_deref());
    let issued = issued.ok_or_else(|| problem(404, "There is no such person."))?;
    Ok(Answer::json(200, &json!(issued)))
}

async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Answer> {
    let body: Bytes =
        to_bytes(request.into_body(), BODY_LIMIT).await.map_err(|_| problem(413, "The body is too large."))?;
    serde_json::from_slice(&body).map_err(|error| problem(400, &error.to_string()))
}

fn done() -> Answer {
    Answer::json(200, &json!({"ok": true}))
}

fn problem(status: u16, why: &str) -> Answer {
    Answer::json(status, &json!({"ok": false, "error": why}))
}
