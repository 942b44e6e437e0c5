//! oidc-provider: strict. A refresh token that comes back ends the whole grant.

use webex_oauth_async::ClientError;
use webex_oauth_async::webex_oauth::{ClientAuth, ErrorCode, LoginOptions, ResponseMode, SignOutOptions};

use crate::kit::{Server, approve, login, me, open};

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn fifty_tasks_share_each_rotation() {
    let server = Server::start("oidc-provider", &["--access-ttl", "6"]).await;
    let mut parts = server.parts("public", ClientAuth::None, None).await;
    parts.refresh.proactive = false;
    let client = open(parts).await;
    login(&client, LoginOptions::default(), &["--user", "alice"]).await.unwrap();
    for round in 1..=2 {
        let before = client.tokens().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(6100)).await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let client = client.clone();
            tasks.spawn(async move { client.token().await.map(|token| token.expose().to_owned()) });
        }
        // A second use of the refresh token would have ended the grant, and the next round.
        assert!(tasks.join_all().await.iter().all(Result::is_ok), "round {round}");
        let after = client.tokens().unwrap();
        assert_ne!(before.refresh_token, after.refresh_token, "round {round}: rotation");
    }
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn a_refresh_token_that_comes_back_ends_the_grant_of_both() {
    let server = Server::start("oidc-provider", &[]).await;
    let client = server.public().await;
    login(&client, LoginOptions::default(), &[]).await.unwrap();
    assert_eq!(me(&client, &server).await["scope"], "read");
    let stolen = client.tokens().unwrap().refresh_token.unwrap();
    client.refresh().await.unwrap();

    let thief = server.public().await;
    thief.adopt(format!(r#"{{"refresh_token":"{}"}}"#, stolen.expose())).await.unwrap();
    assert!(matches!(thief.token().await, Err(ClientError::SignInRequired { .. })));
    assert!(matches!(client.refresh().await, Err(ClientError::SignInRequired { .. })));
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn a_confidential_client_authenticates_in_both_ways() {
    let server = Server::start("oidc-provider", &[]).await;
    for (id, auth, secret) in
        [("basic", ClientAuth::BasicFormEncoded, "test only: 100%/+&="), ("post", ClientAuth::Body, "test-only-post")]
    {
        let client = open(server.parts(id, auth, Some(secret)).await).await;
        login(&client, LoginOptions::default(), &[]).await.unwrap();
        client.refresh().await.unwrap();
        assert_eq!(me(&client, &server).await["client_id"], id);
    }
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn the_answer_may_come_as_a_form_post() {
    let server = Server::start("oidc-provider", &[]).await;
    let client = server.public().await;
    let options = LoginOptions { response_mode: Some(ResponseMode::FormPost), ..LoginOptions::default() };
    login(&client, options, &["--user", "bob"]).await.unwrap();
    assert_eq!(me(&client, &server).await["user"], "bob");
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn who_declines_gets_access_denied() {
    let server = Server::start("oidc-provider", &[]).await;
    let client = server.public().await;
    let declined = login(&client, LoginOptions::default(), &["--deny"]).await;
    let Err(ClientError::LoginFailed { fault }) = declined else { panic!("{declined:?}") };
    assert_eq!(fault.code, Some(ErrorCode::AccessDenied));
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn a_machine_signs_in_as_itself_and_renews() {
    let server = Server::start("oidc-provider", &[]).await;
    let secret = Some("test-only-machine");
    let client = open(server.parts("machine", ClientAuth::BasicFormEncoded, secret).await).await;
    client.sign_in_with_client_credentials(None).await.unwrap();
    let first = client.token().await.unwrap();
    assert_eq!(me(&client, &server).await["client_id"], "machine");
    client.refresh().await.unwrap();
    assert_ne!(client.token().await.unwrap(), first);
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn a_device_is_signed_in_elsewhere() {
    let server = Server::start("oidc-provider", &[]).await;
    let client = open(server.parts("device", ClientAuth::None, None).await).await;
    let login = client.begin_device_login(None).await.unwrap();
    let complete = login.prompt().verification_uri_complete.clone().unwrap();
    approve(complete.expose(), &["--user", "carol"]).await;
    login.wait().await.unwrap();
    assert_eq!(me(&client, &server).await["user"], "carol");
}

#[tokio::test]
#[ignore = "scripts/stages/50-e2e"]
async fn signing_out_revokes_at_the_server() {
    let server = Server::start("oidc-provider", &[]).await;
    let client = server.public().await;
    login(&client, LoginOptions::default(), &[]).await.unwrap();
    let access = client.token().await.unwrap();
    let asked = |client: &webex_oauth_async::Client| {
        let request = webex_oauth_async::http::Request::get(server.api());
        let request = request.header("authorization", access.expose_header()).body(Vec::new()).unwrap();
        let client = client.clone();
        async move { client.call(request).await.unwrap().status().as_u16() }
    };
    assert_eq!(asked(&client).await, 200);
    client.sign_out(SignOutOptions::default()).await.unwrap();
    assert_eq!(asked(&client).await, 401);
}
