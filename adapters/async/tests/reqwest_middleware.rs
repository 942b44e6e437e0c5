//! The token on the requests of somebody's own reqwest client.

#![cfg(feature = "reqwest-middleware")]

mod simulated;

use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use webex_oauth_async::{AuthorizationMiddleware, Client, ClientError, refused_why};
use webex_oauth_simulator::{Fault, Options, Simulator};

async fn signed_in(simulator: &Simulator) -> (Client, ClientWithMiddleware, String) {
    let (client, url) = simulated::signed_in(simulator).await;
    // Whoever depends on reqwest without its default features brings one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = ClientBuilder::new(reqwest::Client::builder().no_proxy().build().unwrap());
    let http = http.with(AuthorizationMiddleware::new(client.clone())).build();
    (client, http, url)
}

#[tokio::test]
async fn the_token_goes_along_and_a_401_is_answered_by_a_replay() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, http, url) = signed_in(&simulator).await;
    let before = client.token().await.unwrap().expose().to_owned();
    simulator.expire_access_tokens();
    let answer = http.get(&url).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.url().as_str()), (200, url.as_str()));
    assert_ne!(client.token().await.unwrap().expose(), before);
    assert_eq!(simulator.counters().refreshes_attempted, 1);
}

#[tokio::test]
async fn a_401_that_cannot_be_helped_says_why() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (_, http, url) = signed_in(&simulator).await;
    simulator.expire_access_tokens();
    simulator.fault(Fault::status(503).on_grant("refresh_token"));
    let answer = http.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(matches!(refused_why(&answer), Some(ClientError::Unavailable { .. })), "{:?}", refused_why(&answer));
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (_, http, url) = signed_in(&simulator).await;
    simulator.expire_access_tokens();
    let stream = reqwest::Body::wrap(http_body_util::Full::new(bytes::Bytes::from_static(b"once")));
    assert_eq!(http.get(&url).body(stream).send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn who_is_not_signed_in_sends_nothing_and_is_told_so() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, http, url) = signed_in(&simulator).await;
    client.sign_out(Default::default()).await.unwrap();
    let error = http.get(&url).send().await.unwrap_err();
    let reqwest_middleware::Error::Middleware(error) = error else { panic!("{error:?}") };
    assert!(matches!(error.downcast_ref(), Some(ClientError::SignInRequired { .. })), "{error:?}");
}
