//! Tokens on demand: when they are renewed, when not, and what happens where that does not work out.

use serde_json::json;
use webex_oauth_simulator::{Endpoint, Fault, FaultKind};

use super::{Scenario, scenario};
use crate::stage::{
    A, Done, REFRESH, Stage, advance, all_fail, callers, check, event, no_token, one_token, phase, same, token,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("refresh-many-callers", "20 callers on an expired token: one refresh, one token for all", many_callers),
    scenario!("refresh-not-needed", "a fresh token is given out without any request", not_needed),
    scenario!("refresh-soon-does-not-block", "past soon, the old token serves while the refresh is held up", soon),
    scenario!("refresh-soon-may-fail", "a refresh ahead of expiry that fails is nobody's trouble", soon_may_fail),
    scenario!("refresh-ahead", "the driver renews ahead of expiry without anybody asking", ahead),
    scenario!("refresh-lost-after-rotation", "a lost answer: the same refresh token again, nothing is lost", lost),
    scenario!(
        "refresh-lost-for-good",
        "a lost answer and a strict server: told as a sign-in, without a loop",
        lost_for_good
    ),
    scenario!("refresh-down-then-up", "server down: told with a time; up again: goes on", down_then_up),
    scenario!("refresh-down-many-callers", "20 callers and a dead server: one attempt, all are told", down_many),
    scenario!("refresh-retry-after", "429 with Retry-After: no second request before its time", retry_after),
    scenario!("refresh-retry-after-absurd", "an absurd Retry-After is bounded to an hour", retry_after_absurd),
    scenario!("refresh-retry-after-nonsense", "a Retry-After that nobody can read is a minute", retry_after_nonsense),
    scenario!("refresh-invalid-grant", "invalid_grant ends the session; nothing more is sent", invalid_grant),
    scenario!(
        "refresh-invalid-client",
        "invalid_client says nothing about the grant: the tokens are kept",
        invalid_client
    ),
    scenario!("refresh-html", "an HTML page from a proxy: the tokens are kept", html),
    scenario!("refresh-ok-with-error", "200 with an unknown error: the tokens are kept", ok_with_error),
    scenario!("refresh-odd-answer", "201, no token_type, expires_in as text: understood", odd_answer),
    scenario!("refresh-truncated", "half an answer: not a token, and not the end", truncated),
    scenario!("refresh-huge", "an answer of a gigabyte is not read", huge),
    scenario!("refresh-redirect", "a redirect of the token endpoint is not followed", redirect),
    scenario!("refresh-timeout", "no answer within the request's time: told, and tried again later", timeout),
    scenario!("refresh-unchanged", "the server answers the same access token: a success", unchanged),
    scenario!("refresh-by-hand", "refresh() brings another token although the old one is good", by_hand),
    scenario!("refresh-token-alone", "a refresh token alone is enough", token_alone),
    scenario!("refresh-nothing-to-renew-with", "expired, no refresh token: sign in, without a request", nothing),
    scenario!("refresh-clock-back", "a clock that is set back by a day does not prolong a token", clock_back),
    scenario!("refresh-callback", "the host's callback brings tokens: many callers, one question", callback),
    scenario!("refresh-callback-fails", "a callback that fails is told like a server that does", callback_fails),
    scenario!("refresh-callback-fails-first", "the same where nobody is signed in yet", callback_fails_first),
];

fn many_callers(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::slow(100).on_grant(REFRESH));
    let answer = callers(&mut harness, 20)?.ok()?;
    stage.keep_secret(&one_token(&answer)?);
    same(answer["results"].as_array().map(Vec::len), Some(20), "results")?;
    event(&mut harness, "token:refresh")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn not_needed(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    one_token(&callers(&mut harness, 5)?.ok()?)?;
    stage.end(harness);
    same(stage.counters().requests, 0, "requests")
}

