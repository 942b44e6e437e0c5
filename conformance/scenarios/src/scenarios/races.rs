//! Two things of one client at the same time: what only a driver that really runs can get wrong.

use serde_json::{Value, json};
use webex_oauth_driver::{FileStore, Store as _};
use webex_oauth_simulator::{Decision, Endpoint, Fault};

use super::logins::jwt;
use super::{Scenario, scenario};
use crate::stage::{
    A, Done, REFRESH, Stage, advance, all_fail, all_status, callers, check, is_kind, no_token, one_token, phase, same,
    taken_in, token,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("races-six-sign-ins", "the same sign-in by six callers is one request, and all six succeed", six),
    scenario!("races-adopt-during-device", "adopting supersedes a device login: its waiter is told so", adopt),
    scenario!("races-refresh-during-poll", "refresh() while a device is polled for: another token", during_poll),
    scenario!("races-refresh-counts-its-own", "refresh() during a renewal waits for the next one", counts_its_own),
    scenario!("races-cancel-one-then-login", "a login that was cancelled does not cancel the next one", cancel_next),
    scenario!(
        "races-close-during-429",
        "closed while a call waits out a 429: that is the answer, at once",
        close_during_429
    ),
    scenario!(
        "races-close-during-call",
        "closed while the API thinks: its 401 is the answer, nothing follows",
        close_401
    ),
    scenario!(
        "races-close-during-lock",
        "closed while the lock is held elsewhere: nothing is sent, then or later",
        lock
    ),
    scenario!(
        "races-close-during-device",
        "closed while a device is polled for: told, and no poll follows",
        close_device
    ),
    scenario!(
        "races-close-twice",
        "closed by two at once: both come back when what is under way is stored",
        close_twice
    ),
    scenario!("races-sign-out-during-refresh", "a sign-out during a renewal: its tokens do not come back", sign_out),
    scenario!("races-thousand-callers", "1,000 callers on an expired token: one renewal, one token", thousand),
    scenario!("races-jwt-callback", "the host's JWT: many callers, one question, another token", jwt_callback),
    scenario!(
        "races-jwt-unusable",
        "a JWT of the host that is none: told at once, and asked again later",
        jwt_unusable
    ),
    scenario!(
        "races-call-401-under-429",
        "401 after the wait of a 429: one renewal, one more call",
        call_401_after_429
    ),
];

fn of_a(member: &str, value: &str) -> Value {
    json!({ "client": "a", member: value })
}

fn six(stage: &mut Stage<'_>) -> Done {
    let jwt = jwt("one of six")?;
    let mut harness = stage.ready(stage.open("a"))?;
    stage.simulator.fault(Fault::hold().at(Endpoint::JwtLogin));
    let logins = (0..6).map(|_| harness.give("login_jwt", of_a("jwt", &jwt))).collect::<Done<Vec<_>>>()?;
    stage.seen(Endpoint::JwtLogin, 1)?;
    taken_in();
    stage.simulator.release();
    for login in logins {
        login.ok()?;
    }
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn adopt(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let device = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceToken, 1)?;
    let adopt = stage.adopt("a", 3600)?;
    harness.ask("adopt", adopt)?;
    is_kind(&device.error()?, "login_superseded")?;
    let adopted = token(&mut harness)?;
    // Whoever decides now decides too late.
    stage.simulator.decide_device(None, Decision::Accept);
    std::thread::sleep(std::time::Duration::from_millis(1500));
    same(token(&mut harness)?, adopted, "the token")?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 0, "grants")
}

fn during_poll(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    stage.simulator.fault(Fault::hold().at(Endpoint::DeviceToken));
    let device = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceToken, 1)?;
    let refresh = harness.give("refresh", A)?;
    taken_in();
    stage.simulator.release();
    refresh.ok()?;
    let new = token(&mut harness)?;
    check(new != old, "refresh() is done, and the token is the old one")?;
    check(stage.simulator.decide_device(None, Decision::Accept), "no device waits")?;
    device.ok()?;
    check(token(&mut harness)? != new, "the device's sign-in brought no token")?;
    stage.end(harness);
    stage.refreshes(1)
}

fn counts_its_own(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let first = harness.give("refresh", A)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let later = (0..3).map(|_| harness.give("refresh", A)).collect::<Done<Vec<_>>>()?;
    taken_in();
    stage.simulator.release();
    first.ok()?;
    for refresh in later {
        refresh.ok()?;
    }
    stage.end(harness);
    stage.refreshes(2)
}

fn cancel_next(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    stage.simulator.fault(Fault::hold().at(Endpoint::JwtLogin));
    let first = harness.give("login_jwt", of_a("jwt", &jwt("first")?))?;
    stage.seen(Endpoint::JwtLogin, 1)?;
    harness.ask("cancel_login", json!({ "client": "a" }))?;
    is_kind(&first.error()?, "login_cancelled")?;
    let second = harness.give("login_jwt", of_a("jwt", &jwt("second")?))?;
    taken_in();
    stage.simulator.release();
    second.ok()?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 2, "grant requests")
}

