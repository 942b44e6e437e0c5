//! Processes that die, and the next one on their store.

use serde_json::json;
use webex_oauth_simulator::{Decision, Endpoint, Fault, FaultKind};

use super::{Scenario, scenario};
use crate::stage::{A, Done, REFRESH, Stage, callers, one_token, phase, same, token};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("stores-killed-after-token", "killed once a caller had the new token: it is in the store", killed_after),
    scenario!("stores-killed-before-answer", "killed during a refresh: the next process goes on", killed_before),
    scenario!(
        "stores-killed-after-rotation",
        "killed after the server rotated: the same refresh token again",
        killed_rotated
    ),
    scenario!(
        "stores-killed-in-login",
        "killed between browser and callback: the next process completes",
        killed_in_login
    ),
];

fn killed_after(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut first = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    let new = token(&mut first)?;
    first.kill();
    let mut second = stage.ready(stage.open_on("a", &store))?;
    same(token(&mut second)?, new, "the token")?;
    second.ask("refresh", A)?;
    stage.end(second);
    stage.refreshes(2)
}

fn killed_in(stage: &mut Stage<'_>, after: bool) -> Done {
    stage.simulator.configure(|options| options.reuse_grace_ms = 60_000);
    let store = stage.file();
    let mut first = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    stage.simulator.fault(Fault::new(FaultKind::Hold { after }).on_grant(REFRESH));
    callers(&mut first, 3)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    first.kill();
    let mut second = stage.ready(stage.open_on("a", &store))?;
    let answer = callers(&mut second, 3)?.ok()?;
    one_token(&answer)?;
    stage.end(second);
    same(stage.counters().refreshes_attempted, 2, "refreshes")?;
    same(stage.counters().reuse_detected, 0, "retired refresh tokens that came back")
}

fn killed_before(stage: &mut Stage<'_>) -> Done {
    killed_in(stage, false)
}

fn killed_rotated(stage: &mut Stage<'_>) -> Done {
    killed_in(stage, true)
}

fn killed_in_login(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut first = stage.ready(stage.open_on("a", &store))?;
    let begin = json!({ "client": "a", "redirect_uri": "http://localhost/oauth" });
    let begun = first.ask("begin_login", begin)?;
    first.kill();
    let url = begun["url"].as_str().unwrap_or_default();
    let landed = stage.simulator.visit(url, Decision::Accept)?;
    let mut second = stage.ready(stage.open_on("a", &store))?;
    phase(&mut second, "signing_in")?;
    second.ask("complete_login", json!({ "client": "a", "callback": landed }))?;
    token(&mut second)?;
    stage.end(second);
    same(stage.counters().grants_attempted, 1, "grant requests")
}
