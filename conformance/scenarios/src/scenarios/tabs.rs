//! Several logins in browsers at once: in two tabs, over two processes, the same callback twice.

use serde_json::{Value, json};
use webex_oauth_simulator::{Decision, Endpoint, Fault};

use super::{Scenario, scenario};
use crate::harness::Harness;
use crate::stage::{A, Done, Stage, begin_login, check, complete, is_kind, phase, same, taken_in, token};

pub(super) const SCENARIOS: &[Scenario] = &[
    scenario!("logins-two-tabs", "a second login does not end the first: both callbacks are answered", two_tabs),
    scenario!("logins-two-tabs-crossed", "the second tab comes back first: both callbacks are answered", crossed),
    scenario!(
        "logins-two-tabs-at-once",
        "both come back while one code is exchanged: the later one counts, and each caller gets his own result",
        at_once
    ),
    scenario!("logins-two-tabs-mixed", "one tab's code with the other's state signs nobody in", mixed),
    scenario!(
        "logins-replayed",
        "a callback that comes again after a sign-out is nobody's; its code is redeemed once",
        replayed
    ),
    scenario!("logins-twice", "the same callback twice is done, and its code is redeemed once", twice),
    scenario!("logins-twice-at-once", "also while the code is exchanged", twice_at_once),
    scenario!("logins-other-worker", "begun by one process, completed by another that was open before", other_worker),
    scenario!("logins-other-worker-twice", "the same callback at both processes: done at both", other_worker_twice),
    scenario!("logins-cancel-one", "one login is given up by its URL, the other one is completed", cancel_one),
    scenario!("logins-device-beside", "a device that declines leaves a login in a browser alone", device_beside),
    scenario!("logins-ninth", "of nine logins the first is given up, the others wait", ninth),
];

/// Begins two logins, and has the user accept both: what their browsers come back with.
fn begin_two(stage: &Stage<'_>, harness: &mut Harness) -> Done<(String, String)> {
    let (one, two) = (begin_login(harness)?, begin_login(harness)?);
    Ok((stage.simulator.visit(&one, Decision::Accept)?, stage.simulator.visit(&two, Decision::Accept)?))
}

fn family(stage: &Stage<'_>, harness: &mut Harness) -> Done<Option<u64>> {
    let answer = harness.ask("call", stage.call("/v1/echo"))?;
    let body = answer["results"][0]["body"].as_str().unwrap_or_default();
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    Ok(body["token"]["family"].as_u64())
}

fn two_tabs(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (one, two) = begin_two(stage, &mut harness)?;
    harness.ask("complete_login", complete(&one))?;
    let first = token(&mut harness)?;
    harness.ask("complete_login", complete(&two))?;
    check(token(&mut harness)? != first, "the second login brought nothing")?;
    phase(&mut harness, "signed_in")?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 2, "grants")
}

fn crossed(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (one, two) = begin_two(stage, &mut harness)?;
    harness.ask("complete_login", complete(&two))?;
    let first = token(&mut harness)?;
    harness.ask("complete_login", complete(&one))?;
    check(token(&mut harness)? != first, "the first login brought nothing")?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 2, "grants")
}

fn at_once(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (one, two) = begin_two(stage, &mut harness)?;
    stage.simulator.fault(Fault::hold().at(Endpoint::AccessToken));
    let first = harness.give("complete_login", complete(&one))?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let second = harness.give("complete_login", complete(&two))?;
    is_kind(&first.error()?, "login_superseded")?;
    stage.simulator.release();
    second.ok()?;
    same(family(stage, &mut harness)?, Some(2), "whose tokens they are")?;
    stage.end(harness);
    same(stage.counters().code_replays, 0, "replayed codes")
}

fn mixed(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (one, two) = begin_two(stage, &mut harness)?;
    let part = |callback: &str, name: &str| {
        let (_, query) = callback.split_once('?')?;
        query.split('&').find_map(|pair| pair.strip_prefix(name)).map(str::to_owned)
    };
    let (code, state) = (part(&one, "code=").ok_or("no code")?, part(&two, "state=").ok_or("no state")?);
    let callback = format!("http://localhost/oauth?code={code}&state={state}");
    let error = harness.fail("complete_login", complete(&callback))?;
    is_kind(&error, "login_failed")?;
    same(error["code"].as_str(), Some("invalid_grant"), "the code")?;
    same(harness.ask("status", A)?["can_authorize"].as_bool(), Some(false), "whether somebody is signed in")?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 0, "grants")
}

