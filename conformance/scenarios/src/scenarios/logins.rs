//! Ways to sign in, and how they end.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use webex_oauth::protocol::jwt::{GuestJwt, Lifetime, guest_jwt};
use webex_oauth::{Entropy, Timestamp};
use webex_oauth_simulator::{
    Decision, Endpoint, Fault, GUEST_ISSUER_ID, GUEST_ISSUER_SECRET, SERVICE_APP_ID, SERVICE_APP_SECRET,
};

use super::{Scenario, scenario};
use crate::harness::Harness;
use crate::stage::{
    A, CALLBACK, Done, Stage, advance, begin_login, check, complete, event, is_kind, no_token, phase, same, token,
};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("logins-code", "a login in the browser: code, PKCE, tokens", code),
    scenario!("logins-declined", "the user declines: told with the code, nothing is sent", declined),
    scenario!("logins-forged", "a forged callback is ignored and leaves the login pending", forged),
    scenario!("logins-cancelled", "a cancelled login leaves the session before it alone", cancelled),
    scenario!("logins-too-late", "a callback after the login's time is ignored", too_late),
    scenario!("logins-exchange-fails", "an exchange that fails leaves the session before it alone", exchange_fails),
    scenario!(
        "logins-superseded",
        "a second sign-in supersedes the first: each caller gets his own result",
        superseded
    ),
    scenario!("logins-joined", "the same sign-in twice is one request", joined),
    scenario!("logins-mistake", "a call that is a mistake leaves a login under way alone", mistake),
    scenario!("logins-during-refresh", "a login that ends during a refresh: its tokens stay", during_refresh),
    scenario!("logins-implicit", "the implicit grant: a token in the fragment, nothing to renew it with", implicit),
    scenario!("logins-device", "a device waits until the user has decided", device),
    scenario!("logins-device-declined", "the user declines on the device", device_declined),
    scenario!(
        "logins-device-clock-back",
        "a clock that is set back while a device waits: it polls on",
        device_clock_back
    ),
    scenario!("logins-guest", "a guest's JWT becomes a token", guest),
    scenario!("logins-service-app", "client credentials, renewed by themselves; and a guest of the app", service_app),
    scenario!("logins-browser", "the driver's own listener: strays change nothing, the page says how it went", browser),
    scenario!("logins-browser-declined", "the page says that the user declined", browser_declined),
    scenario!("logins-browser-abandoned", "nobody comes back: it ends in time and the port is free again", abandoned),
];

fn code(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    check(url.contains("code_challenge_method=S256"), "no PKCE")?;
    phase(&mut harness, "signing_in")?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    event(&mut harness, "ready")?;
    stage.keep_secret(&token(&mut harness)?);
    stage.end(harness);
    let log = stage.simulator.log();
    check(log.iter().any(|entry| entry.fields.iter().any(|name| name == "code_verifier")), "no verifier")
}

fn declined(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Decline)?;
    let error = harness.fail("complete_login", complete(&landed))?;
    is_kind(&error, "login_failed")?;
    same(error["code"].as_str(), Some("access_denied"), "the code")?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 0, "grant requests")
}

fn forged(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    let callbacks = [
        (format!("{CALLBACK}?code=stolen-code-1&state=forged"), "wrong_state"),
        (format!("{CALLBACK}?code=stolen-code-1"), "wrong_state"),
        (format!("{CALLBACK}?error=access_denied&state=forged"), "wrong_state"),
        (format!("{CALLBACK}#section"), "not_a_callback"),
        ("http://localhost/elsewhere?code=stolen-code-1&state=forged".to_owned(), "other_url"),
    ];
    stage.keep_secret("stolen-code-1");
    for (callback, reason) in callbacks {
        let error = harness.fail("complete_login", complete(&callback))?;
        is_kind(&error, "callback_ignored")?;
        same(error["reason"].as_str(), Some(reason), &callback)?;
    }
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn cancelled(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    let url = begin_login(&mut harness)?;
    same(token(&mut harness)?, old.clone(), "the token during the login")?;
    harness.ask("cancel_login", A)?;
    phase(&mut harness, "signed_in")?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    is_kind(&harness.fail("complete_login", complete(&landed))?, "callback_ignored")?;
    same(token(&mut harness)?, old, "the token after it")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 0, "grant requests")
}

fn too_late(stage: &mut Stage<'_>) -> Done {
    let mut open = stage.open("a");
    open["config"]["login_lifetime"] = json!(60_000);
    let mut harness = stage.ready(open)?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    advance(&mut harness, 61)?;
    let error = harness.fail("complete_login", complete(&landed))?;
    check(error["kind"] == "callback_ignored" || error["kind"] == "login_failed", &error.to_string())?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 0, "grant requests")
}

