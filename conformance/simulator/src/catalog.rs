//! The service catalog: where each Webex service is, in the form `hostmap`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State as Shared;
use serde_json::{Value, json};
use url::Url;

use crate::answer::{Answer, Refusal};
use crate::api::caller;
use crate::call::Call;
use crate::world::World;

/// What can be known before anybody has signed in.
const LIMITED: [(&str, &str); 4] =
    [("hydra", "/v1"), ("identity", "/identity/scim/v2"), ("idbroker", ""), ("u2c", "/u2c/api/v1")];
const FULL: [(&str, &str); 6] = [
    ("hydra", "/v1"),
    ("identity", "/identity/scim/v2"),
    ("idbroker", ""),
    ("u2c", "/u2c/api/v1"),
    ("conversation", "/conversation/api/v1"),
    ("wdm", "/wdm/api/v1"),
];

/// `GET /u2c/api/v1/catalog`: for who has signed in.
pub(crate) async fn catalog(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    let state = world.state();
    match caller(&state, &call) {
        Ok(bearer) => match answer(&call, &world.base_url, &FULL) {
            Ok(answer) => answer,
            Err(refusal) => refusal.answer(&call, &state.options),
        }
        .presented(Some(bearer.token)),
        Err(answer) => answer,
    }
}

/// `GET /u2c/api/v1/limited/catalog`: for everybody.
pub(crate) async fn limited(Shared(world): Shared<Arc<World>>, Extension(call): Extension<Arc<Call>>) -> Answer {
    answer(&call, &world.base_url, &LIMITED).unwrap_or_else(|refusal| refusal.answer(&call, &world.state().options))
}

fn answer(call: &Call, base: &str, services: &[(&str, &str)]) -> Result<Answer, Refusal> {
    match call.query.get("format") {
        Some("hostmap") => Ok(Answer::json(200, &hostmap(base, services))),
        _ => Err(Refusal::bad_request("The format hostmap is the only one.")),
    }
}

fn hostmap(base: &str, services: &[(&str, &str)]) -> Value {
    let host = Url::parse(base).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let links: serde_json::Map<_, _> =
        services.iter().map(|(name, path)| ((*name).to_owned(), format!("{base}{path}").into())).collect();
    let hosts: Vec<_> = services
        .iter()
        .map(|(name, _)| json!({"host": host, "ttl": -1, "priority": 5, "id": format!("urn:TEAM:simulator_a:{name}")}))
        .collect();
    json!({"serviceLinks": links, "hostCatalog": {host: hosts}, "format": "hostmap"})
}