fn replayed(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    // While its session is there it is done: see `logins-twice`. Once the user has signed out it is over.
    harness.ask("sign_out", A)?;
    is_kind(&harness.fail("complete_login", complete(&landed))?, "callback_ignored")?;
    phase(&mut harness, "signed_out")?;
    stage.end(harness);
    same(stage.counters().code_replays, 0, "replayed codes")?;
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn twice(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    let first = token(&mut harness)?;
    harness.ask("complete_login", complete(&landed))?;
    same(token(&mut harness)?, first, "the token after it")?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn twice_at_once(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    stage.simulator.fault(Fault::hold().at(Endpoint::AccessToken));
    let first = harness.give("complete_login", complete(&landed))?;
    stage.seen(Endpoint::AccessToken, 1)?;
    let second = harness.give("complete_login", complete(&landed))?;
    taken_in();
    stage.simulator.release();
    first.ok()?;
    second.ok()?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn other_worker(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut first = stage.ready(stage.open_on("a", &store))?;
    let mut second = stage.ready(stage.open_on("a", &store))?;
    let url = begin_login(&mut first)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    second.ask("complete_login", complete(&landed))?;
    let brought = token(&mut second)?;
    same(token(&mut first)?, brought, "the token of the one that began it")?;
    stage.end(first);
    stage.end(second);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn other_worker_twice(stage: &mut Stage<'_>) -> Done {
    let store = stage.file();
    let mut first = stage.ready(stage.open_on("a", &store))?;
    let mut second = stage.ready(stage.open_on("a", &store))?;
    let url = begin_login(&mut first)?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    second.ask("complete_login", complete(&landed))?;
    second.ask("complete_login", complete(&landed))?;
    stage.end(second);
    let mut third = stage.ready(stage.open_on("a", &store))?;
    third.ask("complete_login", complete(&landed))?;
    token(&mut third)?;
    stage.end(third);
    stage.end(first);
    same(stage.counters().grants_attempted, 1, "grant requests")?;
    same(stage.counters().code_replays, 0, "replayed codes")
}

fn cancel_one(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let (one, two) = (begin_login(&mut harness)?, begin_login(&mut harness)?);
    harness.ask("cancel_login", json!({ "client": "a", "of": one }))?;
    let given_up = stage.simulator.visit(&one, Decision::Accept)?;
    is_kind(&harness.fail("complete_login", complete(&given_up))?, "callback_ignored")?;
    let landed = stage.simulator.visit(&two, Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_attempted, 1, "grant requests")
}

fn device_beside(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let url = begin_login(&mut harness)?;
    let device = harness.give("login_device", A)?;
    stage.seen(Endpoint::DeviceAuthorize, 1)?;
    while !stage.simulator.decide_device(None, Decision::Decline) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    is_kind(&device.error()?, "login_failed")?;
    phase(&mut harness, "signing_in")?;
    let landed = stage.simulator.visit(&url, Decision::Accept)?;
    harness.ask("complete_login", complete(&landed))?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 1, "grants")
}

fn ninth(stage: &mut Stage<'_>) -> Done {
    let mut harness = stage.ready(stage.open("a"))?;
    let urls = (0..9).map(|_| begin_login(&mut harness)).collect::<Done<Vec<_>>>()?;
    let landed = urls.iter().map(|url| Ok(stage.simulator.visit(url, Decision::Accept)?)).collect::<Done<Vec<_>>>()?;
    is_kind(&harness.fail("complete_login", complete(&landed[0]))?, "callback_ignored")?;
    harness.ask("complete_login", complete(&landed[1]))?;
    harness.ask("complete_login", complete(&landed[8]))?;
    token(&mut harness)?;
    stage.end(harness);
    same(stage.counters().grants_succeeded, 2, "grants")
}