fn exchange_fails(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    stage.simulator.fault(Fault::error(400, "invalid_grant").at(Endpoint::AccessToken));
    is_kind(&harness.fail("complete_login", complete(&landed))?, "login_failed")?;
    event(&mut harness, "auth:error")?;
    phase(&mut harness, "signed_in")?;
    same(token(&mut harness)?, old, "the token")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

pub(super) fn jwt(subject: &str) -> Done<String> {
    let guest = GuestJwt {
        subject: Some(subject.to_owned()),
        display_name: None,
        issuer: GUEST_ISSUER_ID.to_owned(),
        secret: GUEST_ISSUER_SECRET.into(),
        lifetime: Lifetime::Text("1h".to_owned()),
    };
    let entropy: Vec<u8> = (0..64).collect();
    let entropy = Entropy::new(&entropy).map_err(|error| error.to_string())?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let now = Timestamp::from_secs(i64::try_from(now.as_secs()).unwrap_or(0));
    let jwt = guest_jwt(&guest, now, &entropy).map_err(|error| error.to_string())?;
    Ok(jwt.expose().to_owned())
}

fn superseded(stage: &mut Stage<'_>) -> Done {
    let (one, two) = (jwt("one")?, jwt("two")?);
    stage.keep_secret(&one);
    let mut harness = stage.ready(stage.open("a"))?;
    stage.simulator.fault(Fault::hold().at(Endpoint::JwtLogin));
    let first = harness.give("login_jwt", json!({ "client": "a", "jwt": one }))?;
    stage.seen(Endpoint::JwtLogin, 1)?;
    let second = harness.give("login_jwt", json!({ "client": "a", "jwt": two }))?;
    is_kind(&first.error()?, "login_superseded")?;
    stage.simulator.release();
    second.ok()?;
    let answer = harness.ask("call", stage.call("/v1/echo"))?;
    let body = answer["results"][0]["body"].as_str().unwrap_or_default();
    check(body.contains("two") && !body.contains("one\""), &format!("it is not the second guest: {body}"))?;
    stage.end(harness);
    Ok(())
}

fn joined(stage: &mut Stage<'_>) -> Done {
    let jwt = jwt("one")?;
    let mut harness = stage.ready(stage.open("a"))?;
    stage.simulator.fault(Fault::hold().at(Endpoint::JwtLogin));
    let first = harness.give("login_jwt", json!({ "client": "a", "jwt": jwt }))?;
    stage.seen(Endpoint::JwtLogin, 1)?;
    let second = harness.give("login_jwt", json!({ "client": "a", "jwt": jwt }))?;
    // Nothing tells that the second sign-in has been taken in.
    std::thread::sleep(std::time::Duration::from_secs(1));
    phase(&mut harness, "signing_in")?;
    stage.simulator.release();
    first.ok()?;
    second.ok()?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn mistake(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let login = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceToken, 1)?;
    is_kind(&harness.fail("login_jwt", json!({ "client": "a", "jwt": "not a JWT" }))?, "misuse")?;
    check(stage.simulator.decide_device(None, Decision::Accept), "no device waits")?;
    login.ok()?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 1, "grants")
}

fn during_refresh(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(0)?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    stage.simulator.fault(Fault::hold().on_grant(crate::stage::REFRESH));
    let waiting = harness.give("token", A)?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let login = harness.give("complete_login", complete(&landed))?;
    phase(&mut harness, "signing_in")?;
    stage.simulator.release();
    login.ok()?;
    waiting.ok()?;
    let answer = harness.ask("call", stage.call("/v1/echo"))?;
    let body: Value =
        serde_json::from_str(answer["results"][0]["body"].as_str().unwrap_or_default()).unwrap_or_default();
    same(body["token"]["family"].as_u64(), Some(2), "whose tokens they are")?;
    stage.end(harness);
    same(stage.counters().max_concurrent_grants, 1, "grant requests at a time")
}

fn implicit(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let begin = json!({ "client": "a", "redirect_uri": CALLBACK, "flow": "implicit" });
    let begun = harness.ask("begin_login", begin)?;
    let landed = stage.simulator.visit(begun["url"].as_str().unwrap_or_default(), Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    token(&mut harness)?;
    let status = harness.ask("status", A)?;
    check(status["can_refresh"] == false, "it says that it can refresh")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 0, "grant requests")
}

fn device(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let login = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceToken, 1)?;
    check(stage.simulator.decide_device(None, Decision::Accept), "no device waits")?;
    login.ok()?;
    token(&mut harness)?;
    stage.end(harness);
    let slowed = stage.simulator.log().iter().filter(|entry| entry.outcome == "slow_down").count();
    same(slowed, 0, "polls that came too early")
}