fn close_during_429(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::retry_after(429, "15").at(Endpoint::PeopleMe));
    let call = harness.give("call", stage.call("/v1/people/me"))?;
    stage.seen(Endpoint::PeopleMe, 1)?;
    taken_in();
    let begun = std::time::Instant::now();
    harness.ask("close", A)?;
    all_status(&call.ok()?, 429)?;
    check(begun.elapsed() < std::time::Duration::from_secs(10), "the wait was sat out")?;
    stage.end(harness);
    same(stage.counters().api_calls, 1, "calls")
}

fn close_401(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.expire_access_tokens();
    stage.simulator.fault(Fault::hold().at(Endpoint::PeopleMe));
    let call = harness.give("call", stage.call("/v1/people/me"))?;
    stage.seen(Endpoint::PeopleMe, 1)?;
    harness.ask("close", A)?;
    stage.simulator.release();
    all_status(&call.ok()?, 401)?;
    stage.end(harness);
    same(stage.counters().requests, 1, "requests")
}

fn lock(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let ours = FileStore::new(stage.path("session.json"));
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    let held = ours.try_lock().map_err(|error| error.to_string())?;
    check(held.is_some(), "the lock is not free")?;
    let waiting = callers(&mut harness, 3)?;
    taken_in();
    harness.ask("close", A)?;
    all_fail(&waiting.ok()?, "closed")?;
    drop(held);
    taken_in();
    stage.end(harness);
    let free = ours.try_lock().map_err(|error| error.to_string())?;
    check(free.is_some(), "the lock was taken by a client that is closed")?;
    drop(free);
    same(stage.counters().requests, 0, "requests")?;
    let mut next = stage.ready(stage.open_on("a", &store))?;
    token(&mut next)?;
    stage.end(next);
    stage.refreshes(1)
}

fn close_device(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let device = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceToken, 1)?;
    harness.ask("close", A)?;
    is_kind(&device.error()?, "closed")?;
    let polls = stage.requests_at(Endpoint::DeviceToken);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    stage.end(harness);
    same(stage.requests_at(Endpoint::DeviceToken), polls, "polls")
}

fn close_twice(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let waiting = callers(&mut harness, 1)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let (one, two) = (harness.give("close", A)?, harness.give("close", A)?);
    all_fail(&waiting.ok()?, "closed")?;
    stage.simulator.release();
    one.ok()?;
    two.ok()?;
    stage.end(harness);
    let mut next = stage.ready(stage.open_on("a", &store))?;
    token(&mut next)?;
    stage.end(next);
    stage.refreshes(1)
}

fn sign_out(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut harness = stage.signed_in_with(stage.open_on("a", &store), 0)?;
    stage.simulator.fault(Fault::hold().on_grant(REFRESH));
    let waiting = callers(&mut harness, 3)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let leaving = harness.give("sign_out", A)?;
    all_fail(&waiting.ok()?, "sign_in_required")?;
    stage.simulator.release();
    leaving.ok()?;
    no_token(&mut harness, "sign_in_required")?;
    phase(&mut harness, "signed_out")?;
    harness.ask("close", A)?;
    stage.end(harness);
    let mut next = stage.ready(stage.open_on("a", &store))?;
    no_token(&mut next, "sign_in_required")?;
    stage.end(next);
    stage.refreshes(1)
}

fn thousand(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    one_token(&callers(&mut harness, 1000)?.ok()?)?;
    stage.end(harness);
    stage.refreshes(1)
}

/// A client whose host answers the question for a JWT with these, one after the other.
fn with_jwts(stage: &Stage<'_>, jwts: &Value) -> Value {
    let mut open = stage.open("a");
    open["config"]["renewal"] = json!("host_jwt");
    open["host"] = jwts.clone();
    open
}

fn jwt_callback(stage: &mut Stage<'_>) -> Done {
    let (first, second) = (jwt("visitor")?, jwt("visitor")?);
    let mut harness = stage.ready(with_jwts(stage, &json!([first, second])))?;
    let old = one_token(&callers(&mut harness, 10)?.ok()?)?;
    advance(&mut harness, 15 * 86_400)?;
    check(one_token(&callers(&mut harness, 10)?.ok()?)? != old, "the token that has ended")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 2, "grant requests")
}

fn jwt_unusable(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(with_jwts(stage, &json!(["no JWT", jwt("visitor")?])))?;
    let begun = std::time::Instant::now();
    no_token(&mut harness, "unavailable")?;
    check(begun.elapsed() < std::time::Duration::from_secs(10), "the question was left open")?;
    advance(&mut harness, 60)?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn call_401_after_429(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    stage.simulator.fault(Fault::retry_after(429, "1").at(Endpoint::PeopleMe));
    let call = harness.give("call", stage.call("/v1/people/me"))?;
    stage.seen(Endpoint::PeopleMe, 1)?;
    stage.simulator.expire_access_tokens();
    all_status(&call.ok()?, 200)?;
    stage.end(harness);
    same(stage.counters().api_calls, 3, "calls")?;
    stage.refreshes(1)
}
