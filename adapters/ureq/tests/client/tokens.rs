//! Tokens on demand.

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use webex_oauth_simulator::Fault;
use webex_oauth_ureq::webex_oauth::{Event, FaultKind, SignInReason, SignOutOptions, SignedOutReason};
use webex_oauth_ureq::{ClientError, ClientEvent};

use crate::kit::{Clock, builder, handoff, is_refreshed, issue, parts, signed_in, simulator, wait_for};

const REFRESH: &str = "refresh_token";

#[test]
fn of_64_threads_on_an_expired_token_one_refreshes() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 0);
    let tokens: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(|| client.token().unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(simulator.counters().refreshes_attempted, 1);
}

#[test]
fn nobody_waits_for_a_refresh_ahead_of_expiry_nor_fails_by_it() {
    let simulator = simulator();
    let clock = Clock::default();
    let client = signed_in(&simulator, builder(&simulator).clock(clock.read()), 1000);
    let first = client.token().unwrap();
    simulator.fault(Fault::status(503).on_grant(REFRESH));
    clock.advance(905);
    let events = client.events();
    assert_eq!(client.token().unwrap(), first, "past soon, before must");
    wait_for(&events, |event| matches!(event, ClientEvent::Session(Event::RefreshFailed { .. })));
    assert_eq!(client.token().unwrap(), first, "its failure fails nobody");
    clock.advance(10);
    assert_eq!(client.token().unwrap(), first);
    wait_for(&events, is_refreshed);
    assert_ne!(client.token().unwrap(), first);
}

#[test]
fn the_tokens_are_renewed_without_anybody_asking() {
    let simulator = simulator();
    let events = {
        let client = builder(&simulator).open().unwrap();
        let events = client.events();
        client.adopt(handoff(&issue(&simulator), 1)).unwrap();
        wait_for(&events, is_refreshed);
        events
    };
    assert!(events.iter().count() < 20, "the channel ends with the client");
    assert_eq!(simulator.counters().refreshes_succeeded, 1);
}

#[test]
fn a_server_that_is_down_is_told_with_the_time_of_the_next_attempt() {
    let simulator = simulator();
    let clock = Clock::default();
    let client = signed_in(&simulator, builder(&simulator).clock(clock.read()), 0);
    simulator.set_down(true);
    let Err(ClientError::Unavailable { fault, retry_at }) = client.token() else { panic!() };
    assert_eq!(fault.kind, FaultKind::Network);
    assert!(retry_at > webex_oauth_driver::now());
    assert!(matches!(client.token(), Err(ClientError::Unavailable { .. })), "no second attempt before its time");
    simulator.set_down(false);
    clock.advance(60);
    client.token().unwrap();
    assert_eq!(simulator.counters().refreshes_succeeded, 1);
}

#[test]
fn retry_after_is_respected_and_absurd_ones_are_bounded() {
    let simulator = simulator();
    let clock = Clock::default();
    for (header, least, most) in [("55", 50, 56), ("rand(30),add(30)", 55, 61), ("99999999999", 3590, 3601)] {
        let client = signed_in(&simulator, builder(&simulator).clock(clock.read()), 0);
        simulator.fault(Fault::retry_after(429, header).on_grant(REFRESH));
        let now = (clock.read())();
        let Err(ClientError::Unavailable { fault, retry_at }) = client.token() else { panic!() };
        assert_eq!(fault.kind, FaultKind::RateLimited);
        let wait = retry_at.millis_since(now) / 1000;
        assert!((least..=most).contains(&wait), "{header}: {wait}");
        assert!(matches!(client.refresh(), Err(ClientError::Unavailable { .. })), "not even by force");
    }
    assert_eq!(simulator.counters().refreshes_attempted, 3);
}

#[test]
fn a_lost_answer_after_rotation_is_asked_for_again_with_the_same_token() {
    let simulator = simulator();
    simulator.configure(|options| options.reuse_grace_ms = 60_000);
    let clock = Clock::default();
    let client = signed_in(&simulator, builder(&simulator).clock(clock.read()), 0);
    simulator.fault(Fault::cut_after().on_grant(REFRESH));
    assert!(matches!(client.token(), Err(ClientError::Unavailable { .. })));
    clock.advance(5);
    client.token().unwrap();
    let presented: Vec<_> = simulator.log().iter().filter_map(|entry| entry.presented.clone()).collect();
    assert_eq!(presented.len(), 2);
    assert_eq!(presented[0].fingerprint, presented[1].fingerprint);
}