fn device_clock_back(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let login = harness.give("login_device", A)?;
    // The answer to a poll is in, and the next poll has its time by the clock as it was.
    event(&mut harness, "auth:pending")?;
    advance(&mut harness, -3600)?;
    check(stage.simulator.decide_device(None, Decision::Accept), "no device waits")?;
    login.ok()?;
    token(&mut harness)?;
    stage.end(harness);
    Ok(())
}

fn device_declined(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.signed_in(3600)?;
    let old = token(&mut harness)?;
    let login = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceAuthorize, 1)?;
    while !stage.simulator.decide_device(None, Decision::Decline) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    is_kind(&login.error()?, "login_failed")?;
    same(token(&mut harness)?, old, "the token")?;
    stage.end(harness);
    Ok(())
}

fn guest(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    harness.ask("login_jwt", json!({ "client": "a", "jwt": jwt("visitor")? }))?;
    token(&mut harness)?;
    is_kind(&harness.fail("login_jwt", json!({ "client": "a", "jwt": "not a JWT" }))?, "misuse")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn service_app(stage: &mut Stage<'_>) -> Done {
    let mut open = stage.open("a");
    open["config"]["client_id"] = json!(SERVICE_APP_ID);
    open["config"]["client_secret"] = json!(SERVICE_APP_SECRET);
    open["config"]["scope"] = json!("guest-issuer:write");
    let mut harness = stage.ready(open.clone())?;
    harness.ask("login_client_credentials", A)?;
    let first = token(&mut harness)?;
    advance(&mut harness, 15 * 86_400)?;
    let second = token(&mut harness)?;
    check(first != second, "it was not renewed")?;
    open["client"] = json!("b");
    harness.ask("open", open)?;
    let guest = json!({ "client": "b", "service_token": second, "subject": "g", "display_name": "G" });
    harness.ask("login_guest", guest)?;
    stage.end(harness);
    same(stage.counters().refreshes_attempted, 0, "refreshes")
}

/// A browser without a cache, a page or a doubt.
fn visit(url: &str) -> Done<String> {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).ok_or("not a loopback URL")?;
    let failed = |error: std::io::Error| format!("{url}: {error}");
    let mut stream = TcpStream::connect(host).map_err(failed)?;
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n").map_err(failed)?;
    let mut page = Vec::new();
    stream.read_to_end(&mut page).map_err(failed)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

fn status(page: &str) -> Option<u16> {
    page.split(' ').nth(1)?.parse().ok()
}

/// Begins a login with the driver's own listener; answers the callback that the user's decision leads to.
fn listen(stage: &Stage<'_>, harness: &mut Harness, decision: Decision) -> Done<(crate::harness::Pending, String)> {
    let login = harness.give("login_browser", json!({ "client": "a", "limit": 20_000 }))?;
    let progress = login.progress()?;
    let url = progress["url"].as_str().ok_or_else(|| format!("no URL: {progress}"))?;
    let landed = stage.simulator.visit(url, decision)?;
    Ok((login, landed))
}

fn browser(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (login, landed) = listen(stage, &mut harness, Decision::Accept)?;
    let base = landed.split('?').next().unwrap_or_default().to_owned();
    let origin = base.rsplit_once('/').map_or(base.as_str(), |(origin, _)| origin).to_owned();
    let host = origin.trim_start_matches("http://");
    let silent = TcpStream::connect(host).map_err(|error| error.to_string())?;
    same(status(&visit(&format!("{origin}/favicon.ico"))?), Some(404), "the status of the favicon")?;
    visit(&format!("{base}?code=c&state=forged"))?;
    visit(&base)?;
    if let Ok(mut garbage) = TcpStream::connect(host) {
        // It may hang up on this at any time.
        let _ = garbage.write_all(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n");
    }
    let page = visit(&landed)?;
    login.ok()?;
    drop(silent);
    same(status(&page), Some(200), "the status of the page")?;
    let head = page.to_ascii_lowercase();
    check(head.contains("content-security-policy: default-src 'none'"), "no strict policy on the page")?;
    let code = landed.split("code=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or("?");
    check(!page.contains(code), "the page repeats the code")?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn browser_declined(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (login, landed) = listen(stage, &mut harness, Decision::Decline)?;
    let page = visit(&landed)?;
    check(page.contains("eclined"), &page)?;
    is_kind(&login.error()?, "login_failed")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 0, "grant requests")
}

fn abandoned(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.map_err(|error| error.to_string())?.port();
    let login = json!({ "client": "a", "limit": 1500, "redirect_uri": format!("http://127.0.0.1:{port}/callback") });
    for _ in 0..2 {
        let pending = harness.give("login_browser", login.clone())?;
        pending.progress()?;
        is_kind(&pending.error()?, "timeout")?;
    }
    phase(&mut harness, "signed_out")?;
    no_token(&mut harness, "sign_in_required")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 0, "grant requests")
}
