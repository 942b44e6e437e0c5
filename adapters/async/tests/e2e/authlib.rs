//! Authlib with Flask: lenient.

use webex_oauth_async::ClientError;
use webex_oauth_async::webex_oauth::{ClientAuth, ErrorCode, Flow, LoginOptions, Scope};

use crate::kit::{Server, approve, login, me, open};

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn the_bare_implicit_grant_has_nothing_to_renew() {
    let server = Server::start("authlib", &[]).await;
    let client = open(server.parts("implicit", ClientAuth::None, None).await).await;
    let options = LoginOptions { flow: Flow::Implicit, ..LoginOptions::default() };
    login(&client, options, &["--user", "alice"]).await.unwrap();
    assert_eq!(me(&client, &server).await["user"], "alice");
    assert!(!client.status().can_refresh);
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn a_device_that_polls_too_fast_slows_down_and_gets_there() {
    let server = Server::start("authlib", &["--interval", "1", "--first-interval", "2"]).await;
    let client = open(server.parts("device", ClientAuth::None, None).await).await;
    let login = client.begin_device_login(None).await.unwrap();
    let complete = login.prompt().verification_uri_complete.clone().unwrap();
    approve(complete.expose(), &[]).await;
    login.wait().await.unwrap();
    assert_eq!(me(&client, &server).await["client_id"], "device");
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn a_refresh_without_rotation_keeps_its_refresh_token() {
    let server = Server::start("authlib", &[]).await;
    let client = server.public().await;
    login(&client, LoginOptions::default(), &[]).await.unwrap();
    let first = client.tokens().unwrap();
    client.refresh().await.unwrap();
    let second = client.tokens().unwrap();
    assert_ne!(first.access_token, second.access_token);
    assert_eq!(first.refresh_token, second.refresh_token);
    assert_eq!(me(&client, &server).await["user"], "alice");
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn basic_may_have_to_be_raw() {
    let server = Server::start("authlib", &[]).await;
    let client = open(server.parts("basic", ClientAuth::BasicRaw, Some("test only basic")).await).await;
    login(&client, LoginOptions::default(), &[]).await.unwrap();
    assert_eq!(me(&client, &server).await["client_id"], "basic");
    client.sign_in_with_client_credentials(Some(Scope::parse("read"))).await.unwrap();
    client.token().await.unwrap();
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn who_declines_gets_access_denied() {
    let server = Server::start("authlib", &[]).await;
    let client = server.public().await;
    let declined = login(&client, LoginOptions::default(), &["--deny"]).await;
    let Err(ClientError::LoginFailed { fault }) = declined else { panic!("{declined:?}") };
    assert_eq!(fault.code, Some(ErrorCode::AccessDenied));
}
