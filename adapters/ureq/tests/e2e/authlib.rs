//! Authlib with Flask: lenient.

use webex_oauth_ureq::ClientError;
use webex_oauth_ureq::webex_oauth::{ClientAuth, ErrorCode, Flow, LoginOptions, Scope};

use crate::kit::{Server, approve, login, me, open};

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn the_bare_implicit_grant_has_nothing_to_renew() {
    let server = Server::start("authlib", &[]);
    let client = open(server.parts("implicit", ClientAuth::None, None));
    login(&client, LoginOptions { flow: Flow::Implicit, ..LoginOptions::default() }, &["--user", "alice"]).unwrap();
    assert_eq!(me(&client, &server)["user"], "alice");
    assert!(!client.status().can_refresh);
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_device_that_polls_too_fast_slows_down_and_gets_there() {
    let server = Server::start("authlib", &["--interval", "1", "--first-interval", "2"]);
    let client = open(server.parts("device", ClientAuth::None, None));
    let login = client.begin_device_login(None).unwrap();
    let complete = login.prompt().verification_uri_complete.clone().unwrap();
    approve(complete.expose(), &[]);
    login.wait().unwrap();
    assert_eq!(me(&client, &server)["client_id"], "device");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_refresh_without_rotation_keeps_its_refresh_token() {
    let server = Server::start("authlib", &[]);
    let client = server.public();
    login(&client, LoginOptions::default(), &[]).unwrap();
    let first = client.tokens().unwrap();
    client.refresh().unwrap();
    let second = client.tokens().unwrap();
    assert_ne!(first.access_token, second.access_token);
    assert_eq!(first.refresh_token, second.refresh_token);
    assert_eq!(me(&client, &server)["user"], "alice");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn basic_may_have_to_be_raw() {
    let server = Server::start("authlib", &[]);
    let client = open(server.parts("basic", ClientAuth::BasicRaw, Some("test only basic")));
    login(&client, LoginOptions::default(), &[]).unwrap();
    assert_eq!(me(&client, &server)["client_id"], "basic");
    client.sign_in_with_client_credentials(Some(Scope::parse("read"))).unwrap();
    client.token().unwrap();

    let encoded = open(server.parts("basic", ClientAuth::BasicFormEncoded, Some("test only basic")));
    let refused = encoded.sign_in_with_client_credentials(None);
    assert!(matches!(refused, Err(ClientError::LoginFailed { .. })), "{refused:?}");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_token_without_a_lifetime_is_used_until_it_is_refused() {
    let server = Server::start("authlib", &["--access-ttl", "0"]);
    let client = server.public();
    login(&client, LoginOptions::default(), &[]).unwrap();
    assert_eq!(client.status().expires_at, None);
    assert_eq!(me(&client, &server)["user"], "alice");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn who_declines_gets_access_denied() {
    let server = Server::start("authlib", &[]);
    let client = server.public();
    let declined = login(&client, LoginOptions::default(), &["--deny"]);
    let Err(ClientError::LoginFailed { fault }) = declined else { panic!("{declined:?}") };
    assert_eq!(fault.code, Some(ErrorCode::AccessDenied));
}
