//! Tokens for scripts: nothing else on standard output, one refresh for all.

use std::process::Stdio;
use std::time::Duration;

use webex_oauth_simulator::{CLIENT_ID, Entry, Fault, Options};

use crate::kit::World;

/// Signed in with a token that has expired, and tokens that live long from now on.
fn expired(options: Options) -> World {
    let world = World::with(Options { access_lifetime_ms: 1000, ..options });
    world.sign_in();
    world.simulator.configure(|options| options.access_lifetime_ms = 1_209_600_000);
    std::thread::sleep(Duration::from_millis(1100));
    world.simulator.clear_log();
    world
}

#[test]
fn the_token_and_nothing_else() {
    let world = World::new();
    world.sign_in();
    let ran = world.run(&["token"]);
    assert_eq!((ran.code, ran.err.as_str(), ran.out.lines().count()), (0, "", 1), "{ran:?}");
    assert_eq!(ran.out, format!("{}\n", ran.out.trim()));
    let grants = world.simulator.counters().grants_attempted;
    assert_eq!(grants, 1, "a fresh token needs no request");
}

#[test]
fn twenty_processes_and_one_refresh() {
    let world = expired(Options { rotate: true, ..Options::default() });
    let children: Vec<_> = (0..20).map(|_| world.command(&["token"]).spawn().unwrap()).collect();
    let mut tokens: Vec<String> = Vec::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        tokens.push(String::from_utf8(output.stdout).unwrap());
    }
    tokens.sort_unstable();
    tokens.dedup();
    assert_eq!(tokens.len(), 1);
    let counters = world.simulator.counters();
    assert_eq!((counters.refreshes_attempted, counters.refreshes_succeeded, counters.reuse_detected), (1, 1, 0));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new();
    world.sign_in();
    let mut child = world.command(&["token"]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert!(child.wait().unwrap().success());
}

#[test]
fn refresh_brings_another_token() {
    let world = World::new();
    world.sign_in();
    let before = world.run(&["token"]).done().to_owned();
    let ran = world.run(&["refresh"]);
    assert!(ran.err.contains("Refreshed: the token is valid until"), "{ran:?}");
    assert_ne!(world.run(&["token"]).done(), before);
    assert_eq!(world.run(&["--quiet", "refresh"]).err, "");
}

#[test]
fn a_user_token_has_less_scope() {
    let world = World::new();
    world.sign_in();
    let full = world.run(&["token"]).done().to_owned();
    let less = world.run(&["user-token", "spark:people_read"]);
    assert_ne!(less.done(), full);
    assert_eq!((less.out.lines().count(), less.err.as_str()), (1, ""));
    world.run(&["user-token", "spark:rooms_write"]).failed(4, &["do not cover spark:rooms_write"]);
    world.run(&["user-token", " "]).failed(2, &["scope is empty"]);
}

#[test]
fn status_asks_nobody_and_says_when() {
    let world = World::new();
    world.sign_in();
    world.simulator.clear_log();
    let ran = world.run(&["status"]);
    for words in ["spark:people_read", "ends in 13 days 23 hours", "sign in again  by 20", "in 89 days 23 hours"] {
        assert!(ran.done().contains(words), "{words:?} is not in {ran:?}");
    }
    let json: serde_json::Value = serde_json::from_str(world.run(&["status", "--json"]).done()).unwrap();
    assert_eq!(json["signed_in"], true);
    assert_eq!(json["client_id"], CLIENT_ID);
    assert_eq!(json["scopes"], serde_json::json!(["spark:kms", "spark:people_read"]));
    assert!(json["sign_in_again_by"].as_str().unwrap().ends_with('Z'));
    assert_eq!(world.simulator.counters().requests, 0);
}

#[test]
fn an_expired_token_that_can_be_renewed_is_no_failure() {
    let world = expired(Options::default());
    let ran = world.run(&["status"]);
    assert!(ran.done().contains("is renewed when needed"), "{ran:?}");
    assert_eq!(world.simulator.counters().requests, 0);
}

#[test]
fn whoami_gets_another_token_where_the_server_refuses_the_first() {
    let world = World::new();
    world.sign_in();
    world.simulator.expire_access_tokens();
    world.simulator.clear_log();
    assert!(world.run(&["whoami"]).done().contains("ada@example.com"));
    assert_eq!(world.simulator.counters().refreshes_attempted, 1);
    let json: serde_json::Value = serde_json::from_str(world.run(&["whoami", "--json"]).done()).unwrap();
    assert_eq!(json["displayName"], "Ada Lovelace");
}

#[test]
fn revoke_says_whether_the_server_did_it() {
    let world = World::new();
    world.sign_in();
    let ran = world.run(&["revoke"]);
    assert!(ran.err.contains("taken the tokens back"), "{ran:?}");
    assert_eq!(world.simulator.live_tokens(), []);
    world.run(&["revoke"]).failed(4, &["nobody is signed in"]);

    world.sign_in();
    world.simulator.set_down(true);
    world.run(&["revoke"]).failed(6, &["stay valid until 20"]);
    world.simulator.set_down(false);
    world.run(&["token"]).failed(4, &["webex-oauth login"]);
}

