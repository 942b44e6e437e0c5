//! The device grant: start, poll, decide.

mod common;

use std::time::Duration;

use common::*;
use serde_json::Value;
use webex_oauth_simulator::*;

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn begin(sim: &Simulator) -> Value {
    let form = [("client_id", CLIENT_ID), ("scope", "spark:people_read")];
    let got = post(&sim.url("/v1/device/authorize"), &form);
    assert_eq!(got.status, 200);
    got.json()
}

fn poll_at(sim: &Simulator, path: &str, started: &Value) -> Got {
    let form = [
        ("grant_type", GRANT),
        ("device_code", text(started, "device_code")),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    post(&sim.url(path), &form)
}

fn poll(sim: &Simulator, started: &Value) -> Got {
    poll_at(sim, "/v1/device/token", started)
}

#[test]
fn a_device_waits_for_the_person() {
    let sim = start(Options::default());
    let started = begin(&sim);
    assert_eq!((&started["expires_in"], &started["interval"]), (&300.into(), &2.into()));
    assert_eq!(text(&started, "user_code").len(), 6);
    let pending = poll(&sim, &started);
    assert_eq!((pending.status, pending.json()["message"].as_str()), (428, Some("authorization_pending")));
    assert!(sim.decide_device(Some(text(&started, "user_code")), Decision::Accept));
    sim.advance(Duration::from_secs(2));
    let tokens = poll(&sim, &started).json();
    assert_eq!(tokens["scope"], "spark:people_read");
    assert!(!text(&tokens, "refresh_token").is_empty());
    sim.advance(Duration::from_secs(2));
    assert_eq!(poll(&sim, &started).json()["message"], "invalid_grant");
}

#[test]
fn who_polls_too_early_has_to_wait_five_seconds_more_for_good() {
    let sim = start(Options::default());
    let started = begin(&sim);
    let after = |seconds| {
        sim.advance(Duration::from_secs(seconds));
        text(&poll(&sim, &started).json(), "message").to_owned()
    };
    assert_eq!(after(0), "authorization_pending");
    assert_eq!(after(1), "slow_down");
    assert_eq!(after(7), "authorization_pending");
    assert_eq!(after(6), "slow_down");
    assert_eq!(after(12), "authorization_pending");
}

#[test]
fn declining_and_waiting_too_long_end_it() {
    let sim = start(Options::default());
    let started = begin(&sim);
    assert!(sim.decide_device(None, Decision::Decline));
    let got = poll(&sim, &started);
    assert_eq!((got.status, got.json()["message"].as_str()), (400, Some("access_denied")));
    let started = begin(&sim);
    sim.advance(Duration::from_secs(300));
    assert_eq!(poll(&sim, &started).json()["message"], "expired_token");
    assert!(!sim.decide_device(None, Decision::Accept));
}

#[test]
fn the_oauth_style_answers_400_while_nobody_has_decided() {
    let sim = start(Options::default());
    let got = poll_at(&sim, "/idb/oauth2/v1/access_token", &begin(&sim));
    assert_eq!((got.status, got.json()["error"].as_str()), (400, Some("authorization_pending")));
}

#[test]
fn a_person_types_the_code_and_accepts() {
    let sim = start(Options::default());
    let started = begin(&sim);
    assert!(get(text(&started, "verification_uri")).text.contains("name=user_code"));
    let page = get(text(&started, "verification_uri_complete"));
    assert!(page.text.contains("spark:people_read"));
    let accept = page.text.split("id=accept").nth(1).unwrap().split('"').nth(1).unwrap();
    let done = get(&sim.url(&accept.replace("&amp;", "&")));
    assert!(done.text.contains("Device signed in"));
    assert_eq!(poll(&sim, &started).status, 200);
    assert_eq!(get(&sim.url("/verify?user_code=000000x")).status, 404);
}

#[test]
fn without_a_person_the_query_or_the_option_decides() {
    let sim = start(Options::default());
    let started = begin(&sim);
    get(&format!("{}&auto=accept&person=person-alan", text(&started, "verification_uri_complete")));
    let tokens = poll(&sim, &started).json();
    let me = call(&sim, "/v1/people/me", text(&tokens, "access_token")).json();
    assert_eq!(me["firstName"], "Alan");
    sim.configure(|options| options.auto_decision = Some(Decision::Accept));
    assert_eq!(poll(&sim, &begin(&sim)).status, 200);
}

#[test]
fn foreign_clients_codes_and_grants_are_refused() {
    let sim = start(Options::default());
    let url = sim.url("/v1/device/token");
    let message = |form: &[(&str, &str)]| text(&post(&url, form).json(), "message").to_owned();
    let public = ("client_id", PUBLIC_CLIENT_ID);
    let started = begin(&sim);
    let code = ("device_code", text(&started, "device_code"));
    assert_eq!(message(&[("grant_type", GRANT), public, code]), "invalid_grant");
    assert_eq!(message(&[("grant_type", GRANT), public, ("device_code", "x")]), "invalid_grant");
    assert_eq!(message(&[("grant_type", "refresh_token"), public]), "unsupported_grant_type");
    let start = sim.url("/v1/device/authorize");
    assert_eq!(post(&start, &[public, ("scope", "unheard")]).json()["message"], "invalid_scope");
}
