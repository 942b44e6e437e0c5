//! Each fault, as a client meets it.

mod common;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use common::*;
use serde_json::json;
use webex_oauth_simulator::*;

const SOON: Duration = Duration::from_secs(10);

#[test]
fn a_status_comes_with_an_error_body_and_retry_after_as_it_was_given() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    for value in ["7", "Wed, 21 Oct 2026 07:28:00 GMT", "rand(30),add(30)"] {
        sim.fault(Fault::retry_after(429, value).at(Endpoint::AccessToken));
        let got = refresh(&sim, text(&tokens, "refresh_token"));
        assert_eq!((got.status, got.header("retry-after")), (429, value));
        assert_eq!(got.json()["trackingId"], got.header("trackingid"));
    }
    sim.fault(Fault::error(400, "invalid_grant"));
    assert_eq!(refresh(&sim, text(&tokens, "refresh_token")).json()["message"], "invalid_grant");
    sim.fault(Fault::new(FaultKind::Status {
        status: 503,
        retry_after: None,
        error: None,
        body: Some(json!({"error": {"code": 1}})),
        after: false,
    }));
    assert_eq!(refresh(&sim, text(&tokens, "refresh_token")).json(), json!({"error": {"code": 1}}));
    assert_eq!(sim.counters().refreshes_succeeded, 0);
    assert_eq!(refresh(&sim, text(&tokens, "refresh_token")).status, 200);
}

#[test]
fn a_valid_token_can_be_refused_as_often_as_wanted() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let token = text(&tokens, "access_token");
    sim.fault(Fault::status(401).at(Endpoint::PeopleMe).times(2));
    let first = call(&sim, "/v1/people/me", token);
    assert_eq!(first.status, 401);
    assert!(text(&first.json(), "message").starts_with("The request requires a valid access token"));
    assert_eq!(call(&sim, "/v1/echo", token).status, 200);
    assert_eq!(call(&sim, "/v1/people/me", token).status, 401);
    assert_eq!(call(&sim, "/v1/people/me", token).status, 200);
}

#[test]
fn html_redirect_and_ok_with_error_come_in_place_of_the_answer() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let ask = || refresh(&sim, text(&tokens, "refresh_token"));
    sim.fault(Fault::html(502));
    let got = ask();
    assert_eq!((got.status, got.header("content-type")), (502, "text/html; charset=utf-8"));
    sim.fault(Fault::new(FaultKind::Redirect { location: "https://elsewhere.example/".into() }));
    let got = ask();
    assert_eq!((got.status, got.header("location")), (302, "https://elsewhere.example/"));
    sim.fault(Fault::new(FaultKind::OkWithError { error: "invalid_grant".into() }));
    let got = ask();
    assert_eq!((got.status, got.json()["error"].as_str()), (200, Some("invalid_grant")));
    assert_eq!(sim.counters().refreshes_succeeded, 0);
}

#[test]
fn an_answer_can_be_changed_on_its_way() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let after = |kind: FaultKind| {
        sim.fault(Fault::new(kind));
        refresh(&sim, text(&tokens, "refresh_token"))
    };
    assert_eq!(after(FaultKind::WithStatus { status: 201 }).status, 201);
    assert_eq!(after(FaultKind::StringExpiresIn).json()["expires_in"], "1209599");
    assert_eq!(after(FaultKind::EmptyBody).text, "");
    assert!(serde_json::from_str::<serde_json::Value>(&after(FaultKind::Truncated).text).is_err());
    let kind = FaultKind::ContentType { value: "text/plain".into() };
    assert_eq!(after(kind).header("content-type"), "text/plain");
    assert_eq!(sim.counters().refreshes_succeeded, 5);
    sim.fault(Fault::without("token_type"));
    assert!(refresh(&sim, text(&tokens, "refresh_token")).json().get("token_type").is_none());
    sim.fault(Fault::with("expires_in", json!(3600.0)));
    let got = refresh(&sim, text(&tokens, "refresh_token"));
    assert_eq!(got.json()["expires_in"], 3600.0);
}

#[test]
fn a_cut_before_handling_changes_nothing() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let tokens = sign_in(&sim);
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    sim.fault(Fault::cut_before());
    assert!(try_ask(&sim, &form).is_err());
    let seen = sim.log().pop().unwrap();
    assert_eq!((seen.status, seen.outcome.as_str(), seen.fault.as_deref()), (None, "fault", Some("cut")));
    assert_eq!(try_ask(&sim, &form).unwrap().status, 200);
}

