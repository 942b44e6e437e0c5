//! oidc-provider: strict.

use webex_oauth_ureq::webex_oauth::{ClientAuth, ErrorCode, LoginOptions, ResponseMode, SignOutOptions};
use webex_oauth_ureq::{BrowserLogin, ClientError};

use crate::kit::{Server, approve, is_alive, login, me, open};

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_public_client_signs_in_with_pkce_and_rotates() {
    let server = Server::start("oidc-provider", &[]);
    let client = server.public();
    login(&client, LoginOptions::default(), &["--user", "alice"]).unwrap();
    assert_eq!(me(&client, &server)["user"], "alice");

    let first = client.tokens().unwrap();
    client.refresh().unwrap();
    let second = client.tokens().unwrap();
    assert_ne!(first.access_token, second.access_token);
    assert_ne!(first.refresh_token, second.refresh_token, "rotation");
    assert_eq!(me(&client, &server)["scope"], "read");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_refresh_token_that_comes_back_ends_the_grant_of_both() {
    let server = Server::start("oidc-provider", &[]);
    let client = server.public();
    login(&client, LoginOptions::default(), &[]).unwrap();
    let stolen = client.tokens().unwrap().refresh_token.unwrap();
    client.refresh().unwrap();

    let thief = server.public();
    thief.adopt(format!(r#"{{"refresh_token":"{}"}}"#, stolen.expose())).unwrap();
    assert!(matches!(thief.token(), Err(ClientError::SignInRequired { .. })));
    assert!(matches!(client.refresh(), Err(ClientError::SignInRequired { .. })));
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_confidential_client_authenticates_in_both_ways() {
    let server = Server::start("oidc-provider", &[]);
    for (id, auth, secret) in
        [("basic", ClientAuth::BasicFormEncoded, "test only: 100%/+&="), ("post", ClientAuth::Body, "test-only-post")]
    {
        let client = open(server.parts(id, auth, Some(secret)));
        login(&client, LoginOptions::default(), &[]).unwrap();
        client.refresh().unwrap();
        assert_eq!(me(&client, &server)["client_id"], id);
    }
    let raw = open(server.parts("basic", ClientAuth::BasicRaw, Some("test only: 100%/+&=")));
    let refused = login(&raw, LoginOptions::default(), &[]);
    assert!(matches!(refused, Err(ClientError::LoginFailed { .. })), "{refused:?}");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn the_answer_may_come_as_a_form_post() {
    let server = Server::start("oidc-provider", &[]);
    let client = server.public();
    let options = LoginOptions { response_mode: Some(ResponseMode::FormPost), ..LoginOptions::default() };
    login(&client, options, &[]).unwrap();
    assert_eq!(me(&client, &server)["user"], "alice");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn the_loopback_listener_takes_what_the_server_sends() {
    let server = Server::start("oidc-provider", &[]);
    let mut parts = server.parts("public", ClientAuth::None, None);
    parts.redirect_uri = Some("http://127.0.0.1/callback".into());
    let client = open(parts);
    let browser = |url: &webex_oauth_ureq::webex_oauth::Secret| {
        let url = url.expose().to_owned();
        std::thread::spawn(move || {
            let callback = approve(&url, &["--user", "bob"]);
            let page = ureq::get(&callback[0]).call().unwrap().body_mut().read_to_string().unwrap();
            assert!(page.contains("You are signed in"), "{page}");
        });
    };
    client.login_with_browser(BrowserLogin { open: Box::new(browser), ..BrowserLogin::default() }).unwrap();
    assert_eq!(me(&client, &server)["user"], "bob");
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn who_declines_gets_access_denied() {
    let server = Server::start("oidc-provider", &[]);
    let client = server.public();
    let declined = login(&client, LoginOptions::default(), &["--deny"]);
    let Err(ClientError::LoginFailed { fault }) = declined else { panic!("{declined:?}") };
    assert_eq!(fault.code, Some(ErrorCode::AccessDenied));
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_machine_signs_in_as_itself_and_renews() {
    let server = Server::start("oidc-provider", &[]);
    let client = open(server.parts("machine", ClientAuth::BasicFormEncoded, Some("test-only-machine")));
    client.sign_in_with_client_credentials(None).unwrap();
    let first = client.token().unwrap();
    assert_eq!(me(&client, &server)["client_id"], "machine");
    client.refresh().unwrap();
    assert_ne!(client.token().unwrap(), first);
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_device_is_signed_in_elsewhere() {
    let server = Server::start("oidc-provider", &[]);
    let client = open(server.parts("device", ClientAuth::None, None));
    client
        .device_login(None, |prompt| {
            let complete = prompt.verification_uri_complete.as_ref().unwrap();
            approve(complete.expose(), &["--user", "carol"]);
        })
        .unwrap();
    assert_eq!(me(&client, &server)["user"], "carol");
    client.refresh().unwrap();
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn signing_out_revokes_at_the_server() {
    let server = Server::start("oidc-provider", &[]);
    let client = server.public();
    login(&client, LoginOptions::default(), &[]).unwrap();
    let tokens = client.tokens().unwrap();
    let access = tokens.access_token.unwrap();
    assert!(is_alive(&server, access.expose()));
    client.sign_out(SignOutOptions::default()).unwrap();
    assert!(!is_alive(&server, access.expose()));
}

#[test]
#[ignore = "scripts/stages/50-e2e"]
fn a_token_that_expires_is_replaced_in_the_middle_of_a_call() {
    let server = Server::start("oidc-provider", &["--access-ttl", "2"]);
    let mut parts = server.parts("public", ClientAuth::None, None);
    parts.refresh.proactive = false;
    let client = open(parts);
    login(&client, LoginOptions::default(), &[]).unwrap();
    let first = client.token().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    assert_eq!(me(&client, &server)["user"], "alice");
    assert_ne!(client.token().unwrap(), first);
}

/// One odd member would have cost the session: the refresh token before it is spent, and this server ends the grant of
/// whoever comes back with that.
#[test]
#[ignore = "scripts/stages/50-e2e"]
fn no_odd_answer_costs_the_session() {
    let server = Server::start("oidc-provider", &["--odd"]);
    let client = server.public();
    login(&client, LoginOptions::default(), &[]).unwrap();
    assert!(server.oddities > 20, "{}", server.oddities);
    let mut before = client.tokens().unwrap();
    for number in 1..=server.oddities {
        client.refresh().unwrap_or_else(|error| panic!("oddity {number}: {error}"));
        let tokens = client.tokens().unwrap();
        assert_ne!(tokens.access_token, before.access_token, "oddity {number}");
        assert_ne!(tokens.refresh_token, before.refresh_token, "oddity {number}");
        let access = tokens.access_token.clone().unwrap();
        assert!(is_alive(&server, access.expose()), "oddity {number}");
        before = tokens;
    }
}
