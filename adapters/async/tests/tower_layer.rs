//! The token on the requests of services that are not ours.

#![cfg(all(feature = "tower", feature = "reqwest"))]

mod simulated;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use webex_oauth_async::webex_oauth::SignInReason;
use webex_oauth_async::{AuthorizationLayer, Client, ClientError, Once, http, refresh_error};
use webex_oauth_simulator::{Fault, Options, Simulator};

use self::simulated::signed_in;

type Seen = Arc<Mutex<Vec<(String, Option<String>, String)>>>;

/// A server below the layer: it notes what comes, and answers with these statuses, one after the other, then with 200.
fn below(
    statuses: &[u16],
) -> (Seen, impl Service<http::Request<String>, Response = http::Response<()>, Error = Infallible, Future: Send> + Clone)
{
    let (seen, left) = (Seen::default(), Arc::new(Mutex::new(statuses.to_vec())));
    let noted = Arc::clone(&seen);
    let service = service_fn(move |request: http::Request<String>| {
        let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
        noted.lock().unwrap().push((request.uri().to_string(), token, request.body().clone()));
        let mut left = left.lock().unwrap();
        let status = if left.is_empty() { 200 } else { left.remove(0) };
        let answer = http::Response::builder().status(status).header("retry-after", "1").body(()).unwrap();
        std::future::ready(Ok(answer))
    });
    (seen, service)
}

fn post(url: &str) -> http::Request<String> {
    http::Request::post(url).body("what is said".to_owned()).unwrap()
}

async fn token(client: &Client) -> String {
    format!("Bearer {}", client.token().await.unwrap().expose())
}

#[tokio::test]
async fn the_token_goes_along_and_a_refused_request_is_sent_again_whole() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    let before = token(&client).await;
    let (seen, below) = below(&[401]);
    let mut service = ServiceBuilder::new().layer(AuthorizationLayer::new(client.clone())).service(below);
    assert_eq!(service.ready().await.unwrap().call(post(&url)).await.unwrap().status(), 200);
    let after = token(&client).await;
    assert_ne!(before, after);
    let said = "what is said".to_owned();
    assert_eq!(*seen.lock().unwrap(), [(url.clone(), Some(before), said.clone()), (url, Some(after), said)]);
    assert_eq!(simulator.counters().refreshes_attempted, 1);
}

#[tokio::test]
async fn a_second_401_is_the_answer() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    let (seen, below) = below(&[401, 401, 401]);
    let service = ServiceBuilder::new().layer(AuthorizationLayer::new(client)).service(below);
    assert_eq!(service.oneshot(post(&url)).await.unwrap().status(), 401);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn a_401_that_cannot_be_helped_says_why() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    simulator.fault(Fault::status(503).on_grant("refresh_token"));
    let (_, below) = below(&[401]);
    let service = ServiceBuilder::new().layer(AuthorizationLayer::new(client)).service(below);
    let answer = service.oneshot(post(&url)).await.unwrap();
    assert_eq!(answer.status(), 401);
    assert!(matches!(refresh_error(&answer), Some(ClientError::Unavailable { .. })), "{answer:?}");
}

#[tokio::test]
async fn what_is_there_once_is_sent_once_and_the_next_has_another_token() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    let (seen, below) = below(&[401, 200, 429]);
    let layer: AuthorizationLayer<Once> = AuthorizationLayer::once(client);
    let mut service = ServiceBuilder::new().layer(layer).service(below);
    for status in [401, 200, 429] {
        assert_eq!(service.ready().await.unwrap().call(post(&url)).await.unwrap().status(), status);
    }
    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 3);
    assert_ne!(seen[0].1, seen[1].1);
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    let (seen, below) = below(&[429]);
    let service = ServiceBuilder::new().layer(AuthorizationLayer::new(client)).service(below);
    assert_eq!(service.oneshot(post(&url)).await.unwrap().status(), 200);
    assert_eq!(seen.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn the_token_goes_nowhere_else_and_replaces_nothing() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    let (seen, below) = below(&[]);
    let mut service = ServiceBuilder::new().layer(AuthorizationLayer::new(client)).service(below);
    let mut own = post(&url);
    own.headers_mut().insert("authorization", "Basic b3du".parse().unwrap());
    for request in [post("https://elsewhere.example/x"), own] {
        service.ready().await.unwrap().call(request).await.unwrap();
    }
    let tokens: Vec<_> = seen.lock().unwrap().iter().map(|(_, token, _)| token.clone()).collect();
    assert_eq!(tokens, [None, Some("Basic b3du".to_owned())]);
}

#[tokio::test]
async fn who_is_not_signed_in_sends_nothing_and_is_told_so() {
    let simulator = Simulator::start(Options::default()).unwrap();
    let (client, url) = signed_in(&simulator).await;
    client.sign_out(Default::default()).await.unwrap();
    let (seen, below) = below(&[]);
    let mut service = ServiceBuilder::new().layer(AuthorizationLayer::new(client.clone())).service(below);
    let error = service.ready().await.unwrap().call(post(&url)).await.unwrap_err();
    let error = error.downcast_ref::<ClientError>().unwrap();
    assert!(matches!(error, ClientError::SignInRequired { reason: SignInReason::SignedOut(_) }), "{error:?}");
    let relative = service.ready().await.unwrap().call(post("/v1/people/me")).await.unwrap_err();
    assert!(matches!(relative.downcast_ref::<ClientError>(), Some(ClientError::Misuse(_))), "{relative:?}");
    client.close().await;
    let closed = service.ready().await.unwrap().call(post(&url)).await.unwrap_err();
    assert_eq!(closed.downcast_ref::<ClientError>(), Some(&ClientError::Closed));
    assert!(seen.lock().unwrap().is_empty());
}
