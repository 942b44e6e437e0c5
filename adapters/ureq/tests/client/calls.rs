//! Calling an API.

use std::io::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use webex_oauth_simulator::{Endpoint, Fault, FaultKind};
use webex_oauth_ureq::http::{Request, Response};
use webex_oauth_ureq::webex_oauth::{Phase, SendFault};
use webex_oauth_ureq::{ClientError, refresh_error};

use crate::kit::{builder, hears, issue, says, signed_in, simulator};

fn json(answer: &Response<Vec<u8>>) -> serde_json::Value {
    serde_json::from_slice(answer.body()).unwrap()
}

#[test]
fn a_refused_token_is_replaced_and_the_call_is_made_again() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator.expire_access_tokens();
    let request = Request::post(simulator.url("/v1/echo/x?a=b")).body(b"hello".to_vec()).unwrap();
    let answer = client.call(request).unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(json(&answer)["body"], "hello");
    assert_eq!(json(&answer)["token"]["generation"], 2);
    let counters = simulator.counters();
    assert_eq!((counters.api_calls, counters.refreshes_attempted), (2, 1));
}

#[test]
fn a_storm_of_401_is_one_refresh_per_generation() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    for _ in 0..2 {
        simulator.expire_access_tokens();
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| assert_eq!(client.get(&simulator.url("/v1/people/me")).unwrap().status(), 200));
            }
        });
    }
    assert_eq!(simulator.counters().refreshes_attempted, 2);
}

#[test]
fn a_401_that_a_new_token_does_not_help_is_the_answer() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator.fault(Fault::status(401).at(Endpoint::PeopleMe).always());
    let answer = client.get(&simulator.url("/v1/people/me")).unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(refresh_error(&answer), None);
    let counters = simulator.counters();
    assert_eq!((counters.api_calls, counters.refreshes_attempted), (2, 1));
}

#[test]
fn the_first_401_is_returned_with_the_reason_where_the_refresh_fails() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator.revoke_all();
    let answer = client.get(&simulator.url("/v1/people/me")).unwrap();
    assert_eq!(answer.status(), 401);
    assert!(matches!(refresh_error(&answer), Some(ClientError::SignInRequired { .. })));
    assert_eq!(simulator.counters().api_calls, 1, "no replay without a new token");
}

#[test]
fn a_401_that_comes_after_the_close_begins_no_refresh() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator.expire_access_tokens();
    simulator.fault(Fault::hold().at(Endpoint::PeopleMe));
    std::thread::scope(|scope| {
        let call = scope.spawn(|| client.get(&simulator.url("/v1/people/me")).unwrap());
        assert!(simulator.wait_for(Duration::from_secs(10), |log| !log.is_empty()));
        client.close();
        simulator.release();
        let answer = call.join().unwrap();
        assert_eq!((answer.status().as_u16(), refresh_error(&answer)), (401, Some(&ClientError::Closed)));
    });
    assert!(!client.status().is_refreshing);
    assert_eq!(client.refresh(), Err(ClientError::Closed));
    assert_eq!(client.adopt("another"), Err(ClientError::Closed));
    assert_eq!(simulator.counters().refreshes_attempted, 0);
}

#[test]
fn other_hosts_do_not_see_the_token() {
    let (simulator, stranger) = (simulator(), simulator());
    let client = signed_in(&simulator, builder(&simulator), 3600);
    let answer = client.get(&stranger.url("/v1/people/me")).unwrap();
    assert_eq!(answer.status(), 401, "an answer like another");
    assert_eq!(stranger.log()[0].client_auth, webex_oauth_simulator::ClientAuth::None);
    assert_eq!(simulator.counters().refreshes_attempted, 0, "and none of the session's business");
}

#[test]
fn the_callers_own_authorization_stays() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    let other = issue(&simulator);
    let request =
        Request::get(simulator.url("/v1/echo")).header("authorization", format!("Bearer {}", other.access_token));
    let answer = client.call(request.body(Vec::new()).unwrap()).unwrap();
    assert_eq!(json(&answer)["token"]["family"], other.family);

    let request = Request::get(simulator.url("/v1/echo")).header("Authorization", "Bearer wrong");
    assert_eq!(client.call(request.body(Vec::new()).unwrap()).unwrap().status(), 401);
    assert_eq!(simulator.counters().refreshes_attempted, 0);
}

#[test]
fn a_wait_that_the_api_asks_for_is_kept_within_bounds() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator).max_wait(Duration::from_secs(3)), 3600);
    simulator.fault(Fault::retry_after(429, "1").at(Endpoint::PeopleMe));
    let begun = Instant::now();
    assert_eq!(client.get(&simulator.url("/v1/people/me")).unwrap().status(), 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    simulator.fault(Fault::retry_after(429, "3000").at(Endpoint::PeopleMe));
    assert_eq!(client.get(&simulator.url("/v1/people/me")).unwrap().status(), 429);
    assert_eq!(simulator.counters().api_calls, 3);
}