fn soon(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(1000)?;
    let old = token(&mut harness)?;
    advance(&mut harness, 901)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    same(token(&mut harness)?, old.clone(), "the token while it lives")?;
    stage.seen(Endpoint::AccessToken, 1)?;
    same(token(&mut harness)?, old.clone(), "the token during the refresh")?;
    stage.simulator.release();
    event(&mut harness, "token:refresh")?;
    check(token(&mut harness)? != old, "the new token is not given out")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn soon_may_fail(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(1000)?;
    let old = token(&mut harness)?;
    advance(&mut harness, 901)?;
    stage.simulator.fault(Fault::status(503).on_grant(REFRESH));
    same(token(&mut harness)?, old.clone(), "the token before the attempt")?;
    event(&mut harness, "auth:error")?;
    same(token(&mut harness)?, old, "the token after the attempt")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn ahead(stage: &mut Stage<'_>) -> Done {
    let mut open = stage.open("a");
    open["config"]["refresh"] = json!({ "proactive": true, "soon_permille": [300, 400] });
    let mut harness = stage.signed_in_with(open, 2)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    event(&mut harness, "token:refresh")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn lost(stage: &mut Stage<'_>) -> Done {
    stage.simulator.configure(|options| options.reuse_grace_ms = 60_000);
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::cut_after().on_grant(REFRESH));
    no_token(&mut harness, "unavailable")?;
    advance(&mut harness, 10)?;
    token(&mut harness)?;
    let log = stage.simulator.log();
    let mut presented = log.iter().filter_map(|entry| entry.presented.as_ref()).map(|token| &token.fingerprint);
    let first = presented.next();
    check(first.is_some() && presented.next() == first, "it came with another refresh token")?;
    stage.end(harness);
    stage.refreshes(2)
}

fn lost_for_good(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::cut_after().on_grant(REFRESH));
    no_token(&mut harness, "unavailable")?;
    advance(&mut harness, 10)?;
    no_token(&mut harness, "sign_in_required")?;
    advance(&mut harness, 1000)?;
    no_token(&mut harness, "sign_in_required")?;
    stage.end(harness);
    same(stage.counters().refreshes_attempted, 2, "refreshes")
}

fn down_then_up(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.set_down(true);
    let error = no_token(&mut harness, "unavailable")?;
    check(error["retry_in"].as_i64().is_some_and(|wait| wait > 0 && wait < 60_000), &format!("when? {error}"))?;
    no_token(&mut harness, "unavailable")?;
    phase(&mut harness, "signed_in")?;
    stage.simulator.set_down(false);
    advance(&mut harness, 60)?;
    token(&mut harness)?;
    stage.end(harness);
    stage.refreshes(1)
}

fn down_many(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::new(FaultKind::Hold { after: false }).on_grant(REFRESH));
    stage.simulator.fault(Fault::cut_before().on_grant(REFRESH));
    let waiting = callers(&mut harness, 20)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    stage.simulator.fault(Fault::status(500).on_grant(REFRESH).always());
    stage.simulator.set_down(true);
    stage.simulator.release();
    // Some get the answer of the held request, others come too late for it: nobody waits for ever.
    waiting.ok()?;
    stage.end(harness);
    same(stage.counters().max_concurrent_grants, 1, "grant requests at a time")
}

fn retry_after(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::retry_after(429, "55").on_grant(REFRESH));
    let error = no_token(&mut harness, "unavailable")?;
    let wait = error["retry_in"].as_i64().unwrap_or(0);
    check((45_000..=55_000).contains(&wait), &format!("{wait} ms instead of 55 s"))?;
    advance(&mut harness, 40)?;
    no_token(&mut harness, "unavailable")?;
    harness.fail("refresh", A)?;
    same(stage.counters().refreshes_attempted, 1, "refreshes before the time")?;
    advance(&mut harness, 20)?;
    token(&mut harness)?;
    stage.end(harness);
    stage.refreshes(2)
}

fn bounded(stage: &mut Stage<'_>, header: &str, least: i64, most: i64) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(Fault::retry_after(429, header).on_grant(REFRESH));
    let error = no_token(&mut harness, "unavailable")?;
    let wait = error["retry_in"].as_i64().unwrap_or(0) / 1000;
    check((least..=most).contains(&wait), &format!("{wait} s is not within {least} to {most}"))?;
    stage.end(harness);
    stage.refreshes(1)
}

fn retry_after_absurd(stage: &mut Stage<'_>) -> Done {
    bounded(stage, "99999999999999999999", 3500, 3600)
}

fn retry_after_nonsense(stage: &mut Stage<'_>) -> Done {
    bounded(stage, "rand(30),add(30)", 45, 60)
}

fn invalid_grant(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    stage.simulator.revoke_all();
    all_fail(&callers(&mut harness, 5)?.ok()?, "sign_in_required")?;
    event(&mut harness, "client:InvalidRequestError")?;
    no_token(&mut harness, "sign_in_required")?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    same(stage.counters().refreshes_attempted, 1, "refreshes")
}

/// The first refresh meets this fault; the tokens are kept, and later it works.
fn survives(stage: &mut Stage<'_>, fault: Fault) -> Done {
    stage.simulator.configure(|options| options.reuse_grace_ms = 3_600_000);
    let mut harness = stage.signed_in(0)?;
    stage.simulator.fault(fault.on_grant(REFRESH));
    no_token(&mut harness, "unavailable")?;
    phase(&mut harness, "signed_in")?;
    advance(&mut harness, 600)?;
    token(&mut harness)?;
    stage.end(harness);
    stage.refreshes(2)
}

fn invalid_client(stage: &mut Stage<'_>) -> Done {
    survives(stage, Fault::error(401, "invalid_client"))
}

fn html(stage: &mut Stage<'_>) -> Done {
    survives(stage, Fault::html(502))
}

fn ok_with_error(stage: &mut Stage<'_>) -> Done {
    survives(stage, Fault::new(FaultKind::OkWithError { error: "slightly_wrong".to_owned() }))
}

fn truncated(stage: &mut Stage<'_>) -> Done {
    survives(stage, Fault::new(FaultKind::Truncated))
}

fn huge(stage: &mut Stage<'_>) -> Done {
    survives(stage, Fault::new(FaultKind::Huge { length: 1 << 30, send: Some(3 << 20) }))
}

