//! Calling an API: where the token goes, and what an answer leads to.

use serde_json::{Value, json};
use webex_oauth_simulator::{ClientAuth, Endpoint, Fault, FaultKind, Options, Simulator};

use super::{Scenario, scenario};
use crate::stage::{A, Done, Stage, advance, all_fail, all_status, check, is_kind, no_token, phase, same, token};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("calls-with-token", "a call carries the token", with_token),
    scenario!("calls-401-replay", "401: one refresh, one replay with the same body", replay),
    scenario!("calls-401-storm", "20 callers meet 401, twice: one refresh per generation", storm),
    scenario!("calls-401-for-ever", "an API that refuses every token: two calls, then its 401", for_ever),
    scenario!("calls-401-refresh-fails", "the refresh fails: the first 401, with the reason", refresh_fails),
    scenario!("calls-401-no-refresh-token", "nothing to renew with: the 401 itself", no_refresh_token),
    scenario!("calls-401-loop", "tokens that are refused at once do not make a refresh loop", no_loop),
    scenario!("calls-other-host", "another host does not see the token", other_host),
    scenario!("calls-withheld", "that the token does not go to a host is told once", withheld),
    scenario!("calls-own-authorization", "the caller's own Authorization is left alone", own_authorization),
    scenario!("calls-429", "429: the call waits and is made again", wait),
    scenario!("calls-429-too-long", "a wait beyond the bound is the caller's to decide", too_long),
    scenario!("calls-451", "451 ends the session", embargo),
    scenario!("calls-redirect", "a redirect is an answer", redirect),
    scenario!("calls-cut", "no answer: told, not replayed, and none of the session's business", cut),
    scenario!("calls-errors", "other errors are answers", errors),
];

fn body(result: &Value) -> Value {
    result["body"].as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

fn with_token(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let result = all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 200)?;
    check(body(&result)["displayName"] == "Ada Lovelace", "it is not Ada")?;
    stage.end(harness);
    same(stage.counters().requests, 1, "requests")
}

fn replay(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.expire_access_tokens();
    let mut call = stage.call("/v1/echo/x?a=b");
    call["method"] = json!("POST");
    call["headers"] = json!({ "content-type": "text/plain" });
    call["body"] = json!("the whole body");
    let echo = body(&all_status(&harness.ask("call", call)?, 200)?);
    same(echo["body"].as_str(), Some("the whole body"), "the body")?;
    same(echo["content_type"].as_str(), Some("text/plain"), "the header")?;
    same(echo["token"]["generation"].as_u64(), Some(2), "the generation of the token")?;
    stage.end(harness);
    same(stage.counters().api_calls, 2, "calls")?;
    stage.refreshes(1)
}

fn storm(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let mut call = stage.call("/v1/people/me");
    call["times"] = json!(20);
    for _ in 0..2 {
        stage.simulator.expire_access_tokens();
        all_status(&harness.ask("call", call.clone())?, 200)?;
    }
    stage.end(harness);
    stage.refreshes(2)
}

fn for_ever(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::status(401).at(Endpoint::PeopleMe).always());
    all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 401)?;
    stage.end(harness);
    same(stage.counters().api_calls, 2, "calls")?;
    same(stage.counters().refreshes_attempted, 1, "refreshes")
}

fn refresh_fails(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.expire_access_tokens();
    stage.simulator.fault(Fault::status(503).at(Endpoint::AccessToken));
    let result = all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 401)?;
    is_kind(&result["refresh_error"], "unavailable")?;
    check(!body(&result)["trackingId"].is_null(), "the body of the 401 is not the API's")?;
    phase(&mut harness, "signed_in")?;
    stage.end(harness);
    same(stage.counters().api_calls, 1, "calls")?;
    stage.refreshes(1)
}

fn no_refresh_token(stage: &mut Stage<'_>) -> Done {
    let issued = stage.issue()?;
    let mut harness = stage.ready(stage.open("a"))?;
    harness.ask("adopt", json!({ "client": "a", "tokens": issued.access_token }))?;
    stage.simulator.expire_access_tokens();
    all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 401)?;
    phase(&mut harness, "signed_in")?;
    stage.end(harness);
    same(stage.counters().requests, 1, "requests")
}

fn no_loop(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::status(401).at(Endpoint::PeopleMe).always());
    for _ in 0..10 {
        all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 401)?;
    }
    let refreshes = stage.counters().refreshes_attempted;
    same(refreshes, 2, "refreshes: a fresh token may be refused once more before the client waits")?;
    stage.simulator.clear_faults();
    advance(&mut harness, 60)?;
    all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 200)?;
    stage.end(harness);
    Ok(())
}

