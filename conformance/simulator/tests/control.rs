//! The control API, the log, and the command.

mod common;

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use common::*;
use serde_json::{Value, json};
use webex_oauth_simulator::*;

fn change(sim: &Simulator, method: &str, path: &str, body: &Value) -> Got {
    let request = ureq::http::Request::builder().method(method).uri(sim.url(path));
    read(agent().run(request.body(body.to_string()).unwrap())).unwrap()
}

#[test]
fn the_log_tells_what_came_without_telling_any_secret() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let tokens = sign_in(&sim);
    let next = refresh(&sim, text(&tokens, "refresh_token")).json();
    call(&sim, "/v1/people/me", text(&next, "access_token"));
    let got = get(&sim.url("/_sim/log"));
    for secret in [CLIENT_SECRET, text(&tokens, "refresh_token"), text(&next, "access_token")] {
        assert!(!got.text.contains(secret));
    }
    let log = got.json();
    let entries = log["entries"].as_array().unwrap();
    let refresh = &entries[1];
    assert_eq!(refresh["endpoint"], "access_token");
    assert_eq!(refresh["grant_type"], "refresh_token");
    assert_eq!(refresh["fields"], json!(["grant_type", "refresh_token", "client_id", "client_secret"]));
    assert_eq!((&refresh["client_auth"], &refresh["client_id"]), (&json!("body"), &json!(CLIENT_ID)));
    assert_eq!((&refresh["outcome"], &refresh["status"]), (&json!("ok"), &json!(200)));
    let presented = json!({
        "fingerprint": fingerprint(text(&tokens, "refresh_token")),
        "kind": "refresh", "family": 1, "generation": 1, "state": "live",
    });
    assert_eq!(refresh["presented"], presented);
    assert_eq!(refresh["issued"][0]["generation"], 2);
    assert_eq!(entries[2]["presented"]["generation"], 2);
    assert_eq!(log["counters"]["refreshes_succeeded"], 1);
    let later = get(&sim.url("/_sim/log?after=2")).json();
    assert_eq!(later["entries"].as_array().unwrap().len(), 1);
    let typed: Vec<Entry> = serde_json::from_value(log["entries"].clone()).unwrap();
    assert_eq!(typed, sim.log());
    change(&sim, "DELETE", "/_sim/log", &Value::Null);
    assert_eq!((sim.log().len(), sim.counters().access_tokens_issued), (0, 0));
}

#[test]
fn faults_are_queued_listed_and_cleared() {
    let sim = start(Options::default());
    let two = json!([
        {"fault": "status", "status": 429, "retry_after": "1", "endpoint": "access_token", "times": 2},
        {"fault": "cut", "after": true, "grant_type": "refresh_token", "skip": 1, "times": null},
    ]);
    let got = control(&sim, "/_sim/faults", two);
    assert_eq!(got.json()["faults"].as_array().unwrap().len(), 2);
    control(&sim, "/_sim/faults", json!({"fault": "rewrite", "remove": ["token_type"]}));
    assert_eq!(sim.faults()[2], Fault::without("token_type"));
    let wrong = control(&sim, "/_sim/faults", json!({"fault": "explode"}));
    assert_eq!((wrong.status, wrong.json()["ok"].as_bool()), (400, Some(false)));
    change(&sim, "DELETE", "/_sim/faults", &Value::Null);
    assert_eq!(get(&sim.url("/_sim/faults")).json(), json!({"faults": []}));
}

#[test]
fn options_change_one_by_one_and_reset_brings_the_first_ones_back() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let got = change(&sim, "PATCH", "/_sim/options", &json!({"access_lifetime_ms": 5000, "auto_decision": "accept"}));
    assert_eq!((&got.json()["access_lifetime_ms"], &got.json()["rotate"]), (&json!(5000), &json!(true)));
    assert_eq!(sign_in(&sim)["expires_in"], 5);
    assert_eq!(control(&sim, "/_sim/options", json!({"acess_lifetime_ms": 1})).status, 400);
    control(&sim, "/_sim/reset", Value::Null);
    assert_eq!(sim.options(), Options { rotate: true, ..Options::default() });
    assert_eq!(sim.live_tokens(), []);
}