fn redirect(stage: &mut Stage<'_>) -> Done {
    let location = stage.url("/v1/echo");
    survives(stage, Fault::new(FaultKind::Redirect { location }))?;
    same(stage.counters().api_calls, 0, "followed redirects")
}

fn timeout(stage: &mut Stage<'_>) -> Done {
    stage.simulator.configure(|options| options.reuse_grace_ms = 3_600_000);
    let mut open = stage.open("a");
    open["config"]["request_timeout"] = json!(2000);
    let mut harness = stage.signed_in_with(open, 0)?;
    stage.simulator.fault(Fault::slow(6000).on_grant(REFRESH));
    no_token(&mut harness, "unavailable")?;
    advance(&mut harness, 60)?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().refreshes_attempted, 2, "refreshes")
}

fn odd_answer(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    let set = serde_json::Map::from_iter([("expires_in".to_owned(), json!("3600"))]);
    let rewrite = FaultKind::Rewrite { set, remove: vec!["token_type".to_owned()] };
    stage.simulator.fault(Fault::new(rewrite).on_grant(REFRESH));
    token(&mut harness)?;
    event(&mut harness, "response:lenient")?;
    advance(&mut harness, 3600)?;
    stage.simulator.fault(Fault::new(FaultKind::WithStatus { status: 201 }).on_grant(REFRESH));
    token(&mut harness)?;
    stage.end(harness);
    stage.refreshes(2)
}

fn unchanged(stage: &mut Stage<'_>) -> Done {
    stage.simulator.configure(|options| options.same_token_within_ms = 86_400_000);
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    harness.ask("refresh", A)?;
    same(token(&mut harness)?, old, "the token")?;
    event(&mut harness, "token:refresh")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn by_hand(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    harness.ask("refresh", A)?;
    check(token(&mut harness)? != old, "the same token as before")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn token_alone(stage: &mut Stage<'_>) -> Done {
    let issued = stage.issue()?;
    let mut harness = stage.ready(stage.open("a"))?;
    let tokens = json!({ "refresh_token": issued.refresh_token }).to_string();
    harness.ask("adopt", json!({ "client": "a", "tokens": tokens }))?;
    one_token(&callers(&mut harness, 5)?.ok()?)?;
    stage.end(harness);
    stage.refreshes(1)
}

fn nothing(stage: &mut Stage<'_>) -> Done {
    let issued = stage.issue()?;
    let mut harness = stage.ready(stage.open("a"))?;
    let tokens = json!({ "access_token": issued.access_token, "expires_in": 60 }).to_string();
    harness.ask("adopt", json!({ "client": "a", "tokens": tokens }))?;
    token(&mut harness)?;
    advance(&mut harness, 60)?;
    no_token(&mut harness, "sign_in_required")?;
    stage.end(harness);
    same(stage.counters().requests, 0, "requests")
}

fn clock_back(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    advance(&mut harness, -86_400)?;
    same(token(&mut harness)?, old.clone(), "the token, still good")?;
    advance(&mut harness, 3600)?;
    check(token(&mut harness)? != old, "it lives longer than an hour")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn callback(stage: &mut Stage<'_>) -> Done {
    let (first, second) = (stage.issue()?, stage.issue()?);
    let mut open = stage.open("a");
    open["config"]["renewal"] = json!("host_token");
    open["host"] = json!([
        json!({ "access_token": first.access_token, "expires_in": 60 }).to_string(),
        format!("Bearer {}", second.access_token),
    ]);
    let mut harness = stage.ready(open)?;
    same(one_token(&callers(&mut harness, 10)?.ok()?)?, first.access_token, "the token")?;
    advance(&mut harness, 60)?;
    same(one_token(&callers(&mut harness, 10)?.ok()?)?, second.access_token, "the next token")?;
    stage.end(harness);
    same(stage.counters().requests, 0, "requests")
}

fn callback_fails(stage: &mut Stage<'_>) -> Done {
    let issued = stage.issue()?;
    let mut open = stage.open("a");
    open["config"]["renewal"] = json!("host_token");
    let first = json!({ "access_token": issued.access_token, "expires_in": 60 }).to_string();
    open["host"] = json!([first, null, issued.access_token]);
    let mut harness = stage.ready(open)?;
    token(&mut harness)?;
    advance(&mut harness, 60)?;
    no_token(&mut harness, "unavailable")?;
    advance(&mut harness, 60)?;
    token(&mut harness)?;
    stage.end(harness);
    Ok(())
}

fn callback_fails_first(stage: &mut Stage<'_>) -> Done {
    let issued = stage.issue()?;
    let mut open = stage.open("a");
    open["config"]["renewal"] = json!("host_token");
    open["host"] = json!([null, issued.access_token]);
    let mut harness = stage.ready(open)?;
    no_token(&mut harness, "unavailable")?;
    advance(&mut harness, 60)?;
    same(token(&mut harness)?, issued.access_token, "the token")?;
    stage.end(harness);
    Ok(())
}