#[test]
fn logout_forgets_whatever_the_network_says() {
    let world = World::new();
    world.sign_in();
    world.simulator.set_down(true);
    let ran = world.run(&["logout"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("did not take the tokens back") && ran.err.contains("Signed out"), "{ran:?}");
    world.simulator.set_down(false);
    world.run(&["status"]).failed(4, &["nobody is signed in"]);
    assert!(world.run(&["logout"]).err.contains("Nobody was signed in"));

    world.sign_in();
    assert_eq!(world.run(&["logout", "--keep-tokens"]).code, 0);
    assert_ne!(world.simulator.live_tokens(), []);
}

#[test]
fn a_logout_of_nobody_stores_nothing() {
    let world = World::new();
    assert!(world.run(&["logout"]).err.contains("Nobody was signed in"));
    assert!(!world.session_file().exists());
}

#[test]
fn a_forced_logout_of_nobody_is_told_as_such() {
    let world = World::new();
    let ran = world.run(&["logout", "--force"]);
    assert!(ran.code == 0 && ran.err.contains("Nobody was signed in") && !ran.err.contains("valid"), "{ran:?}");
    world.sign_in();
    assert!(world.run(&["logout", "--force"]).err.contains("The tokens stay valid"));
    // What a logout leaves is nobody, too.
    world.sign_in();
    assert_eq!(world.run(&["logout"]).code, 0);
    let ran = world.run(&["logout", "--force"]);
    assert!(ran.code == 0 && ran.err.contains("Nobody was signed in"), "{ran:?}");
    assert!(!world.session_file().exists());
}

#[test]
fn what_is_forgotten_does_not_come_back_with_a_refresh() {
    let world = World::new();
    world.sign_in();
    world.simulator.fault(Fault::hold().on_grant("refresh_token"));
    let refresh = world.start(&["refresh"]);
    let refreshing = |log: &[Entry]| log.iter().any(|entry| entry.grant_type.as_deref() == Some("refresh_token"));
    assert!(world.simulator.wait_for(Duration::from_secs(20), refreshing));
    let mut logout = world.start(&["logout", "--force"]);
    // Time to forget too early.
    std::thread::sleep(Duration::from_millis(500));
    assert!(!logout.has_ended(), "during a refresh");
    world.simulator.release();
    assert_eq!(refresh.end().code, 0);
    let ran = logout.end();
    assert!(ran.code == 0 && ran.err.contains("Forgotten here"), "{ran:?}");
    assert!(!world.session_file().exists());
    world.run(&["status"]).failed(4, &["nobody is signed in"]);
}

#[test]
fn services_are_asked_for_once_a_day() {
    let world = World::new();
    world.sign_in();
    let catalogs = || world.simulator.log().iter().filter(|entry| entry.path.starts_with("/u2c/")).count();
    let all = world.run(&["services"]);
    assert!(
        all.done().lines().any(|line| line == format!("hydra         {}", world.simulator.url("/v1"))),
        "{}",
        all.done()
    );
    assert_eq!(world.run(&["services", "hydra"]).done(), world.simulator.url("/v1"));
    assert!(world.run(&["services", "--json"]).done().contains(r#""conversation":"http://127.0.0.1"#));
    assert_eq!(catalogs(), 1);
    world.run(&["services", "--refresh"]).done();
    assert_eq!(catalogs(), 2);
    world.run(&["services", "nowhere"]).usage_error("webex-oauth services");
}

#[test]
fn a_token_with_its_end_and_as_a_header() {
    let world = World::new();
    world.sign_in();
    let token = world.run(&["token"]).done().to_owned();
    assert_eq!(world.run(&["token", "--header"]).done(), format!("Authorization: Bearer {token}"));
    let json: serde_json::Value = serde_json::from_str(world.run(&["token", "--json"]).done()).unwrap();
    assert_eq!((&json["access_token"], &json["token_type"]), (&token.as_str().into(), &"Bearer".into()));
    assert!(json["expires_at"].as_str().unwrap().ends_with('Z'), "{json}");
    let ran = world.run(&["user-token", "spark:rooms_write"]);
    ran.failed(4, &["webex-oauth login --scope", "spark:rooms_write"]);
}

#[test]
fn a_bot_is_signed_in_as_long_as_the_server_takes_its_token() {
    let world = World::new();
    let token = world.write("bot", webex_oauth_simulator::BOT_TOKEN);
    assert_eq!(world.run(&["login", "--token-file", token.to_str().unwrap()]).code, 0);
    let ran = world.run(&["status"]);
    assert!(ran.done().contains("when the server refuses the token"), "{ran:?}");
    let json: serde_json::Value = serde_json::from_str(world.run(&["status", "--json"]).done()).unwrap();
    assert_eq!((&json["usable"], &json["sign_in_again_by"]), (&true.into(), &serde_json::Value::Null));
}