#[test]
fn an_embargo_ends_the_session() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator.fault(Fault::status(451).at(Endpoint::PeopleMe));
    assert_eq!(client.get(&simulator.url("/v1/people/me")).unwrap().status(), 451);
    assert!(matches!(client.status().phase, Phase::SignedOut { .. }));
    assert!(matches!(client.token(), Err(ClientError::SignInRequired { .. })));
}

#[test]
fn redirects_and_errors_are_answers() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator
        .fault(Fault::new(FaultKind::Redirect { location: "https://evil.example/".into() }).at(Endpoint::PeopleMe));
    let answer = client.get(&simulator.url("/v1/people/me")).unwrap();
    assert_eq!(answer.status(), 302);
    assert_eq!(answer.headers()["location"], "https://evil.example/");
    simulator.fault(Fault::html(502).at(Endpoint::PeopleMe));
    assert_eq!(client.get(&simulator.url("/v1/people/me")).unwrap().status(), 502);
}

#[test]
fn an_answer_has_a_longest_length() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator).max_body(1000), 3600);
    simulator.fault(Fault::new(FaultKind::Huge { length: 1 << 30, send: Some(10_000) }).at(Endpoint::PeopleMe));
    let error = client.get(&simulator.url("/v1/people/me")).unwrap_err();
    assert!(matches!(error, ClientError::Call { fault: SendFault::TooLarge, .. }), "{error:?}");
}

/// How long an answer is for a client that takes so much at most.
fn length_of(url: &str, max_body: usize) -> Result<usize, SendFault> {
    let client = builder(&simulator()).max_body(max_body).open().unwrap();
    match client.get(url) {
        Ok(answer) => Ok(answer.body().len()),
        Err(ClientError::Call { fault, .. }) => Err(fault),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn an_answer_of_just_the_longest_length_is_one() {
    let url = says(format!("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}", "x".repeat(100)).into_bytes());
    assert_eq!(length_of(&url, 100), Ok(100));
    assert_eq!(length_of(&url, 99), Err(SendFault::TooLarge));
}

#[test]
fn an_answer_is_measured_as_it_is_unpacked() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![b'x'; 2_000_000]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 100_000);
    let head = format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", packed.len());
    let url = says([head.as_bytes(), &packed].concat());
    assert_eq!(length_of(&url, 2_000_000), Ok(2_000_000));
    assert_eq!(length_of(&url, 100_000), Err(SendFault::TooLarge));
}

#[test]
fn a_call_that_does_not_get_through_says_how() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    simulator.fault(Fault::cut_before().at(Endpoint::PeopleMe));
    let error = client.get(&simulator.url("/v1/people/me")).unwrap_err();
    assert!(matches!(error, ClientError::Call { fault: SendFault::Lost, .. }), "{error:?}");
    let error = client.get("http://127.0.0.1:1/").unwrap_err();
    assert!(matches!(error, ClientError::Call { fault: SendFault::NotSent, .. }), "{error:?}");
    let error = client.get("https://127.0.0.1:1/").unwrap_err();
    assert!(matches!(error, ClientError::Call { fault: SendFault::NotSent, .. }), "{error:?}");
}

/// Whether or not there is a network.
#[test]
fn a_name_that_cannot_be_found_was_not_sent_to() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    match client.get("https://host.invalid/").unwrap_err() {
        ClientError::Call { fault: SendFault::NotSent, problem } => assert_eq!(problem, "host not found"),
        error => panic!("{error:?}"),
    }
}

/// What is called on this machine in plain text is so because it stays here.
#[test]
fn a_proxy_does_not_see_what_stays_on_this_machine() {
    let (proxy, seen) = hears();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "calls::behind_a_proxy", "--ignored", "--nocapture"]);
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "http_proxy", "https_proxy"] {
        child.env(name, &proxy);
    }
    let child = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let seen: Vec<_> = seen.try_iter().collect();
    assert!(!seen.is_empty() && seen.iter().all(|line| line.contains("elsewhere.invalid")), "{seen:?}");
}

#[test]
#[ignore = "runs in a process of its own, started by the test before"]
fn behind_a_proxy() {
    let simulator = simulator();
    let client = builder(&simulator).open().unwrap();
    client.sign_in_with_client_credentials(None).unwrap();
    // The token is for the configured host alone.
    for (host, status) in [("127.0.0.1", 200), ("localhost", 401)] {
        let url = simulator.url("/v1/people/me").replace("127.0.0.1", host);
        assert_eq!(client.get(&url).unwrap().status(), status);
    }
    assert!(client.get("http://elsewhere.invalid/").is_err(), "the proxy refuses");
}