#[test]
fn the_end_of_the_grant_is_told_as_such() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 0);
    simulator.revoke_all();
    let reason = SignInReason::SignedOut(SignedOutReason::GrantEnded);
    assert_eq!(client.token(), Err(ClientError::SignInRequired { reason: reason.clone() }));
    assert_eq!(client.refresh(), Err(ClientError::SignInRequired { reason }));
}

#[test]
fn refresh_by_hand_waits_for_new_tokens() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    let first = client.token().unwrap();
    client.refresh().unwrap();
    assert_ne!(client.token().unwrap(), first);
    assert_eq!(client.authorization_header().unwrap().expose(), client.token().unwrap().expose_header());
}

#[test]
fn user_tokens_have_less_scope_and_are_kept() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 3600);
    let scope = "spark:people_read".into();
    let first = client.user_token(&scope).unwrap();
    assert_ne!(first, client.token().unwrap());
    assert_eq!(client.user_token(&scope).unwrap(), first);
    assert!(matches!(client.user_token(&"spark:kms".into()), Err(ClientError::SignInRequired { .. })));
    let asked = simulator.log().iter().filter(|entry| entry.endpoint.is_grant()).count();
    assert_eq!(asked, 1);
}

#[test]
fn the_host_can_bring_the_tokens() {
    let simulator = simulator();
    let issued = issue(&simulator);
    let mut parts = parts(&simulator);
    parts.renewal = webex_oauth_ureq::webex_oauth::Renewal::HostToken;
    let text = handoff(&issued, 3600);
    let client = webex_oauth_ureq::Client::builder(parts.build().unwrap());
    let client = client.ask_for_token(move |_| Ok(text.as_str().into())).open().unwrap();
    assert_eq!(client.token().unwrap().expose(), issued.access_token);
    assert_eq!(simulator.counters().grants_attempted, 0);
}

#[test]
fn a_callback_that_panics_is_a_failure_like_another() {
    let simulator = simulator();
    let mut parts = parts(&simulator);
    parts.renewal = webex_oauth_ureq::webex_oauth::Renewal::HostToken;
    let client = webex_oauth_ureq::Client::builder(parts.build().unwrap()).ask_for_token(|_| panic!("oh"));
    let client = client.open().unwrap();
    let begun = Instant::now();
    assert!(client.token().is_err());
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_clock_that_panics_leaves_nothing_half_done() {
    let simulator = simulator();
    let readings = AtomicU64::new(0);
    let clock = move || match readings.fetch_add(1, Ordering::SeqCst) % 3 {
        2 => panic!("no time"),
        _ => webex_oauth_driver::now(),
    };
    let client = builder(&simulator).clock(clock).open().unwrap();
    // Where it went wrong, closing would wait for ever.
    let client = ManuallyDrop::new(client);
    for _ in 0..3 {
        client.adopt(handoff(&issue(&simulator), 0)).unwrap();
        client.token().unwrap();
    }
    drop(ManuallyDrop::into_inner(client));
}

#[test]
fn who_waits_for_a_token_when_the_client_is_closed_is_told() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 0);
    simulator.fault(Fault::hold().on_grant(REFRESH));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| client.token());
        assert!(simulator.wait_for(Duration::from_secs(10), |log| !log.is_empty()));
        let closer = scope.spawn(|| client.close());
        assert_eq!(waiter.join().unwrap(), Err(ClientError::Closed));
        simulator.release();
        closer.join().unwrap();
    });
    assert_eq!(client.token(), Err(ClientError::Closed));
    assert_eq!(client.status().generation, 2, "the answer was still taken in");
}

#[test]
fn a_sign_out_during_a_refresh_revokes_what_arrives() {
    let simulator = simulator();
    let client = signed_in(&simulator, builder(&simulator), 0);
    simulator.fault(Fault::new(webex_oauth_simulator::FaultKind::Hold { after: true }).on_grant(REFRESH));
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| client.token());
        assert!(simulator.wait_for(Duration::from_secs(10), |log| !log.is_empty()));
        client.sign_out(SignOutOptions { revoke: false, ..SignOutOptions::default() }).unwrap();
        assert!(matches!(waiter.join().unwrap(), Err(ClientError::SignInRequired { .. })));
        simulator.release();
    });
    client.close();
    let counters = simulator.counters();
    assert_eq!((counters.live_access_tokens, counters.live_refresh_tokens), (0, 0));
}