#[test]
fn tokens_are_issued_expired_and_revoked() {
    let sim = start(Options::default());
    let issued = control(&sim, "/_sim/issue", json!({"client_id": CLIENT_ID, "scope": "spark:all"})).json();
    assert_eq!(get(&sim.url("/_sim/tokens")).json()["live"].as_array().unwrap().len(), 2);
    assert_eq!(control(&sim, "/_sim/expire", json!({"access": true})).json(), json!({"expired": 1}));
    let next = refresh(&sim, text(&issued, "refresh_token")).json();
    let name = fingerprint(text(&next, "access_token"));
    assert_eq!(control(&sim, "/_sim/revoke", json!({"fingerprint": name})).json(), json!({"revoked": 1}));
    assert_eq!(control(&sim, "/_sim/revoke", json!({"family": issued["family"]})).json(), json!({"revoked": 1}));
    assert_eq!(control(&sim, "/_sim/revoke", json!({"token": "x"})).json(), json!({"revoked": 0}));
    sign_in(&sim);
    assert_eq!(control(&sim, "/_sim/revoke", json!({"all": true})).json(), json!({"revoked": 2}));
}

#[test]
fn the_person_is_played_from_outside() {
    let sim = start(Options::default());
    let visit = json!({"url": authorize_url(&sim, ""), "decision": "accept", "person": "alan@example.com"});
    let landed = control(&sim, "/_sim/authorize", visit).json();
    let tokens = exchange(&sim, &param(text(&landed, "redirect"), "code")).json();
    let me = call(&sim, "/v1/people/me", text(&tokens, "access_token")).json();
    assert_eq!(me["firstName"], "Alan");
    assert_eq!(control(&sim, "/_sim/authorize", json!({"url": "http://x/?client_id=no"})).status, 400);
    assert_eq!(control(&sim, "/_sim/device", json!({})).status, 404);
    let form = [("client_id", CLIENT_ID), ("scope", "spark:all")];
    post(&sim.url("/v1/device/authorize"), &form);
    assert_eq!(control(&sim, "/_sim/device", json!({"decision": "decline"})).status, 200);
}

#[test]
fn the_clock_goes_forward() {
    let sim = start(Options::default());
    let before = get(&sim.url("/_sim/clock")).json()["now_ms"].as_u64().unwrap();
    let after = control(&sim, "/_sim/clock", json!({"advance_ms": 1_000_000})).json();
    assert!(after["now_ms"].as_u64().unwrap() >= before + 1_000_000);
    sim.advance(std::time::Duration::MAX);
    assert_eq!(sim.now_ms(), u64::MAX);
    assert_eq!(sim.issue(CLIENT_ID, "spark:all").unwrap().expires_in, 1_209_599);
    assert_eq!(sim.live_tokens(), []);
}

#[test]
fn web_pages_have_no_business_with_the_control_api() {
    let sim = start(Options::default());
    let from = agent().get(sim.url("/_sim")).header("origin", "https://evil.example").call();
    assert_eq!(read(from).unwrap().status, 403);
    let rebound = agent().get(sim.url("/_sim")).header("host", "evil.example").call();
    assert_eq!(read(rebound).unwrap().status, 403);
    assert_eq!(get(&sim.url("/_sim")).json()["base_url"], sim.base_url());
}

#[test]
fn simulators_do_not_know_each_other_and_stop_when_dropped() {
    let (one, two) = (start(Options::default()), start(Options::default()));
    let tokens = sign_in(&one);
    assert_eq!(call(&two, "/v1/people/me", text(&tokens, "access_token")).status, 401);
    let url = one.url("/_sim");
    drop(one);
    assert!(agent().get(url).call().is_err());
    let port = two.base_url().rsplit(':').next().unwrap().parse().unwrap();
    assert!(Simulator::start(Options { port, ..Options::default() }).is_err());
}

#[test]
fn the_command_prints_json_and_ends_with_its_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_webex-oauth-simulator"))
        .args(["--json", "--stop-with-stdin", "--auto-accept", "--rotate", "--access-lifetime", "90s"])
        .args(["--fault", r#"{"fault":"status","status":503,"endpoint":"people_me"}"#])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(told["client_secret"], CLIENT_SECRET);
    let landed = get(text(&told, "authorize_url"));
    let callback = format!("{}/callback?code=", text(&told, "base_url"));
    assert!(landed.header("location").starts_with(&callback));
    let shown = get(landed.header("location"));
    assert!(shown.text.contains(&landed.landed("code")));
    let options = get(&format!("{}/options", text(&told, "control_url"))).json();
    assert_eq!((&options["access_lifetime_ms"], &options["rotate"]), (&json!(90_000), &json!(true)));
    assert_eq!(get(&format!("{}/v1/people/me", text(&told, "base_url"))).status, 503);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