fn other_host(stage: &mut Stage<'_>) -> Done {
    let stranger = Simulator::start(Options::default()).map_err(|error| error.to_string())?;
    let mut harness = stage.signed_in(3600)?;
    all_status(&harness.ask("call", json!({ "client": "a", "url": stranger.url("/v1/people/me") }))?, 401)?;
    check(stranger.log().iter().all(|entry| entry.client_auth == ClientAuth::None), "it saw an Authorization")?;
    stage.end(harness);
    same(stranger.counters().requests, 1, "calls of the stranger")?;
    same(stage.counters().requests, 0, "requests")
}

fn withheld(stage: &mut Stage<'_>) -> Done {
    let stranger = Simulator::start(Options::default()).map_err(|error| error.to_string())?;
    let mut harness = stage.signed_in(3600)?;
    let call = json!({ "client": "a", "url": stranger.url("/v1/people/me?secret=1") });
    let mut own = call.clone();
    own["headers"] = json!({ "Authorization": "Bearer my-own" });
    all_status(&harness.ask("call", own)?, 401)?;
    let mut told = 0;
    for _ in 0..3 {
        all_status(&harness.ask("call", call.clone())?, 401)?;
    }
    // Where the token goes along there is nothing to tell: that call is the last one.
    all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 200)?;
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_millis(500) {
        let answer = harness.ask("events", A)?;
        told +=
            answer["events"].as_array().into_iter().flatten().filter(|event| event["name"] == "token:withheld").count();
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    stage.end(harness);
    same(told, 1, "tokens withheld, told")?;
    same(stranger.counters().requests, 4, "calls of the stranger")
}

fn own_authorization(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let other = stage.issue()?;
    let mut call = stage.call("/v1/echo");
    call["headers"] = json!({ "Authorization": format!("Bearer {}", other.access_token) });
    let result = all_status(&harness.ask("call", call.clone())?, 200)?;
    same(body(&result)["token"]["family"].as_u64(), Some(other.family), "whose token")?;
    call["headers"] = json!({ "authorization": "Bearer wrong" });
    all_status(&harness.ask("call", call)?, 401)?;
    stage.end(harness);
    same(stage.counters().requests, 2, "requests")
}

fn wait(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::retry_after(429, "1").at(Endpoint::PeopleMe));
    all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 200)?;
    stage.end(harness);
    let at: Vec<u64> = stage.simulator.log().iter().map(|entry| entry.at_ms).collect();
    check(matches!(at[..], [first, second] if second >= first + 950), &format!("not after a second: {at:?}"))
}

fn too_long(stage: &mut Stage<'_>) -> Done {
    let mut open = stage.open("a");
    open["max_wait"] = json!(5000);
    let mut harness = stage.signed_in_with(open, 3600)?;
    stage.simulator.fault(Fault::retry_after(429, "600").at(Endpoint::PeopleMe));
    let result = all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 429)?;
    same(result["headers"]["retry-after"].as_str(), Some("600"), "Retry-After")?;
    stage.end(harness);
    same(stage.counters().api_calls, 1, "calls")
}

fn embargo(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::status(451).at(Endpoint::PeopleMe));
    all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 451)?;
    phase(&mut harness, "signed_out")?;
    no_token(&mut harness, "sign_in_required")?;
    stage.end(harness);
    Ok(())
}

fn redirect(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let location = stage.url("/v1/echo");
    stage.simulator.fault(Fault::new(FaultKind::Redirect { location: location.clone() }).at(Endpoint::PeopleMe));
    let result = all_status(&harness.ask("call", stage.call("/v1/people/me"))?, 302)?;
    same(result["headers"]["location"].as_str(), Some(location.as_str()), "Location")?;
    stage.end(harness);
    same(stage.counters().requests, 1, "requests")
}

fn cut(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::cut_after().at(Endpoint::Echo));
    let mut call = stage.call("/v1/echo");
    call["method"] = json!("POST");
    all_fail(&harness.ask("call", call)?, "call")?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().requests, 1, "requests")
}

fn errors(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    for status in [400, 403, 404, 500, 503] {
        stage.simulator.fault(Fault::status(status).at(Endpoint::PeopleMe));
        all_status(&harness.ask("call", stage.call("/v1/people/me"))?, status)?;
    }
    stage.end(harness);
    same(stage.counters().requests, 5, "requests")
}
