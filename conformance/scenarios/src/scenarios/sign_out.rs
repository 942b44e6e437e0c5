//! Signing out: at once here, as well as it can be had elsewhere.

use std::fs;

use serde_json::json;
use webex_oauth_simulator::{Endpoint, Fault, FaultKind};

use super::{Scenario, scenario};
use crate::stage::{A, Done, LONG, REFRESH, Stage, all_fail, callers, check, event, is_kind, no_token, phase, same};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("sign-out-revokes", "every token is revoked, and forgotten in the store", revokes),
    scenario!("sign-out-server-down", "the server is down: signed out here all the same", server_down),
    scenario!("sign-out-server-hangs", "the server does not answer: signed out here all the same", server_hangs),
    scenario!(
        "sign-out-during-refresh",
        "tokens that arrive after a sign-out are revoked; who waits is told",
        during_refresh
    ),
    scenario!("sign-out-during-login", "a login under way ends with the sign-out", during_login),
    scenario!("sign-out-twice", "a second sign-out does nothing", twice),
    scenario!(
        "sign-out-not-stored",
        "a sign-out that the store does not take is told: it would not outlive the process",
        not_stored
    ),
    scenario!("sign-out-logout-page", "the browser's way out: the identity broker's page", logout_page),
];

fn nothing_lives(stage: &Stage<'_>) -> Done {
    let counters = stage.counters();
    same((counters.live_access_tokens, counters.live_refresh_tokens), (0, 0), "living tokens")
}

fn revokes(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    harness.ask("sign_out", A)?;
    event(&mut harness, "client:logout")?;
    no_token(&mut harness, "sign_in_required")?;
    stage.end(harness);
    nothing_lives(stage)?;
    let mut again = stage.ready(stage.open_on("a", &store))?;
    phase(&mut again, "signed_out")?;
    stage.end(again);
    let text = fs::read_to_string(stage.path("session.json")).map_err(|error| error.to_string())?;
    check(!text.contains("\"access_token\"") && !text.contains("\"refresh_token\""), "tokens are left in the store")
}

fn server_down(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.set_down(true);
    harness.ask("sign_out", A)?;
    phase(&mut harness, "signed_out")?;
    event(&mut harness, "token:revoke-error")?;
    stage.end(harness);
    Ok(())
}

fn server_hangs(stage: &mut Stage<'_>) -> Done {
    let mut open = stage.open("a");
    open["config"]["request_timeout"] = json!(1000);
    let mut harness = stage.signed_in_with(open, 3600)?;
    stage.simulator.fault(Fault::slow(4000).at(Endpoint::Revoke).always());
    harness.ask("sign_out", A)?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    Ok(())
}

fn during_refresh(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::new(FaultKind::Hold { after: true }).on_grant(REFRESH));
    let waiting = callers(&mut harness, 5)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let leaving = harness.give("sign_out", json!({ "client": "a", "revoke": false }))?;
    all_fail(&waiting.ok()?, "sign_in_required")?;
    stage.simulator.release();
    leaving.ok()?;
    let revoked = |log: &[webex_oauth_simulator::Entry]| {
        log.iter().any(|entry| entry.endpoint == Endpoint::Revoke && entry.done_ms.is_some())
    };
    check(stage.simulator.wait_for(LONG, revoked), "what arrived late was not revoked")?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    nothing_lives(stage)
}

fn during_login(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let login = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceAuthorize, 1)?;
    harness.ask("sign_out", A)?;
    let error = login.error()?;
    check(error["kind"] == "login_cancelled", &error.to_string())?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    Ok(())
}

fn twice(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    harness.ask("sign_out", A)?;
    stage.seen(Endpoint::Revoke, 2)?;
    let requests = stage.counters().requests;
    harness.ask("sign_out", A)?;
    stage.end(harness);
    same(stage.counters().requests, requests, "requests")
}

fn not_stored(stage: &mut Stage<'_>) -> Done {
    let folder = stage.path("folder");
    let store = json!({ "file": folder.join("session.json") });
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 3600)?;
    // A file stands where the folder was: nothing can be written there, not even by root.
    let harm = fs::remove_dir_all(&folder).and_then(|()| fs::write(&folder, b""));
    harm.map_err(|error| format!("no harm could be done: {error}"))?;
    is_kind(&harness.fail("sign_out", A)?, "store")?;
    // Here it is over.
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    nothing_lives(stage)
}

fn logout_page(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let answer = harness.ask("sign_out", json!({ "client": "a", "logout": "browser" }))?;
    let url = answer["url"].as_str().unwrap_or_default();
    check(url.starts_with(&stage.url("/idb/oauth2/v1/logout?")), "not the logout page")?;
    stage.end(harness);
    nothing_lives(stage)
}