#[test]
fn a_cut_after_handling_loses_the_only_valid_refresh_token() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let tokens = sign_in(&sim);
    let form = [("grant_type", "refresh_token"), ("refresh_token", text(&tokens, "refresh_token"))];
    sim.fault(Fault::cut_after().on_grant("refresh_token"));
    assert!(try_ask(&sim, &form).is_err());
    let seen = sim.log().pop().unwrap();
    assert_eq!((seen.status, seen.outcome.as_str(), seen.issued.len()), (None, "ok", 2));
    assert_eq!(try_ask(&sim, &form).unwrap().status, 400);
    assert_eq!(sim.counters().reuse_detected, 1);
}

#[test]
fn a_held_answer_waits_until_it_is_released() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    let token = text(&tokens, "refresh_token");
    sim.fault(Fault::new(FaultKind::Hold { after: true }).times(2));
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| refresh(&sim, token).status));
        let handled = |log: &[Entry]| log.iter().filter(|entry| entry.outcome == "ok").count() == 3;
        assert!(sim.wait_for(SOON, handled));
        assert!(sim.log().iter().skip(1).all(|entry| entry.done_ms.is_none()));
        sim.release();
        for answer in both {
            assert_eq!(answer.join().unwrap(), 200);
        }
    });
    assert_eq!(sim.counters().max_concurrent_grants, 2);
}

#[test]
fn a_client_that_gives_up_does_not_undo_what_it_asked_for() {
    let sim = start(Options { rotate: true, ..Options::default() });
    let tokens = sign_in(&sim);
    sim.fault(Fault::hold().at(Endpoint::AccessToken));
    let mut stream = TcpStream::connect(sim.base_url().trim_start_matches("http://")).unwrap();
    let form = format!(
        "grant_type=refresh_token&client_id={CLIENT_ID}&client_secret={CLIENT_SECRET}&refresh_token={}",
        text(&tokens, "refresh_token")
    );
    let head = "POST /v1/access_token HTTP/1.1\r\nhost: x\r\ncontent-type: application/x-www-form-urlencoded";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{form}", form.len()).unwrap();
    assert!(sim.wait_for(SOON, |log| log.iter().any(|entry| entry.fault.is_some())));
    drop(stream);
    sim.release();
    let done = |log: &[Entry]| log.last().is_some_and(|entry| entry.done_ms.is_some());
    assert!(sim.wait_for(SOON, done));
    assert_eq!(sim.counters().refreshes_succeeded, 1);
}

#[test]
fn slow_waits_before_or_after_the_handling() {
    let sim = start(Options::default());
    let tokens = sign_in(&sim);
    sim.fault(Fault::slow(5).at(Endpoint::PeopleMe));
    sim.fault(Fault::new(FaultKind::Slow { ms: 5, after: true }).at(Endpoint::PeopleMe));
    let begun = std::time::Instant::now();
    assert_eq!(call(&sim, "/v1/people/me", text(&tokens, "access_token")).status, 200);
    assert_eq!(call(&sim, "/v1/people/me", text(&tokens, "access_token")).status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(10));
}

#[test]
fn a_huge_answer_is_announced_and_may_end_early() {
    let sim = start(Options::default());
    let raw = |send| {
        sim.fault(Fault::new(FaultKind::Huge { length: 1 << 30, send: Some(send) }));
        let mut stream = TcpStream::connect(sim.base_url().trim_start_matches("http://")).unwrap();
        stream.write_all(b"GET /v1/people/me HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8(bytes).unwrap()
    };
    let text = raw(40_000);
    assert!(text.to_lowercase().contains("content-length: 1073741824\r\n"));
    assert!(text.split_once("\r\n\r\n").unwrap().1.len() <= 40_000);
}

#[test]
fn down_closes_every_connection_until_it_is_lifted() {
    let sim = start(Options::default());
    sim.set_down(true);
    let metadata = sim.url("/.well-known/oauth-authorization-server");
    assert!(agent().get(&metadata).call().is_err());
    assert_eq!(get(&sim.url("/_sim/counters")).json()["refused_while_down"], 1);
    assert_eq!(control(&sim, "/_sim/down", json!({"down": false})).status, 200);
    assert_eq!(get(&metadata).status, 200);
}
