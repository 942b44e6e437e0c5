//! Service discovery: the catalog is asked for once, its hosts see the token, and its failure costs nothing.

use serde_json::{Value, json};
use webex_oauth_simulator::{ClientAuth, Endpoint, Fault, FaultKind, Options, Simulator};

use super::{Scenario, scenario};
use crate::harness::Harness;
use crate::stage::{Done, Stage, all_status, check, is_kind, same};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("services-known", "a catalog is asked for with the token, once a day", known),
    scenario!("services-hosts", "the hosts that a catalog names see the token from then on", hosts),
    scenario!("services-failing", "a catalog that cannot be had is an error, and what was known stays", failing),
];

/// A life of the token beyond a day: no renewal comes in between.
const LONG: i64 = 10 * 86_400;

fn ask(harness: &mut Harness, max_age: u64) -> Done<Value> {
    harness.ask("services", json!({ "client": "a", "max_age": max_age }))
}

fn catalogs(stage: &Stage<'_>) -> usize {
    stage.simulator.log().iter().filter(|entry| entry.path.starts_with("/u2c/")).count()
}

fn known(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(LONG)?;
    let day = 86_400_000;
    for _ in 0..3 {
        let answer = ask(&mut harness, day)?;
        same(answer["services"]["hydra"].as_str(), Some(&*stage.simulator.url("/v1")), "where hydra is")?;
        check(answer["services"]["conversation"].is_string(), "the catalog is not the one for who has signed in")?;
    }
    same(catalogs(stage), 1, "requests for the catalog")?;
    let with_token = stage.simulator.log().iter().all(|entry| entry.client_auth != ClientAuth::None);
    check(with_token, "the catalog was asked for without the token")?;
    crate::stage::advance(&mut harness, 86_401)?;
    ask(&mut harness, day)?;
    same(catalogs(stage), 2, "requests for the catalog after a day")?;
    stage.end(harness);
    Ok(())
}

/// A catalog that names another server.
fn foreign(stage: &Stage<'_>, stranger: &Simulator) {
    let raw = json!({ "serviceLinks": { "elsewhere": stranger.url("/v1") } }).to_string();
    stage.simulator.fault(Fault::new(FaultKind::Body { raw: raw.as_str().into() }).at(Endpoint::Catalog));
}

/// How often the stranger was called with an `Authorization`.
fn seen(stranger: &Simulator) -> usize {
    stranger.log().iter().filter(|entry| entry.client_auth != ClientAuth::None).count()
}

fn hosts(stage: &mut Stage<'_>) -> Done {
    let stranger = Simulator::start(Options::default()).map_err(|error| error.to_string())?;
    let mut harness = stage.signed_in(LONG)?;
    let call = json!({ "client": "a", "url": stranger.url("/v1/people/me") });
    all_status(&harness.ask("call", call.clone())?, 401)?;
    same(seen(&stranger), 0, "calls with the token before the catalog is known")?;
    foreign(stage, &stranger);
    let answer = ask(&mut harness, 0)?;
    same(answer["services"]["elsewhere"].as_str(), Some(&*stranger.url("/v1")), "where the service is")?;
    harness.ask("call", call)?;
    check(seen(&stranger) > 0, "the token does not go to a host that the catalog names")?;
    stage.end(harness);
    Ok(())
}

fn failing(stage: &mut Stage<'_>) -> Done {
    let stranger = Simulator::start(Options::default()).map_err(|error| error.to_string())?;
    let mut harness = stage.signed_in(LONG)?;
    foreign(stage, &stranger);
    ask(&mut harness, 0)?;
    for fault in [Fault::status(503), Fault::new(FaultKind::Body { raw: "<html>".into() })] {
        stage.simulator.fault(fault.at(Endpoint::Catalog));
        let error = harness.give("services", json!({ "client": "a", "max_age": 0 }))?.progress()?["error"].clone();
        is_kind(&error, "config")?;
    }
    let before = seen(&stranger);
    harness.ask("call", json!({ "client": "a", "url": stranger.url("/v1/people/me") }))?;
    check(seen(&stranger) > before, "what was known is forgotten")?;
    crate::stage::phase(&mut harness, "signed_in")?;
    stage.end(harness);
    Ok(())
}
